package statement

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/chaperone-dev/chaperone/tools"
)

// Statement is one parsed statement, not yet resolved against a catalog.
type Statement struct {
	// Text is the statement as given; Query is the part of it that holds the
	// statement itself, without what follows a semicolon.
	Text, Query string
	// Verb and Effect are by kind alone; Analyze finds out the rest.
	Verb   string
	Effect tools.Effect
	// Why says why the effect is not Read.
	Why string
	// Params is the highest parameter number.
	Params int
	// Explain says that only a plan is asked for; Runs, that the statement
	// runs all the same (EXPLAIN ANALYZE).
	Explain, Runs bool
	// Locking says that rows are locked (FOR UPDATE and its kin).
	Locking bool
	// Secret says that the text holds a password by its grammar.
	Secret bool

	root  proto.Message // the statement, or what EXPLAIN explains
	names names
}

// Parse reads text that must hold exactly one statement. Its error is for the
// caller and quotes nothing of the text but the word that the grammar choked on.
func Parse(sql string) (*Statement, error) {
	if err := precheck(sql); err != nil {
		return nil, err
	}
	stmts, err := parse(sql)
	if err != nil {
		return nil, fmt.Errorf("the statement is not valid PostgreSQL: %w", err)
	}
	switch len(stmts) {
	case 0:
		return nil, errors.New("the statement is empty")
	case 1:
	default:
		return nil, fmt.Errorf("there are %d statements; send exactly one in each call", len(stmts))
	}
	s := &Statement{Text: sql, Query: bounds(sql, stmts[0]), Runs: true, names: newNames()}
	s.root = unwrap(stmts[0].GetStmt())
	if s.root == nil {
		return nil, errors.New("the statement is empty")
	}
	s.classify()
	if !walk(s.root, s.visit) {
		return nil, errors.New("the statement is nested too deeply")
	}
	return s, nil
}

// bounds cuts the statement out of text that may go on behind a semicolon.
func bounds(sql string, raw *rawStmt) string {
	start, length := int(raw.GetStmtLocation()), int(raw.GetStmtLen())
	if start < 0 || start > len(sql) {
		return ""
	}
	if length <= 0 || start+length > len(sql) {
		return sql[start:]
	}
	return sql[start : start+length]
}

// classify sets what the kind of statement says.
func (s *Statement) classify() {
	k := kindOf(typeOf(s.root))
	switch m := s.root.(type) {
	case *explainStmt:
		s.classifyExplain(m)
		return
	case *createTableAsStmt:
		if m.GetObjtype() == objectMatView {
			k.verb = "create_materialized_view"
		}
	case *alterTableStmt:
		k = alterKind(m)
	case *dropStmt:
		k = dropKind(m)
	default:
		k = specialKind(s.root, k)
	}
	s.Verb, s.Effect, s.Why = k.verb, k.effect, k.why
	if k.effect == tools.Write || k.effect == tools.Destroy {
		s.Why = "it is a statement of kind " + k.verb
	}
}

// classifyExplain looks through EXPLAIN at the statement below. Planning alone
// runs functions, but not the statement.
func (s *Statement) classifyExplain(m *explainStmt) {
	s.Explain, s.Verb, s.Effect = true, "explain", tools.Read
	s.Runs = explainRuns(m)
	s.root = unwrap(m.GetQuery())
	k := kindOf(typeOf(s.root))
	switch s.root.(type) {
	case *selectStmt, *insertStmt, *updateStmt, *deleteStmt, *mergeStmt, *createTableAsStmt:
	default:
		s.Effect, s.Why = tools.Unknown, "EXPLAIN of this kind of statement is not understood"
		return
	}
	if s.Runs && k.effect != tools.Read {
		s.Effect, s.Why = k.effect, "EXPLAIN ANALYZE runs the "+k.verb
	}
}

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

func typeOf(m proto.Message) string {
	if m == nil {
		return ""
	}
	return string(m.ProtoReflect().Descriptor().Name())
}

// worsen lowers the effect, and keeps the reason of the worst.
func (s *Statement) worsen(effect tools.Effect, why string) {
	if effect < s.Effect {
		s.Effect, s.Why = effect, why
	}
}

// visit notes what a node anywhere in the statement means for the whole.
func (s *Statement) visit(m proto.Message) bool {
	s.names.add(m)
	switch m := m.(type) {
	case *insertStmt, *updateStmt, *deleteStmt, *mergeStmt:
		if s.Runs {
			k := kindOf(typeOf(m))
			s.worsen(k.effect, "it holds a statement of kind "+k.verb)
		}
	case *intoClause:
		if s.Runs {
			s.worsen(tools.Write, "it creates a table")
		}
		if s.Verb == "select" {
			s.Verb = "create_table_as"
		}
	case *lockingClause:
		s.Locking = true
		if s.Runs {
			s.worsen(tools.Write, "it locks rows")
		}
	case *paramRef:
		s.Params = max(s.Params, int(m.GetNumber()))
	case *defElem:
		s.Secret = s.Secret || strings.Contains(strings.ToLower(m.GetDefname()), "password")
	}
	return true
}
