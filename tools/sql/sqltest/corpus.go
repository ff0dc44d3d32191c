package sqltest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What should become of a statement that is sent to sql_read.
const (
	// Read is taken for a read and succeeds.
	Read = "read"
	// Refused does not run: it is, or may be, no read.
	Refused = "refused"
	// Fails may be taken for a read, and the server itself refuses it.
	Fails = "fails"
)

// AnyRows is what Case.Rows says of a result that is another each time.
const AnyRows = "any"

// Case is one statement of the corpus.
//
// A file of the corpus is a list of cases. Each begins with "== " and its name,
// goes on with lines "key: value", and ends with the statement:
//
//	== a function that lies about its volatility
//	expect: refused
//	why: volatility is a promise of the author's
//	SELECT lie.immutable()
//
// In a statement {{text*n}} stands for n times text, and under "escaped: yes"
// backslash escapes are those of Go.
type Case struct {
	File, Name string
	Statement  string
	// Expect is Read, Refused or Fails; without it, what the file's first
	// line says.
	Expect string
	// Why says in one line what the case is about.
	Why string
	// Params is a JSON array, or "".
	Params string
	// Rows is the result as JSON; "" stands for what the server gives to a
	// client of its own, and AnyRows for anything.
	Rows string
	// Code is the SQLSTATE of a case that fails; Rule is what refuses one.
	Code, Rule string
	// Roles are those that the case is run as; empty stands for all three.
	Roles []string
}

// For reports whether the case is to be run as the role.
func (c Case) For(role string) bool { return len(c.Roles) == 0 || slices.Contains(c.Roles, role) }

// ID names the case in messages and as a subtest.
func (c Case) ID() string { return c.File + "/" + c.Name }

// Args are the arguments of sql_read for the case.
func (c Case) Args() map[string]any {
	args := map[string]any{"sql": c.Statement}
	if c.Params != "" {
		args["params"] = json.RawMessage(c.Params)
	}
	return args
}

// Load reads the corpus. testdata is the folder tools/sql/testdata.
func Load(testdata string) ([]Case, error) {
	files, err := filepath.Glob(filepath.Join(testdata, "corpus", "*.sql"))
	if err != nil {
		return nil, err
	}
	var all []Case
	seen := map[string]bool{}
	for _, file := range files {
		cases, err := load(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		for _, c := range cases {
			if seen[c.ID()] {
				return nil, fmt.Errorf("two cases are named %s", c.ID())
			}
			seen[c.ID()] = true
		}
		all = append(all, cases...)
	}
	return all, nil
}

func load(path string) ([]Case, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	head, body, _ := strings.Cut(string(text), "\n== ")
	file := Case{File: strings.TrimSuffix(filepath.Base(path), ".sql")}
	for line := range strings.Lines(head) {
		file.set(strings.TrimPrefix(strings.TrimSpace(line), "-- "))
	}
	var cases []Case
	for block := range strings.SplitSeq(body, "\n== ") {
		c, err := file.parse(block)
		if err != nil {
			return nil, err
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// parse reads one case, whose defaults are those of its file.
func (c Case) parse(block string) (Case, error) {
	c.Name, block, _ = strings.Cut(block, "\n")
	escaped := false
	lines := bufio.NewScanner(strings.NewReader(block))
	rest := block
	for lines.Scan() {
		line := lines.Text()
		if line == "escaped: yes" {
			escaped = true
		} else if !c.set(line) {
			break
		}
		rest = rest[min(len(line)+1, len(rest)):]
	}
	statement := expand(strings.TrimRight(rest, "\n"))
	if escaped {
		var err error
		if statement, err = strconv.Unquote(`"` + strings.ReplaceAll(statement, `"`, `\"`) + `"`); err != nil {
			return c, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	c.Statement = statement
	if statement == "" || c.Expect == "" || c.Why == "" {
		return c, fmt.Errorf("%s: the statement, expect or why is missing", c.Name)
	}
	return c, nil
}

// set takes a line "key: value"; it returns false for any other.
func (c *Case) set(line string) bool {
	key, value, ok := strings.Cut(line, ": ")
	if !ok {
		return false
	}
	switch key {
	case "expect":
		c.Expect = value
	case "why":
		c.Why = value
	case "params":
		c.Params = value
	case "rows":
		c.Rows = value
	case "code":
		c.Code = value
	case "rule":
		c.Rule = value
	case "roles":
		c.Roles = strings.Split(value, ", ")
	default:
		return false
	}
	return true
}

var repeated = regexp.MustCompile(`\{\{(.+?)\*(\d+)\}\}`)

// expand writes {{text*n}} out.
func expand(s string) string {
	return repeated.ReplaceAllStringFunc(s, func(m string) string {
		parts := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(parts[2])
		return strings.Repeat(parts[1], n)
	})
}
