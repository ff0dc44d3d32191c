package sql

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

//go:embed schema.sql
var schemaSQL string

// schemaArgs are the arguments of sql_schema.
type schemaArgs struct {
	Pattern string `json:"pattern,omitempty" jsonschema:"names to list, as name or schema.name, with * and ?; all without it"`
}

// schemaOutput is the result of sql_schema.
type schemaOutput struct {
	Tables    []schemaTable `json:"tables,omitempty"`
	Truncated bool          `json:"truncated,omitempty" jsonschema:"there are more tables"`
}

type schemaTable struct {
	Schema      string         `json:"schema"`
	Name        string         `json:"name"`
	Kind        string         `json:"kind"`
	Comment     string         `json:"comment,omitempty"`
	Rows        *int64         `json:"rows,omitempty" jsonschema:"the planner's estimate"`
	Bytes       *int64         `json:"bytes,omitempty" jsonschema:"size on disk with indexes"`
	RowSecurity bool           `json:"row_security,omitempty"`
	Columns     []schemaColumn `json:"columns"`
	Keys        []schemaKey    `json:"keys,omitempty"`
	Indexes     []schemaIndex  `json:"indexes,omitempty"`
}

type schemaColumn struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable,omitempty"`
	Default  bool   `json:"default,omitempty"`
	Comment  string `json:"comment,omitempty"`
	Masked   string `json:"masked,omitempty" jsonschema:"how policy hides the values from you"`
}

type schemaKey struct {
	Kind       string   `json:"kind" jsonschema:"primary, unique or foreign"`
	Name       string   `json:"name"`
	Columns    []string `json:"columns"`
	References string   `json:"references,omitempty" jsonschema:"the table that a foreign key points to"`
	Referenced []string `json:"referenced,omitempty"`
}

type schemaIndex struct {
	Name    string   `json:"name"`
	Unique  bool     `json:"unique,omitempty"`
	Columns []string `json:"columns"`
}

// schemaPlan lists what is there.
type schemaPlan struct {
	connection *connection
	pattern    string
	skip       int
}

func (c *connection) describeSchema(r tools.Request) (tools.Plan, error) {
	var a schemaArgs
	if err := tools.DecodeArgs(r.Args, &a); err != nil {
		return nil, &tools.Refusal{Rule: "arguments", Reason: err.Error(), Hint: "see the tool's input schema"}
	}
	skip, err := resume(r)
	if err != nil {
		return nil, err
	}
	if len(a.Pattern) > 256 || strings.ContainsRune(a.Pattern, 0) {
		return nil, &tools.Refusal{Rule: "arguments", Reason: "the pattern is too long, or holds a NUL character"}
	}
	return &schemaPlan{connection: c, pattern: a.Pattern, skip: skip}, nil
}

// Action implements tools.Plan.
func (p *schemaPlan) Action() tools.Action {
	display := strings.TrimSpace("list tables " + p.pattern)
	return tools.Action{
		Verb: "schema", Effect: tools.Read, Display: display, Blank: display, Targets: []tools.Target{},
		Facts: noFacts("schema"),
	}
}

// noFacts are the facts of an action that is not a statement.
func noFacts(verb string) *statement.Facts {
	return &statement.Facts{
		Statement: verb, Tables: []statement.Table{}, Columns: []statement.Column{}, Functions: []statement.FunctionUse{},
		Operators: []statement.NamedUse{}, Casts: []statement.CastUse{}, Commands: []string{}, Objects: []tools.Target{},
	}
}

// Run implements tools.Plan. Each table stands in the list only if policy would
// let the caller read it.
func (p *schemaPlan) Run(ctx context.Context, gate tools.Gate, limits tools.Limits) (tools.Result, error) {
	limits = p.connection.limits.Intersect(limits)
	timed, cancel := p.connection.whileOpen(ctx, limits.Timeout)
	defer cancel()
	tables, more, err := p.fetch(timed, limits)
	if err != nil {
		if timed.Err() != nil {
			return nil, ended(timed, limits.Timeout)
		}
		return nil, unreachable(p.connection.name, err)
	}
	actions := make([]tools.Action, len(tables))
	for i, t := range tables {
		actions[i] = t.reading()
	}
	verdicts, err := gate.Judge(ctx, actions)
	if err != nil {
		return nil, err
	}
	out := &schemaResult{}
	if more {
		out.Truncated, out.next = true, strconv.Itoa(p.skip+len(tables))
	}
	for i, t := range tables {
		if i < len(verdicts) && verdicts[i].Allowed {
			t.mask(verdicts[i].Masker)
			out.Tables = append(out.Tables, t)
		}
	}
	return out, nil
}

