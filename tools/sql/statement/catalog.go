package statement

import (
	"context"
)

// Catalog looks names up in a database, all in one snapshot.
type Catalog interface {
	// Lookup returns what the names stand for, by the connection's search
	// path, and all that is reachable from there: the tables below a view,
	// the parents and children of a table. A name that stands for nothing is
	// left out.
	Lookup(ctx context.Context, want Want) (*Found, error)
}

// Want are names to look up.
type Want struct {
	Relations []Name
	// Functions, Operators and Types are looked up in every schema, since
	// which one the server picks depends on types.
	Functions, Operators, Types []string
}

// Found is what a catalog knows of the names. Its JSON is what the catalog
// query yields.
type Found struct {
	// Named maps each relation name that exists to its OID.
	Named     []NamedRelation `json:"named"`
	Relations []Relation      `json:"relations"`
	Functions []Function      `json:"functions"`
	Operators []Operator      `json:"operators"`
	Types     []Type          `json:"types"`
	Casts     []Cast          `json:"casts"`
}

// NamedRelation says which relation a name stands for.
type NamedRelation struct {
	Name
	OID uint32 `json:"oid"`
}

// Relation is a table, a view or another thing with columns.
type Relation struct {
	Name
	OID uint32 `json:"oid"`
	// Kind is pg_class.relkind.
	Kind        string   `json:"kind"`
	RowSecurity bool     `json:"row_security"`
	Columns     []string `json:"columns"`
	// Numbers are the columns' attribute numbers, in the same order.
	Numbers []uint16 `json:"numbers"`
	// Definition is the query of a view that is not part of PostgreSQL.
	Definition string `json:"definition"`
	// Rules says that a rewrite rule other than a view's own is attached.
	Rules bool `json:"rules"`
	// Attached are expressions that a read of the relation runs: its row
	// security policies.
	Attached []string `json:"attached"`
	// Uses are the objects that Definition and Attached use, but for those
	// that came with the server.
	Uses []Object `json:"uses"`
	// Folded are expressions whose constant parts the planner computes when
	// it opens the relation: of indexes, checks, statistics, partition keys.
	Folded []string `json:"folded"`
	// Parents and Children are by inheritance or partitioning.
	Parents  []uint32 `json:"parents"`
	Children []uint32 `json:"children"`
	// Types are the types of its columns that are not built in.
	Types []uint32 `json:"types"`
}

// system reports whether the relation came with the server.
func (r *Relation) system() bool { return r.OID < firstUserOID }

// Function is an entry of pg_proc.
type Function struct {
	Name
	OID uint32 `json:"oid"`
	// Volatility is "immutable", "stable" or "volatile", as declared.
	Volatility      string `json:"volatility"`
	SecurityDefiner bool   `json:"security_definer"`
	Language        string `json:"language"`
	// TrustedLanguage says that the language keeps to the database.
	TrustedLanguage bool   `json:"trusted_language"`
	Aggregate       bool   `json:"aggregate"`
	Extension       string `json:"extension"`
	// Visible says that the function's schema is on the search path.
	Visible bool `json:"visible"`
}

// Operator is an operator that did not come with the server.
type Operator struct {
	Name
	OID      uint32 `json:"oid"`
	Function uint32 `json:"function"`
	Visible  bool   `json:"visible"`
}

// Type is a type that did not come with the server.
type Type struct {
	Name
	OID       uint32 `json:"oid"`
	Visible   bool   `json:"visible"`
	Extension string `json:"extension"`
	// Inner are the types it is made of, all the way down.
	Inner []uint32 `json:"inner"`
	// Checks are the constraints of a domain.
	Checks []string `json:"checks"`
	// Functions are the input and output functions of a base type.
	Functions []uint32 `json:"functions"`
}

// Cast is a cast that did not come with the server.
type Cast struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Function is 0 for a cast that runs none.
	Function uint32 `json:"function"`
}

// firstUserOID is the first OID that PostgreSQL gives to objects made after
// the cluster was (FirstNormalObjectId in access/transam.h).
const firstUserOID = 16384
