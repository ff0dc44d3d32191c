package statement

import "slices"

// column is one column of something in FROM, or of a query's output.
type column struct {
	name string
	from source
}

// item is one relation that a query can name its columns by.
type item struct {
	schema, alias string
	columns       []column
	// open says that there may be columns that we have no names for. They,
	// and the item as a whole, come from all.
	open bool
	all  source
}

func newItem(schema, alias string, columns []column) *item {
	return &item{schema: schema, alias: alias, columns: columns, all: union(columns)}
}

// output is what alias.* stands for. No item at all may stand for anything.
func (i *item) output() output {
	if i == nil {
		return output{columns: []column{{"", source{any: true}}}}
	}
	if i.open {
		return output{columns: append(slices.Clone(i.columns), column{"", i.all})}
	}
	return output{columns: i.columns, exact: true}
}

// find returns the column's source; found is false when the item surely has
// none of that name. A column whose name is not known may have it.
func (i *item) find(name string) (from source, found bool) {
	for _, c := range i.columns {
		if c.name == name || c.name == unknownName {
			from.add(c.from)
			found = found || c.name == name
		}
	}
	return from, found
}

// unknownName is that of a column which the server may call anything.
const unknownName = ""

// rename gives the first columns other names, as an alias with a column list
// does. Of an open item it is not known which columns those are.
func (i *item) rename(alias string, names []string) {
	i.schema, i.alias = "", alias
	columns := make([]column, len(i.columns))
	copy(columns, i.columns)
	for n, name := range names {
		switch {
		case n >= len(columns):
			i.open = true
			columns = append(columns, column{name, i.all})
		case i.open:
			columns[n] = column{name, i.all}
		default:
			columns[n].name = name
		}
	}
	i.columns = columns
}

// scope is what names in one query can mean: its own FROM items first, then
// those of the queries around it.
type scope struct {
	items []*item
	// star is what * stands for, as far as it is exact.
	star  output
	ctes  map[string]*item
	outer *scope
}

// beside is the scope of what stands in FROM and can't see the items before it.
func (s *scope) beside() *scope { return &scope{ctes: s.ctes, outer: s.outer} }

// newScope returns an empty scope inside outer.
func newScope(outer *scope) *scope {
	return &scope{outer: outer, star: output{exact: true}}
}

// cte finds a WITH query by name.
func (s *scope) cte(name string) *item {
	for ; s != nil; s = s.outer {
		if i, ok := s.ctes[name]; ok {
			return i
		}
	}
	return nil
}

// systemColumns are on every table and come from no column.
var systemColumns = map[string]bool{"ctid": true, "xmin": true, "xmax": true, "cmin": true, "cmax": true, "tableoid": true}

// column resolves a bare name, and reports whether it may stand for something.
// To the server a column of a query further out comes before a whole row of
// this one (colNameToVar in parser/parse_relation.c), and what an open item has
// is not known: only a column that surely is there ends the search.
func (s *scope) column(name string) (source, bool) {
	var from source
	some := systemColumns[name]
	for ; s != nil; s = s.outer {
		surely := false
		for _, i := range s.items {
			c, ok := i.find(name)
			from.add(c)
			if i.open && !ok {
				from.add(i.all)
			}
			some = some || ok || i.open
			surely = surely || ok && !i.open
		}
		if surely {
			break
		}
		if whole := s.item("", name); whole != nil {
			from.add(whole.all)
			some = true
		}
	}
	return from, some
}

// item finds an item of this one scope by its alias.
func (s *scope) item(schema, alias string) *item {
	for _, i := range s.items {
		if i.alias == alias && (schema == "" || i.schema == schema) {
			return i
		}
	}
	return nil
}

// named finds an item by alias here or further out.
func (s *scope) named(schema, alias string) *item {
	for ; s != nil; s = s.outer {
		if i := s.item(schema, alias); i != nil {
			return i
		}
	}
	return nil
}
