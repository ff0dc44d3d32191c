package sql

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

//go:embed rehearsal.sql
var rehearsalSQL string

// setsOff names a function that the change may set off, by a trigger or a default
// say, and whose doings a rollback might not take back; "" is none. Before anybody
// has agreed, no such function may run.
func (p *plan) setsOff(ctx context.Context) (loud string, err error) {
	schemas, names := []string{}, []string{}
	for _, t := range p.described.analysis.Facts.Tables {
		if t.Access != "read" {
			schemas, names = append(schemas, t.Schema), append(names, t.Name)
		}
	}
	cat, err := beginCatalog(ctx, p.connection.pool)
	if err != nil {
		return "", unreachable(p.connection.name, err)
	}
	defer cat.close(ctx)
	found, err := cat.tx.Query(ctx, rehearsalSQL, schemas, names)
	if err != nil {
		return "", unreachable(p.connection.name, err)
	}
	var f statement.Function
	var oid int64
	var opaque bool
	into := []any{&f.Schema, &f.Name.Name, &oid, &f.Volatility, &f.Language, &f.Extension, &f.BySuperuser, &opaque}
	_, err = pgx.ForEachRow(found, into, func() error {
		f.OID = uint32(oid) //nolint:gosec // an OID has 32 bits
		f.TrustedLanguage = f.Language == "plpgsql" || f.Language == "sql"
		if opaque && !p.connection.trust.TakenBack(&f) && loud == "" {
			loud = f.Schema + "." + f.Name.Name
		}
		return nil
	})
	if err != nil {
		return "", unreachable(p.connection.name, err)
	}
	return loud, nil
}