// fetch reads tables up to the limits; more says that there are others.
func (p *schemaPlan) fetch(ctx context.Context, limits tools.Limits) (tables []schemaTable, more bool, err error) {
	read := func(tx pgx.Tx) (err error) {
		tables, more, err = p.list(ctx, tx, limits)
		return err
	}
	err = p.connection.pool.again(ctx, func() error {
		return pgx.BeginTxFunc(ctx, p.connection.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, read)
	})
	return tables, more, err
}

func (p *schemaPlan) list(ctx context.Context, tx pgx.Tx, limits tools.Limits) (tables []schemaTable, more bool, err error) {
	schema, name := likePatterns(p.pattern)
	found, err := tx.Query(ctx, schemaSQL, schema, name, limits.Rows+1, p.skip)
	if err != nil {
		return nil, false, err
	}
	defer found.Close()
	size := 0
	for found.Next() {
		document := found.RawValues()[0]
		if size += len(document); len(tables) == limits.Rows || size > limits.Bytes && len(tables) > 0 {
			return tables, true, nil
		}
		var t schemaTable
		if err := json.Unmarshal(document, &t); err != nil {
			return nil, false, errors.New("the catalog query yielded something else")
		}
		tables = append(tables, t)
	}
	return tables, false, found.Err()
}

// likePatterns turns "schema.na*" into patterns for LIKE. In double quotes dots
// and stars stand for themselves.
func likePatterns(pattern string) (schema, name string) {
	var out strings.Builder
	quoted, two := false, false
	for _, r := range pattern {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '.' && !quoted && !two:
			schema, two = out.String(), true
			out.Reset()
		case r == '*' && !quoted:
			out.WriteByte('%')
		case r == '?' && !quoted:
			out.WriteByte('_')
		case r == '%' || r == '_' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		default:
			out.WriteRune(r)
		}
	}
	return cmp.Or(schema, "%"), cmp.Or(out.String(), "%")
}

// reading is the action of reading the whole table, as SELECT * would be.
func (t *schemaTable) reading() tools.Action {
	facts := noFacts("select")
	facts.Tables = append(facts.Tables, statement.Table{
		Schema: t.Schema, Name: t.Name, Kind: t.Kind, Access: "read", RowSecurity: t.RowSecurity,
		System: t.Schema == "pg_catalog" || t.Schema == "information_schema",
	})
	var origins tools.Origins
	for _, c := range t.Columns {
		facts.Columns = append(facts.Columns, statement.Column{Schema: t.Schema, Table: t.Name, Column: c.Name, Use: "output"})
		origins.Known = append(origins.Known, statement.ColumnOrigin(t.Schema, t.Name, c.Name))
	}
	name := t.Schema + "." + t.Name
	return tools.Action{
		Verb: "select", Effect: tools.Read, Display: "read " + name, Blank: "read " + name,
		Targets: []tools.Target{{Kind: t.Kind, Name: name}}, Facts: facts, Origins: origins,
	}
}

func (t *schemaTable) mask(m tools.Masker) {
	if m == nil {
		return
	}
	for i, c := range t.Columns {
		origin := statement.ColumnOrigin(t.Schema, t.Name, c.Name)
		if mask := m.Mask(tools.Origins{Known: []tools.Origin{origin}}); mask != nil {
			t.Columns[i].Masked = mask.Name()
		}
	}
}

// schemaResult is the result as the gateway takes it.
type schemaResult struct {
	schemaOutput
	next string
}

// MarshalJSON implements tools.Result.
func (r *schemaResult) MarshalJSON() ([]byte, error) {
	r.Tables = slices.Clip(r.Tables)
	if r.Tables == nil {
		return []byte(`{"tables":[],"truncated":` + strconv.FormatBool(r.Truncated) + `}`), nil
	}
	return json.Marshal(r.schemaOutput)
}

// Mask implements tools.Result. Which columns are masked was marked table by
// table; what is left to clean are comments and what indexes compute.
func (r *schemaResult) Mask(_ tools.Masker, scrub tools.Scrub) {
	for i := range r.Tables {
		t := &r.Tables[i]
		t.Comment = scrub(t.Comment)
		for j := range t.Columns {
			t.Columns[j].Comment = scrub(t.Columns[j].Comment)
		}
		for _, index := range t.Indexes {
			for j, expression := range index.Columns {
				index.Columns[j] = scrub(expression)
			}
		}
	}
}

// Stats implements tools.Result.
func (r *schemaResult) Stats() tools.Stats { return tools.Stats{RowsRead: int64(len(r.Tables))} }

// Next implements tools.Result.
func (r *schemaResult) Next() string { return r.next }
