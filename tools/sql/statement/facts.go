package statement

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// Facts are what policy may know of a statement, under input.sql.
type Facts struct {
	Statement string `json:"statement" jsonschema:"the kind of statement: select, insert, update, delete, create_table and so on; explain and show"`
	Explains  string `json:"explains" jsonschema:"the kind of statement that EXPLAIN is about, or empty"`
	Analyze   bool   `json:"analyze" jsonschema:"EXPLAIN ANALYZE, which runs the statement"`

	Tables    []Table        `json:"tables" jsonschema:"every table and view, those below views included"`
	Columns   []Column       `json:"columns" jsonschema:"every column used, those below views included"`
	Functions []FunctionUse  `json:"functions" jsonschema:"every function that may be called, those behind operators, casts, views and row security included"`
	Operators []NamedUse     `json:"operators" jsonschema:"operators that did not come with PostgreSQL"`
	Casts     []CastUse      `json:"casts" jsonschema:"casts that did not come with PostgreSQL and may be used"`
	Commands  []string       `json:"commands" jsonschema:"the parts of an ALTER TABLE: drop_column, add_column and so on"`
	Objects   []tools.Target `json:"objects" jsonschema:"what a statement other than a query creates, alters or drops"`

	HasWhere        bool `json:"has_where" jsonschema:"there is a WHERE clause"`
	WhereIsConstant bool `json:"where_is_constant" jsonschema:"the WHERE clause does not depend on the rows"`
	Returning       bool `json:"returning"`
	Locking         bool `json:"locking" jsonschema:"rows are locked: FOR UPDATE and its kin"`
	Limit           bool `json:"limit" jsonschema:"there is a LIMIT or FETCH FIRST"`
	Rules           bool `json:"rules" jsonschema:"a rewrite rule is attached to what is changed"`
	Opaque          bool `json:"opaque" jsonschema:"some value could not be followed to its column"`

	Fingerprint string `json:"fingerprint" jsonschema:"the same for statements that differ in constants only"`
	Normalized  string `json:"normalized" jsonschema:"the statement without its constants"`
	Params      int    `json:"params" jsonschema:"how many parameters it takes"`

	EstimatedRows *float64 `json:"estimated_rows,omitempty" jsonschema:"the planner's estimate of rows returned or changed; present when policy reads it and the statement can be planned"`
	EstimatedCost *float64 `json:"estimated_cost,omitempty" jsonschema:"the planner's estimate of cost, in its own unit"`
}

// Family implements tools.Facts.
func (*Facts) Family() string { return "sql" }

// Table is a relation that a statement reaches.
type Table struct {
	Schema      string `json:"schema"`
	Name        string `json:"name"`
	Kind        string `json:"kind" jsonschema:"table, partitioned, view, materialized_view, foreign, sequence, index, type or unknown"`
	Access      string `json:"access" jsonschema:"read, write, delete, define or drop"`
	Via         string `json:"via" jsonschema:"the view that it is reached through, or empty"`
	System      bool   `json:"system" jsonschema:"it came with PostgreSQL"`
	RowSecurity bool   `json:"row_security" jsonschema:"row level security is on"`
}

// Column is a column that a statement uses.
type Column struct {
	Schema string `json:"schema"`
	Table  string `json:"table"`
	Column string `json:"column"`
	Use    string `json:"use" jsonschema:"output, filter, write or define; a filter is whatever the number or the order of the rows depends on"`
}

// FunctionUse is a function that a statement may call.
type FunctionUse struct {
	Schema          string `json:"schema"`
	Name            string `json:"name"`
	Volatility      string `json:"volatility" jsonschema:"immutable, stable or volatile, as declared"`
	SecurityDefiner bool   `json:"security_definer"`
	Builtin         bool   `json:"builtin" jsonschema:"it came with PostgreSQL"`
	Trusted         bool   `json:"trusted" jsonschema:"it is known, or vouched for, to change nothing"`
}

// NamedUse is an operator.
type NamedUse struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

// CastUse is a cast.
type CastUse struct {
	From string `json:"from"`
	To   string `json:"to"`
}

var relationKinds = map[string]string{
	"r": "table", "p": "partitioned", "v": "view", "m": "materialized_view", "f": "foreign",
	"S": "sequence", "i": "index", "I": "index", "c": "type", "t": "table",
}

