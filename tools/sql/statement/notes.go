package statement

import "slices"

// The ways to reach a relation in facts.
const (
	accessRead   = "read"
	accessWrite  = "write"
	accessDelete = "delete"
	accessDefine = "define"
	accessDrop   = "drop"
)

const kindView = "v"

// notes are what a follower writes down on its way.
type notes struct {
	tables  set[tableUse]
	columns set[columnUse]
	flows   []flowNote
	// opaque says that a value was used that could not be followed.
	opaque bool
	// rules says that a rewrite rule may turn a change into another.
	rules bool
}

type tableUse struct {
	oid         uint32
	name        Name
	access, via string
}

type columnUse struct {
	origin
	use string
}

type flowNote struct{ from, to source }

func newNotes() notes { return notes{tables: set[tableUse]{}, columns: set[columnUse]{}} }

func (n notes) table(r *Relation, access, via string) {
	n.tables.add(tableUse{r.OID, r.Name, access, via})
}

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
		r := w.relation(Name{rv.GetSchemaname(), rv.GetRelname()})
		if r == nil || seen.has(r.OID) {
			continue
		}
		out = append(out, r)
		if r.Kind == kindView && !r.system() {
			out = slices.Concat(out, w.belowSeen(r, seen))
		}
	}
	return out
}
