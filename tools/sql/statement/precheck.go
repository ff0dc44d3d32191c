package statement

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds on a statement's text. They keep the parser's time and stack small
// whatever the text is; see the package's tests for what happens without them.
const (
	maxBytes   = 64 << 10
	maxTokens  = 20_000
	maxNesting = 200
)

// precheck refuses text that must not reach the parser.
func precheck(sql string) error {
	switch {
	case strings.TrimSpace(sql) == "":
		return fmt.Errorf("the statement is empty")
	case len(sql) > maxBytes:
		return fmt.Errorf("the statement is %d bytes long; at most %d are taken", len(sql), maxBytes)
	case !utf8.ValidString(sql):
		return fmt.Errorf("the statement is not valid UTF-8")
	case strings.IndexByte(sql, 0) >= 0:
		return fmt.Errorf("the statement holds a NUL character")
	case nesting(sql) > maxNesting*4:
		return fmt.Errorf("the statement nests deeper than %d levels", maxNesting)
	}
	tokens, err := scan(sql)
	if err != nil {
		return err
	}
	if len(tokens) > maxTokens {
		return fmt.Errorf("the statement has more than %d words and signs", maxTokens)
	}
	depth := 0
	for _, t := range tokens {
		switch t.kind {
		case openToken:
			depth++
		case closeToken:
			depth--
		}
		if depth > maxNesting {
			return fmt.Errorf("the statement nests deeper than %d levels", maxNesting)
		}
	}
	return nil
}

// nesting counts the deepest run of opening brackets without regard to what is
// quoted: a cheap upper bound, since the scanner itself is slow on deep text.
func nesting(sql string) int {
	depth, deepest := 0, 0
	for i := range len(sql) {
		switch sql[i] {
		case '(', '[':
			depth++
			deepest = max(deepest, depth)
		case ')', ']':
			depth--
		}
	}
	return deepest
}
