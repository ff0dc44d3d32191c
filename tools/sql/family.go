package sql

import (
	"encoding/json"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// The names of the family's tools.
const (
	toolRead   = "sql_read"
	toolWrite  = "sql_write"
	toolSchema = "sql_schema"
)

// Family is the SQL family. The zero value is ready to use.
type Family struct{}

// Name implements tools.Family.
func (Family) Name() string { return "sql" }

// Open implements tools.Family.
func (Family) Open(c tools.ConnectionConfig) (tools.Connection, error) { return newConnection(c) }

// FactsSchema implements tools.Family.
func (Family) FactsSchema() json.RawMessage { return tools.SchemaOf[statement.Facts](nil) }

// Samples implements tools.Family.
func (Family) Samples() []tools.Action {
	sample := func(verb string, effect tools.Effect) tools.Action {
		facts := noFacts(verb)
		facts.HasWhere, facts.Limit = true, verb == "select"
		return tools.Action{Verb: verb, Effect: effect, Targets: []tools.Target{}, Facts: facts}
	}
	return []tools.Action{
		sample("select", tools.Read), sample("insert", tools.Write), sample("update", tools.Write),
		sample("delete", tools.Destroy), sample("create_table", tools.Write), sample("drop_table", tools.Destroy),
	}
}

// Tools implements tools.Family.
func (Family) Tools() []tools.Tool {
	return []tools.Tool{
		{
			Name: toolRead, Title: "Read from a database", Ceiling: tools.Read, Idempotent: true, Pages: true,
			Input: tools.SchemaOf[statementArgs](nil), Output: tools.SchemaOf[rowsOutput](nil), Description: readDescription,
		},
		{
			Name: toolWrite, Title: "Change a database", Ceiling: tools.Destroy,
			Input: tools.SchemaOf[statementArgs](nil), Output: tools.SchemaOf[rowsOutput](nil), Description: writeDescription,
		},
		{
			Name: toolSchema, Title: "Look at a database's schema", Ceiling: tools.Read, Idempotent: true, Pages: true,
			Input: tools.SchemaOf[schemaArgs](nil), Output: tools.SchemaOf[schemaOutput](nil), Description: schemaDescription,
		},
	}
}

const readDescription = `Run one PostgreSQL statement that only reads: SELECT, VALUES, TABLE, SHOW or EXPLAIN.
It runs in a read-only transaction that is always rolled back. Anything that could change something is refused; use sql_write for it.
Pass values as params ($1, $2) rather than in the text. Long results are cut: pass next_cursor as cursor for more, with an ORDER BY.`

const writeDescription = `Run one PostgreSQL statement that changes data or schema, in a transaction of its own.
Say why in reason. Narrow UPDATE and DELETE by WHERE, and use RETURNING to see what changed.
With dry_run nothing runs: you learn what the statement is understood to do and what policy says to it.`

const schemaDescription = `List tables and views with their columns, keys, comments and sizes, as far as you may read them.
Use it before you write SQL. pattern matches names such as "orders", "public.*" or "*customer*".`

// statementArgs describes args to a client.
type statementArgs struct {
	SQL     string `json:"sql" jsonschema:"exactly one PostgreSQL statement"`
	Params  []any  `json:"params,omitempty" jsonschema:"values for $1, $2 and so on: null, true, a number, a string, a list, or {\"type\": \"uuid\", \"value\": \"...\"}"`
	MaxRows int    `json:"max_rows,omitempty" jsonschema:"return at most so many rows; policy may allow fewer"`
}

// rowsOutput describes rows to a client.
type rowsOutput struct {
	Columns     []columnOutput `json:"columns,omitempty"`
	Rows        [][]any        `json:"rows,omitempty" jsonschema:"values in the order of columns; booleans, and numbers that every JSON reader holds exactly, as such; all else as PostgreSQL writes it"`
	RowCount    int            `json:"row_count,omitempty"`
	RowsChanged int            `json:"rows_changed,omitempty"`
	Truncated   bool           `json:"truncated,omitempty" jsonschema:"there are more rows"`
	Cut         []cutOutput    `json:"cut,omitempty" jsonschema:"values that were too long to be returned whole"`
}

type columnOutput struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Masked string `json:"masked,omitempty" jsonschema:"how policy hides the values"`
}

type cutOutput struct {
	Row    int    `json:"row" jsonschema:"counts from 0"`
	Column string `json:"column"`
	Bytes  int    `json:"bytes" jsonschema:"how long the whole value is"`
}
