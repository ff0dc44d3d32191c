package sql

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

//go:embed dependents.sql
var dependentsSQL string

// dependents are what depends on the relations that a statement of definition
// alters or drops.
func (p *plan) dependents(ctx context.Context) (*tools.Preview, error) {
	out := newPreview()
	schemas, names := []string{}, []string{}
	for _, t := range p.described.analysis.Facts.Tables {
		if t.Access != "read" {
			schemas, names = append(schemas, t.Schema), append(names, t.Name)
		}
	}
	cat, err := beginCatalog(ctx, p.connection.pool)
	if err != nil {
		return nil, unreachable(p.connection.name, err)
	}
	defer cat.close(ctx)
	if err := cat.findSchemas(ctx); err != nil {
		return nil, unreachable(p.connection.name, err)
	}
	found, err := cat.tx.Query(ctx, dependentsSQL, schemas, names, cat.schemas)
	if err != nil {
		return nil, unreachable(p.connection.name, err)
	}
	defer found.Close()
	var d tools.Target
	_, err = pgx.ForEachRow(found, []any{&d.Kind, &d.Name}, func() error {
		out.Dependents = append(out.Dependents, d)
		return nil
	})
	if err != nil {
		return nil, unreachable(p.connection.name, err)
	}
	if err := cat.rowsLost(ctx, p.action.Verb, schemas, names, out); err != nil {
		return nil, unreachable(p.connection.name, err)
	}
	if n := len(out.Dependents); n > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d other objects depend on what it is about", n))
	}
	return out, nil
}

// empties are the statements that remove all rows of the tables they name.
var empties = map[string]bool{"truncate": true, "drop_table": true}

// rowsLost adds the statistics' number of rows of the tables that go.
func (c *catalog) rowsLost(ctx context.Context, verb string, schemas, names []string, out *tools.Preview) error {
	if !empties[verb] {
		return nil
	}
	const rows = `
SELECT n.nspname::text, c.relname::text, greatest(c.reltuples, 0)::int8
FROM unnest($1::text[], $2::text[]) u(s, n) JOIN pg_class c ON c.relname = u.n JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = u.s AND c.relkind IN ('r', 'p') ORDER BY 1, 2`
	found, err := c.tx.Query(ctx, rows, schemas, names)
	if err != nil {
		return err
	}
	var schema, name string
	var count int64
	_, err = pgx.ForEachRow(found, []any{&schema, &name, &count}, func() error {
		target := tools.Target{Kind: "table", Name: statement.RelationName(schema, name)}
		out.Changes = append(out.Changes, tools.Change{Target: target, Verb: "delete", Count: count})
		out.Rows += count
		return nil
	})
	return err
}

// sameDependents refuses to run a definition on which other things depend than
// were shown.
func (p *plan) sameDependents(ctx context.Context) error {
	if p.approved == nil || rehearsable[p.action.Verb] {
		return nil
	}
	now, err := p.dependents(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(now.Dependents, p.approved.Dependents) {
		return movedOn("other objects depend on what it is about than were shown")
	}
	if !near(p.approved.Rows, now.Rows, max(p.tolerance, roughly)) && max(p.approved.Rows, now.Rows) > few {
		return movedOn(fmt.Sprintf("about %d rows would go now, and about %d were shown", now.Rows, p.approved.Rows))
	}
	return nil
}
