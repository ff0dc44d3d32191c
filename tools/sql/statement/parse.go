package statement

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/chaperone-dev/chaperone/tools"
)

// Statement is one parsed statement, not yet resolved against a catalog.
type Statement struct {
	// Text is the statement as given; Query is the part of it that holds the
	// statement itself, without what follows a semicolon; Body is Query
	// without EXPLAIN and its options. Before is what stands in front of Query:
	// comments, and statements that are empty.
	Text, Query, Body, Before string
	// Verb is the kind of statement. The verdict is by kind alone; Analyze
	// finds out the rest.
	Verb string
	verdict
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
	s := &Statement{Text: sql, Runs: true, names: newNames()}
	s.Before, s.Query = bounds(sql, stmts[0])
	s.Body = s.Query
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

// bounds cuts the statement out of text that may go on behind a semicolon, and
// what stands in front of it.
func bounds(sql string, raw *rawStmt) (before, query string) {
	start, length := int(raw.GetStmtLocation()), int(raw.GetStmtLen())
	if start < 0 || start > len(sql) {
		return sql, ""
	}
	if length <= 0 || start+length > len(sql) {
		return sql[:start], sql[start:]
	}
	return sql[:start], sql[start : start+length]
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
	s.Verb, s.effect, s.why = k.verb, k.effect, k.why
	if k.effect == tools.Write || k.effect == tools.Destroy {
		s.why = "it is a statement of kind " + k.verb
	}
}

func typeOf(m proto.Message) string {
	if m == nil {
		return ""
	}
	return string(m.ProtoReflect().Descriptor().Name())
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
	case *mergeWhenClause:
		if s.Runs && m.GetCommandType() == mergeDelete {
			s.worsen(tools.Destroy, "it deletes rows")
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
