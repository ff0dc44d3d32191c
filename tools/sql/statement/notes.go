package statement

// The ways to reach a relation in facts.
const (
	accessRead   = "read"
	accessWrite  = "write"
	accessDelete = "delete"
	accessDefine = "define"
	accessDrop   = "drop"
)

// The kinds of relations that matter here (pg_class.relkind).
const (
	viewKind         = "v"
	materializedKind = "m"
	foreignKind      = "f"
	toastKind        = "t"
)

// notes are what a follower writes down on its way.
type notes struct {
	tables  set[tableUse]
	columns set[columnUse]
	// computed is what expressions are computed from, whatever becomes of
	// them: an error may quote it.
	computed source
	flows    []flowNote
	// opaque says that a value was used that could not be followed.
	opaque bool
	// rules says that a rewrite rule may turn a change into another.
	rules bool
}

type tableUse struct {
	oid         uint32
	name        Name
	access, via string
	// stored says that it is read only through a materialized view: its rows
	// were read when that was filled.
	stored bool
	// only says that its children are left out.
	only bool
}

type columnUse struct {
	origin
	use string
}

type flowNote struct{ from, to source }

func newNotes() notes { return notes{tables: set[tableUse]{}, columns: set[columnUse]{}} }

// note notes that a relation is reached.
func (f *follower) note(r *Relation, access string, only bool) {
	f.notes.tables.add(tableUse{oid: r.OID, name: r.Name, access: access, via: f.via, stored: f.stored, only: only})
}
