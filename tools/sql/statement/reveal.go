package statement

import "slices"

// reveals are functions that show what other tables or sessions hold: values
// that statistics were made of, statements with their constants.
var reveals = map[string]bool{
	"pg_stat_get_activity": true, "pg_stat_get_backend_activity": true, "pg_stat_statements": true,
	"pg_mcv_list_items": true, "st_findextent": true, "st_estimatedextent": true,
}

// revealing are columns of system relations that do so.
var revealing = map[string][]string{
	"pg_statistic":           {"stavalues1", "stavalues2", "stavalues3", "stavalues4", "stavalues5"},
	"pg_statistic_ext_data":  {"stxdmcv", "stxdexpr"},
	"pg_stats":               {"most_common_vals", "histogram_bounds", "most_common_elems"},
	"pg_stats_ext":           {"most_common_vals"},
	"pg_stats_ext_exprs":     {"most_common_vals", "histogram_bounds", "most_common_elems"},
	"pg_attribute":           {"attmissingval"},
	"pg_largeobject":         {"data"},
	"pg_stat_activity":       {"query"},
	"pg_prepared_statements": {"statement"},
	"pg_cursors":             {"statement"},
}

// credentials are columns of system relations that hold passwords, or what is
// as good as one. No one needs them to read a database.
var credentials = map[origin]bool{
	{schema: systemSchema, table: "pg_authid", column: "rolpassword"}:                  true,
	{schema: systemSchema, table: "pg_shadow", column: "passwd"}:                       true,
	{schema: systemSchema, table: "pg_subscription", column: "subconninfo"}:            true,
	{schema: systemSchema, table: "pg_user_mapping", column: "umoptions"}:              true,
	{schema: systemSchema, table: "pg_user_mappings", column: "umoptions"}:             true,
	{schema: informationSchema, table: "_pg_user_mappings", column: "umoptions"}:       true,
	{schema: informationSchema, table: "user_mapping_options", column: "option_value"}: true,
}

const informationSchema = "information_schema"

// reveal reports whether a column of a system relation may hold anything. Long
// values of other tables are kept in tables of their own (TOAST).
func (r *Relation) reveal(column string) bool {
	return r.Kind == toastKind || r.system() && slices.Contains(revealing[r.Name.Name], column)
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
		columns[i] = column{name: name, from: src}
	}
	return columns
}

// manyChildren is how many partitions are followed one by one.
const manyChildren = 1000

// family adds the column itself, and the same column of the tables that it is
// inherited from and by, all the way up and down: they hold the same rows.
func (f *follower) family(r *Relation, name string, src *source) {
	src.known = set[origin]{{r.Schema, r.Name.Name, name, false}: {}}
	for _, oid := range r.Parents {
		if other := f.world.relations[oid]; other != nil && slices.Contains(other.Columns, name) {
			src.known.add(origin{other.Schema, other.Name.Name, name, false})
		}
	}
	descendants, all := f.descendants(r)
	src.any = src.any || !all
	for _, other := range descendants {
		if slices.Contains(other.Columns, name) {
			src.known.add(origin{other.Schema, other.Name.Name, name, true})
		}
	}
}

// descendants are the tables below one, unless there are too many.
func (f *follower) descendants(r *Relation) (out []*Relation, all bool) {
	for _, oid := range r.Children {
		child := f.world.relations[oid]
		if child == nil || len(out) > manyChildren {
			return nil, false
		}
		below, all := f.descendants(child)
		if !all {
			return nil, false
		}
		out = append(append(out, child), below...)
	}
	return out, len(out) <= manyChildren
}

// viewKey tells a view that is read from one whose rows were stored.
type viewKey struct {
	oid    uint32
	stored bool
}

// viewColumns follows a view's own query. Each column comes from the view's
// column too, so that a mask may name either.
func (f *follower) viewColumns(r *Relation) []column {
	key := viewKey{r.OID, f.stored || r.Kind == materializedKind}
	if columns, ok := f.views[key]; ok {
		return columns
	}
	f.views[key] = f.label(r, output{columns: []column{{name: "", from: source{any: true}}}})
	via, stored, touched := f.via, f.stored, f.touched
	f.via, f.stored, f.touched = r.Schema+"."+r.Name.Name, key.stored, nil
	f.views[key] = f.label(r, f.statement(f.world.parsed[r.OID].root, nil, useNone))
	f.via, f.stored, f.touched = via, stored, touched
	return f.views[key]
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
		columns[i] = column{name: name, from: src}
	}
	return columns
}
