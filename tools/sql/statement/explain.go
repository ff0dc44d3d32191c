package statement

import (
	"slices"
	"strconv"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// classifyExplain looks through EXPLAIN at the statement below. Planning alone
// runs functions, but not the statement.
func (s *Statement) classifyExplain(m *explainStmt) {
	s.Explain, s.Verb, s.effect = true, "explain", tools.Read
	s.Runs = explainRuns(m)
	s.Body = explained(s.Query, len(m.GetOptions()))
	s.root = unwrap(m.GetQuery())
	k := kindOf(typeOf(s.root))
	switch s.root.(type) {
	case *selectStmt, *insertStmt, *updateStmt, *deleteStmt, *mergeStmt, *createTableAsStmt:
	default:
		s.effect, s.why = tools.Unknown, "EXPLAIN of this kind of statement is not understood"
		return
	}
	if s.Runs && k.effect != tools.Read {
		s.effect, s.why = k.effect, "EXPLAIN ANALYZE runs the "+k.verb
	}
}

// explained is the text of the statement that EXPLAIN explains: what follows
// the options, which stand in brackets or are the words ANALYZE and VERBOSE.
func explained(query string, options int) string {
	tokens, err := scan(query)
	if err != nil {
		return ""
	}
	tokens = slices.DeleteFunc(tokens, func(t token) bool { return t.kind == commentToken })
	skip := 1
	if options > 0 && len(tokens) > 1 && tokens[1].kind == openToken {
		skip = closing(tokens, 1) + 1
	} else {
		skip += options
	}
	if skip >= len(tokens) {
		return ""
	}
	return query[tokens[skip].start:]
}

// closing is the place of the bracket that closes the one at a place.
func closing(tokens []token, at int) int {
	depth := 0
	for i, t := range tokens[at:] {
		switch t.kind {
		case openToken:
			depth++
		case closeToken:
			depth--
		}
		if depth == 0 {
			return at + i
		}
	}
	return len(tokens)
}

// planned reports whether the statement is only planned.
func (s *Statement) planned() bool { return s.Explain && !s.Runs }

// explainRuns reports whether EXPLAIN has ANALYZE on. A value that it does not
// know counts as on.
func explainRuns(m *explainStmt) bool {
	runs := false
	for _, n := range m.GetOptions() {
		option := n.GetDefElem()
		if strings.EqualFold(option.GetDefname(), "analyze") {
			runs = optionOn(option)
		}
	}
	return runs
}

// optionOn reads a boolean option as PostgreSQL's defGetBoolean does.
func optionOn(option *defElem) bool {
	arg := option.GetArg()
	if arg == nil {
		return true
	}
	if n := arg.GetInteger(); n != nil {
		return n.GetIval() != 0
	}
	word := text(arg)
	if b := arg.GetBoolean(); b != nil {
		word = strconv.FormatBool(b.GetBoolval())
	}
	return !strings.EqualFold(word, "false") && !strings.EqualFold(word, "off")
}
