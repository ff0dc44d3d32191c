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

// find returns the column's source; found is false when the item has none of
// that name.
func (i *item) find(name string) (from source, found bool) {
	for _, c := range i.columns {
		if c.name == name {
			from.add(c.from)
			found = true
		}
	}
	return from, found
}

// rename gives the first columns other names, as an alias with a column list does.
func (i *item) rename(alias string, names []string) {
	i.schema, i.alias = "", alias
	columns := make([]column, len(i.columns))
	copy(columns, i.columns)
	for n, name := range names {
		if n < len(columns) {
			columns[n].name = name
		} else {
			i.open = true
			columns = append(columns, column{name, i.all})
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

// column resolves a bare name, and reports whether it found it.
func (s *scope) column(name string) (source, bool) {
	var from source
	for ; s != nil; s = s.outer {
		found := false
		for _, i := range s.items {
			if c, ok := i.find(name); ok {
				from.add(c)
				found = true
			} else if i.open {
				from.add(i.all)
			}
		}
		if found {
			return from, true
		}
		if whole := s.item("", name); whole != nil {
			from.add(whole.all)
			return from, true
		}
		for _, i := range s.items {
			if i.open {
				return from, true
			}
		}
	}
	return from, systemColumns[name]
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
