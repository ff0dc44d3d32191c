package statement

import (
	"maps"
	"slices"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// origin is a column of a table, as the catalog spells it.
type origin struct {
	schema, table, column string
	// below says that the column was reached from a parent table. It counts
	// for masks, and stays out of facts.
	below bool
}

// String is the form that masks are written against. A part that could be
// mistaken for two is quoted as in SQL.
func (o origin) String() string {
	return part(o.schema) + "." + part(o.table) + "." + part(o.column)
}

// ColumnOrigin names a column as masks do.
func ColumnOrigin(schema, table, column string) tools.Origin {
	return tools.Origin(origin{schema: schema, table: table, column: column}.String())
}

// RelationName names a relation as targets do.
func RelationName(schema, name string) string { return part(schema) + "." + part(name) }

func part(name string) string {
	if name != "" && !strings.ContainsAny(name, `."*`) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// source is where a value may have come from. The zero value is a constant.
type source struct {
	known set[origin]
	// made are those of known that the value may be computed from, and not be
	// one of as it stands.
	made set[origin]
	any  bool
}

func from(o origin) source { return source{known: set[origin]{o: {}}} }

// add widens s by o.
func (s *source) add(o source) {
	s.any = s.any || o.any
	widen(&s.known, o.known)
	widen(&s.made, o.made)
}

func widen(s *set[origin], o set[origin]) {
	if len(o) == 0 {
		return
	}
	if *s == nil {
		*s = make(set[origin], len(o))
	}
	s.addAll(o)
}

// compute makes s the source of what is computed from it.
func (s *source) compute() { s.made = maps.Clone(s.known) }

// union is the source of a row, or of whatever else is made of several columns.
func union(columns []column) source {
	var s source
	for _, c := range columns {
		s.add(c.from)
	}
	s.compute()
	return s
}

// origins is the source in the words of package tools.
func (s source) origins() tools.Origins {
	return tools.Origins{Known: originsOf(s.known), Made: originsOf(s.made), Any: s.any}
}

func originsOf(known set[origin]) []tools.Origin {
	out := make([]tools.Origin, 0, len(known))
	for o := range known {
		out = append(out, ColumnOrigin(o.schema, o.table, o.column))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
