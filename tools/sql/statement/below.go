package statement

import (
	"cmp"
	"slices"
)

// below are the relations in the FROM list of a view: the ones that a change of
// the view is passed on to.
func (w *world) below(view *Relation) []*Relation {
	return w.belowSeen(view, set[uint32]{})
}

func (w *world) belowSeen(view *Relation, seen set[uint32]) []*Relation {
	seen.add(view.OID)
	var out []*Relation
	query, _ := w.parsed[view.OID].root.(*selectStmt)
	for _, n := range query.GetFromClause() {
		rv := n.GetRangeVar()
		r := w.relation(Name{cmp.Or(rv.GetSchemaname(), systemSchema), rv.GetRelname()})
		if r == nil || seen.has(r.OID) {
			continue
		}
		out = append(out, r)
		if r.Kind == viewKind && !r.system() {
			out = slices.Concat(out, w.belowSeen(r, seen))
		}
	}
	return out
}
