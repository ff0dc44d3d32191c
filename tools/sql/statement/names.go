package statement

import (
	"strings"

	"google.golang.org/protobuf/proto"
)

// Name is an identifier as a statement writes it. Schema is "" when the
// statement leaves it to the search path.
type Name struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// names are all identifiers in a statement that a catalog may have to resolve.
// Too many are harmless; one too few is a hole.
type names struct {
	relations, functions, operators, types set[Name]
}

type set[T comparable] map[T]struct{}

func (s set[T]) add(v T)      { s[v] = struct{}{} }
func (s set[T]) has(v T) bool { _, ok := s[v]; return ok }
func (s set[T]) addAll(o set[T]) {
	for v := range o {
		s.add(v)
	}
}

func newNames() names {
	return names{relations: set[Name]{}, functions: set[Name]{}, operators: set[Name]{}, types: set[Name]{}}
}

// comparisons are operators that statements use without writing them: for
// BETWEEN, IN, USING, CASE x WHEN y, DISTINCT FROM and the like.
var comparisons = []string{"=", "<>", "<", "<=", ">", ">="}

// add notes the names in one node.
func (n names) add(m proto.Message) {
	switch m := m.(type) {
	case *rangeVar:
		n.relations.add(Name{m.GetSchemaname(), m.GetRelname()})
	case *dropStmt:
		for _, name := range relationsDropped(m) {
			n.relations.add(name)
		}
	case *funcCall:
		n.functions.add(qualified(m.GetFuncname()))
	case *rangeTableSample:
		n.functions.add(qualified(m.GetMethod()))
	case *aExpr:
		n.operators.add(qualified(m.GetName()))
	case *subLink:
		if len(m.GetOperName()) > 0 {
			n.operators.add(qualified(m.GetOperName()))
		}
	case *sortBy:
		if len(m.GetUseOp()) > 0 {
			n.operators.add(qualified(m.GetUseOp()))
		}
	case *typeName:
		if name := qualified(m.GetNames()); name.Schema != "pg_catalog" {
			n.types.add(name)
		}
	case *jsonFuncExpr:
		word := strings.TrimSuffix(strings.ToLower(m.GetOp().String()), "_op")
		n.functions.add(Name{"", word})
	default:
		if word, ok := grammarCalls[typeOf(m)]; ok {
			n.functions.add(Name{"", word})
		}
	}
}

// grammarCalls are constructs that a newer grammar than the server's takes for
// its own, where the server looks for a function of that name.
var grammarCalls = map[string]string{
	"JsonObjectConstructor":     "json_object",
	"JsonArrayConstructor":      "json_array",
	"JsonArrayQueryConstructor": "json_array",
	"JsonObjectAgg":             "json_objectagg",
	"JsonArrayAgg":              "json_arrayagg",
	"JsonParseExpr":             "json",
	"JsonScalarExpr":            "json_scalar",
	"JsonSerializeExpr":         "json_serialize",
	"JsonTable":                 "json_table",
	"MergeSupportFunc":          "merge_action",
}

// qualified reads a dotted name; a database in front of it is dropped, since
// the server takes its own only.
func qualified(parts []*node) Name {
	words := texts(parts)
	switch len(words) {
	case 0:
		return Name{}
	case 1:
		return Name{"", words[0]}
	}
	return Name{words[len(words)-2], words[len(words)-1]}
}
