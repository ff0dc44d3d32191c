package statement

import "slices"

// reveals are functions that show what other tables or sessions hold: values
// that statistics were made of, statements with their constants.
var reveals = map[string]bool{
	"pg_stat_get_activity": true, "pg_stat_get_backend_activity": true, "pg_stat_statements": true,
	"pg_mcv_list_items": true,
}

// revealing are columns of system views that do so; nil stands for all columns.
var revealing = map[string][]string{
	"pg_statistic":           nil,
	"pg_statistic_ext_data":  nil,
	"pg_stats":               nil,
	"pg_stats_ext":           nil,
	"pg_stats_ext_exprs":     nil,
	"pg_largeobject":         nil,
	"pg_stat_activity":       {"query"},
	"pg_prepared_statements": {"statement"},
	"pg_cursors":             {"statement"},
}

// reveal reports whether a column of a system relation may hold anything.
func (r *Relation) reveal(column string) bool {
	columns, is := revealing[r.Name.Name]
	return is && r.system() && (columns == nil || slices.Contains(columns, column))
}

// columns are the columns of a relation, as reading them yields.
func (f *follower) columns(r *Relation) []column {
	if r.Definition != "" {
		return f.viewColumns(r)
	}
	columns := make([]column, len(r.Columns))
	for i, name := range r.Columns {
		src := source{any: r.reveal(name)}
		f.family(r, name, &src)
		columns[i] = column{name, src}
	}
	return columns
}

// manyChildren is how many partitions are followed one by one.
const manyChildren = 1000

// family adds the column itself, and the same column of the tables that it is
// inherited from and by: they hold the same rows.
func (f *follower) family(r *Relation, name string, src *source) {
	src.known = set[origin]{{r.Schema, r.Name.Name, name, false}: {}}
	src.any = src.any || len(r.Children) > manyChildren
	for _, other := range f.relations(r.Parents) {
		if slices.Contains(other.Columns, name) {
			src.known.add(origin{other.Schema, other.Name.Name, name, false})
		}
	}
	if len(r.Children) > manyChildren {
		return
	}
	for _, other := range f.relations(r.Children) {
		if slices.Contains(other.Columns, name) {
			src.known.add(origin{other.Schema, other.Name.Name, name, true})
		}
	}
}

func (f *follower) relations(oids []uint32) []*Relation {
	var out []*Relation
	for _, oid := range oids {
		if r := f.world.relations[oid]; r != nil {
			out = append(out, r)
		}
	}
	return out
}

// viewColumns follows a view's own query. Each column comes from the view's
// column too, so that a mask may name either.
func (f *follower) viewColumns(r *Relation) []column {
	if columns, ok := f.views[r.OID]; ok {
		return columns
	}
	f.views[r.OID] = f.label(r, output{columns: []column{{"", source{any: true}}}})
	via, touched := f.via, f.touched
	f.via, f.touched = r.Schema+"."+r.Name.Name, nil
	f.views[r.OID] = f.label(r, f.statement(f.world.parsed[r.OID].root, nil, useNone))
	f.via, f.touched = via, touched
	return f.views[r.OID]
}

// label gives a view's columns their names in the catalog.
func (f *follower) label(r *Relation, out output) []column {
	columns := make([]column, len(r.Columns))
	all := union(out.columns)
	for i, name := range r.Columns {
		src := from(origin{schema: r.Schema, table: r.Name.Name, column: name})
		if out.exact && len(out.columns) == len(columns) {
			src.add(out.columns[i].from)
		} else {
			src.add(all)
		}
		columns[i] = column{name, src}
	}
	return columns
}
