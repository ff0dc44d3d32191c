package statement

import (
	"cmp"
	"strings"

	"google.golang.org/protobuf/proto"
)

// Name is an identifier as a statement writes it. Schema is "" when the
// statement leaves it to the search path.
type Name struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// names are all identifiers in a statement that a catalog may have to resolve,
// and traits of it that matter to what they stand for. Too many are harmless;
// one too few is a hole.
type names struct {
	relations, functions, operators, types set[Name]
	traits                                 set[trait]
}

// trait is something about a statement as a whole.
type trait string

const (
	// compares: values are compared, sorted or grouped, or handed to
	// functions that may do so.
	compares trait = "compares"
	// literals: there are string constants, which the server turns into
	// values as soon as it parses them; nested: some begin like a value
	// that holds others.
	literals trait = "literals"
	nested   trait = "nested"
)

type set[T comparable] map[T]struct{}

func (s set[T]) add(v T)      { s[v] = struct{}{} }
func (s set[T]) has(v T) bool { _, ok := s[v]; return ok }
func (s set[T]) addAll(o set[T]) {
	for v := range o {
		s.add(v)
	}
}

func newNames() names {
	return names{relations: set[Name]{}, functions: set[Name]{}, operators: set[Name]{}, types: set[Name]{}, traits: set[trait]{}}
}

func (n names) addAll(o names) {
	n.relations.addAll(o.relations)
	n.functions.addAll(o.functions)
	n.operators.addAll(o.operators)
	n.types.addAll(o.types)
	n.traits.addAll(o.traits)
}

// inCatalog reads the names as the server prints them while only pg_catalog is
// on the search path: without a schema, they are PostgreSQL's own.
func (n names) inCatalog() names {
	qualify := func(from set[Name]) set[Name] {
		to := set[Name]{}
		for name := range from {
			to.add(Name{cmp.Or(name.Schema, systemSchema), name.Name})
		}
		return to
	}
	return names{
		relations: qualify(n.relations), functions: qualify(n.functions), operators: qualify(n.operators),
		types: qualify(n.types), traits: n.traits,
	}
}

const systemSchema = "pg_catalog"

// comparisons are operators that statements use without writing them: for
// BETWEEN, IN, USING, CASE x WHEN y, DISTINCT FROM and the like.
var comparisons = set[Name]{{"", "="}: {}, {"", "<>"}: {}, {"", "<"}: {}, {"", "<="}: {}, {"", ">"}: {}, {"", ">="}: {}}

// add notes the names in one node.
func (n names) add(m proto.Message) {
	n.compare(m)
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
		n.types.add(qualified(m.GetNames()))
		if len(m.GetTypmods()) > 0 {
			// The type's own function reads them as early as constants.
			n.traits.add(literals)
			n.traits.add(nested)
		}
	case *aConst:
		n.literal(m)
	case *jsonFuncExpr:
		word := strings.TrimSuffix(strings.ToLower(m.GetOp().String()), "_op")
		n.functions.add(Name{"", word})
	default:
		if word, ok := grammarCalls[typeOf(m)]; ok {
			n.functions.add(Name{"", word})
		}
	}
}

// literal notes a string constant.
func (n names) literal(m *aConst) {
	if m.GetSval() == nil {
		return
	}
	n.traits.add(literals)
	if start := strings.TrimSpace(m.GetSval().GetSval()); start != "" && strings.ContainsRune("{[(", rune(start[0])) {
		n.traits.add(nested)
	}
}

// comparing are the nodes that may compare values.
var comparing = map[string]bool{
	"A_Expr": true, "FuncCall": true, "SortBy": true, "MinMaxExpr": true, "JoinExpr": true, "SubLink": true,
	"WindowDef": true, "GroupingSet": true, "CaseExpr": true, "CTECycleClause": true, "CTESearchClause": true,
}

// compare notes whether a node may compare values.
func (n names) compare(m proto.Message) {
	s, query := m.(*selectStmt)
	grouped := query && (len(s.GetGroupClause())+len(s.GetDistinctClause()) > 0 || s.GetOp() != setOpNone)
	if grouped || comparing[typeOf(m)] {
		n.traits.add(compares)
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
