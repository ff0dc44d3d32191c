package sql

import (
	"context"
	_ "embed"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
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
	var d tools.Target
	_, err = pgx.ForEachRow(found, []any{&d.Kind, &d.Name}, func() error {
		out.Dependents = append(out.Dependents, d)
		return nil
	})
	if err != nil {
		return nil, unreachable(p.connection.name, err)
	}
	if n := len(out.Dependents); n > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("%d other objects depend on what it is about", n))
	}
	return out, nil
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
	return nil
}
