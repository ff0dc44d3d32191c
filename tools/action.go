package tools

// An Action is what a call would do, in typed facts. Policy judges it, an
// approver reads it, the record keeps it, and the plan it came from does that
// and nothing else.
type Action struct {
	// Verb names the operation in the family's own word: "select", "scale".
	Verb string `json:"verb"`
	// Effect is the worst that the action can do.
	Effect Effect `json:"effect"`
	// Why says in a few words why the effect is not Read; "" when it is.
	Why string `json:"-"`
	// Targets are the objects that the action names, in no particular order.
	Targets []Target `json:"targets"`
	// Display is the action for a person to read: the statement, the command.
	Display string `json:"display"`
	// Facts are the family's own, under the family's name in policy input.
	Facts Facts `json:"-"`

	// Blank is Display with every constant left out. It stands in the record
	// when a constant may be a secret or belongs to something that is masked.
	Blank string `json:"-"`
	// Params are values that go with Display, as a person reads them.
	Params []string `json:"-"`
	// Secret says that Display holds a secret whatever policy says, such as a
	// password in CREATE ROLE.
	Secret bool `json:"-"`
	// Origins are all values that the action reads, compares or writes.
	Origins Origins `json:"-"`
	// Flows are values that the action copies to another place in the target,
	// where a mask that names only the source would not follow.
	Flows []Flow `json:"-"`
}

// Target is an object that an action names.
type Target struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// Facts are what a family found out about an action. They marshal to a JSON
// object that the family's facts schema describes.
type Facts interface {
	// Family is the name under which the facts stand in policy input.
	Family() string
}

// Origin names where a value lives, in the family's terms. For SQL it is
// "schema.table.column", each part as the catalog spells it.
type Origin string

// Origins are the places that a value may have come from.
type Origins struct {
	// Known are the places that were followed.
	Known []Origin
	// Made are those of Known that the value was computed from, rather than
	// being one of their values as it stands: what a mask leaves of such a value
	// may be any part of theirs.
	Made []Origin
	// Within are places that the value may come from, or from anywhere below
	// them.
	Within []Origin
	// Any says that the value could not be followed: it may come from
	// anywhere on the connection, and is masked by the strictest mask there is.
	Any bool
}

// Flow is a value copied within the target: what was read From is afterwards
// read To.
type Flow struct {
	From, To Origins
}
