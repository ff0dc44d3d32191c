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
	// TypeOIDs are types that are not known by name.
	TypeOIDs []uint32
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
	// UTF8 says that the database holds text in the encoding that we speak,
	// so that names are the same to both.
	UTF8 bool `json:"utf8"`
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
	// Attached are expressions that belong to the relation.
	Attached []Expression `json:"attached"`
	// Uses are the objects that Definition and Attached use, but for those
	// that came with the server.
	Uses []Use `json:"uses"`
	// Support are functions of operator classes of its indexes and partition
	// key, where the database's own were chosen.
	Support []uint32 `json:"support"`
	// Parents, all the way up, and Children, one level down, are by inheritance
	// or partitioning.
	Parents  []uint32 `json:"parents"`
	Children []uint32 `json:"children"`
	// Types are the types of its columns that are not built in.
	Types []uint32 `json:"types"`
}

// What becomes of an expression that belongs to a relation.
const (
	// Hidden ones run when the relation is read: a view's query, a policy.
	hiddenKind = "hidden"
	// Stored ones ran when a materialized view was filled.
	storedKind = "stored"
	// Folded ones are computed, as far as they are constant, when the
	// relation is planned: of indexes, checks, statistics, partition keys.
	foldedKind = "folded"
	// Default ones are computed when a row is made.
	defaultKind = "default"
)

// queryKind is what becomes of a view's own query.
func (r *Relation) queryKind() string {
	if r.Kind == materializedKind {
		return storedKind
	}
	return hiddenKind
}

// Expression is one in the server's own spelling, where every name that is
// not PostgreSQL's own has its schema.
type Expression struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Use is an object that a relation's expressions of a kind use.
type Use struct {
	Kind string `json:"kind"`
	Object
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
	TrustedLanguage bool `json:"trusted_language"`
	Aggregate       bool `json:"aggregate"`
	// Set says that it yields any number of rows.
	Set       bool   `json:"set"`
	Extension string `json:"extension"`
	// Constructor says that the server made the function with a type.
	Constructor bool `json:"constructor"`
	BySuperuser bool `json:"by_superuser"`
	// Visible says that the function's schema is on the search path.
	Visible bool `json:"visible"`
}

// Operator is an operator that did not come with the server, or one that did
// and may run a function that did not.
type Operator struct {
	Name
	OID uint32 `json:"oid"`
	// Functions are its own, and those that the planner may run instead: its
	// negator's, its commutator's, and those of the classes that it is in.
	Functions []uint32 `json:"functions"`
	Visible   bool     `json:"visible"`
	// Sorts says that it is what a type of PostgreSQL's is sorted by.
	Sorts bool `json:"sorts"`
}

// Type is a type that did not come with the server.
type Type struct {
	Name
	OID uint32 `json:"oid"`
	// Kind is pg_type.typtype.
	Kind      string `json:"kind"`
	Visible   bool   `json:"visible"`
	Extension string `json:"extension"`
	// Base is what a domain is made of.
	Base uint32 `json:"base"`
	// Relation has the columns of a composite type.
	Relation uint32 `json:"relation"`
	// Inner are the types it is made of, all the way down.
	Inner []uint32 `json:"inner"`
	// Checks are the constraints of a domain, and Uses what they use.
	Checks []string `json:"checks"`
	Uses   []Object `json:"uses"`
	// Functions read, write and normalise its values; Support compares and
	// hashes them, by a class of the database's own.
	Functions []uint32 `json:"functions"`
	Support   []uint32 `json:"support"`
	// Distance is the function that the planner measures a range by, or 0.
	Distance uint32 `json:"distance"`
}

// The kinds of types that matter here.
const (
	baseKind   = "b"
	domainKind = "d"
)

// Cast is a cast that did not come with the server.
type Cast struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Source is the type that is cast; JSON says that it becomes json.
	Source uint32 `json:"source"`
	JSON   bool   `json:"json"`
	// Function is 0 for a cast that runs none.
	Function uint32 `json:"function"`
}

// firstUserOID is the first OID that PostgreSQL gives to objects made after
// the cluster was (FirstNormalObjectId in access/transam.h).
const firstUserOID = 16384