// facts fills in what policy may know.
func (a *analyzer) facts(s *Statement, impure []call) *Facts {
	f := &Facts{
		Statement: s.Verb, Analyze: s.Explain && s.Runs, Locking: s.Locking, Params: s.Params,
		Tables: a.tableFacts(), Columns: a.columnFacts(), Functions: a.functionFacts(impure),
		Operators: a.operatorFacts(), Casts: a.castFacts(),
		Commands: orEmpty(commands(s.root)), Objects: orEmpty(objects(s.root)),
		Opaque: a.follower.notes.opaque, Rules: a.follower.notes.rules,
	}
	if s.Explain {
		f.Explains = kindOf(typeOf(s.root)).verb
	}
	f.clauses(s.root)
	f.Normalized = Blank(s.Text)
	if normal, err := normalize(s.Text); err == nil && !s.Secret {
		f.Normalized = normal
	}
	f.Fingerprint, _ = fingerprint(s.Text)
	return f
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// tableFacts are the notes on relations in the words of Facts.
func (a *analyzer) tableFacts() []Table {
	out := []Table{}
	for use := range a.follower.notes.tables {
		t := Table{Schema: use.name.Schema, Name: use.name.Name, Kind: "unknown", Access: use.access, Via: use.via}
		if r := a.world.relations[use.oid]; r != nil {
			t.Kind = cmp.Or(relationKinds[r.Kind], "unknown")
			t.System, t.RowSecurity = r.system(), r.RowSecurity
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(x, y Table) int {
		return cmp.Or(cmp.Compare(x.Schema, y.Schema), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Access, y.Access), cmp.Compare(x.Via, y.Via))
	})
	return out
}

func (a *analyzer) columnFacts() []Column {
	out := []Column{}
	for use := range a.follower.notes.columns {
		if !use.below {
			out = append(out, Column{use.schema, use.table, use.column, use.use})
		}
	}
	slices.SortFunc(out, func(x, y Column) int {
		return cmp.Or(cmp.Compare(x.Schema, y.Schema), cmp.Compare(x.Table, y.Table), cmp.Compare(x.Column, y.Column), cmp.Compare(x.Use, y.Use))
	})
	return out
}

// functionFacts lists the functions that the statement names and those that it
// may run besides.
func (a *analyzer) functionFacts(impure []call) []FunctionUse {
	seen := set[FunctionUse]{}
	for _, c := range impure {
		seen.add(a.functionUse(c.function))
	}
	for name := range a.own.functions {
		for _, f := range a.world.candidates(name) {
			if a.world.readOnly(f) {
				seen.add(a.functionUse(f))
			}
		}
	}
	out := make([]FunctionUse, 0, len(seen))
	for f := range seen {
		out = append(out, f)
	}
	slices.SortFunc(out, func(x, y FunctionUse) int {
		return cmp.Or(cmp.Compare(x.Schema, y.Schema), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Volatility, y.Volatility))
	})
	return out
}

func (a *analyzer) functionUse(f *Function) FunctionUse {
	return FunctionUse{
		Schema: f.Schema, Name: f.Name.Name, Volatility: f.Volatility, SecurityDefiner: f.SecurityDefiner,
		Builtin: f.builtin(), Trusted: a.world.readOnly(f),
	}
}

// vouched reports whether the statement may call a function that the operator
// vouches for.
func (a *analyzer) vouched() bool {
	for _, f := range a.world.functions {
		if contains(a.world.trust.Functions, f.Schema+"."+f.Name.Name) {
			return true
		}
	}
	return false
}

// operatorFacts are the operators of the database's own that the statement may
// mean by what it writes.
func (a *analyzer) operatorFacts() []NamedUse {
	seen := set[NamedUse]{}
	for name := range a.own.operators {
		for _, o := range a.world.operators {
			if o.OID >= firstUserOID && o.Name.Name == name.Name && reachable(name.Schema, o.Schema, o.Visible) {
				seen.add(NamedUse{o.Schema, o.Name.Name})
			}
		}
	}
	out := make([]NamedUse, 0, len(seen))
	for o := range seen {
		out = append(out, o)
	}
	slices.SortFunc(out, func(x, y NamedUse) int {
		return cmp.Or(cmp.Compare(x.Schema, y.Schema), cmp.Compare(x.Name, y.Name))
	})
	return out
}

// castFacts are the casts of the database's own that do more than compute.
func (a *analyzer) castFacts() []CastUse {
	out := []CastUse{}
	for _, c := range a.world.casts {
		if a.world.impure(c.Function) != nil {
			out = append(out, CastUse{c.From, c.To})
		}
	}
	return out
}

// targets names the relations and objects that the statement is about.
func targets(f *Facts) []tools.Target {
	out := slices.Clone(f.Objects)
	for _, t := range f.Tables {
		name := part(t.Name)
		if t.Schema != "" {
			name = part(t.Schema) + "." + name
		}
		target := tools.Target{Kind: strings.ReplaceAll(t.Kind, "partitioned", "table"), Name: name}
		if !slices.Contains(out, target) {
			out = append(out, target)
		}
	}
	if out == nil {
		return []tools.Target{}
	}
	return out
}
