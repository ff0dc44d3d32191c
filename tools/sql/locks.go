package sql

import (
	"context"
	_ "embed"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
)

//go:embed locks.sql
var locksSQL string

// locksOf are the locks on tables that the transaction on a connection holds, but
// for those that every query takes (PostgreSQL manual, 13.3.1). The search path is
// our own by then.
func locksOf(ctx context.Context, conn lease) ([]tools.Lock, error) {
	found, err := conn.Conn.Conn().Query(ctx, locksSQL, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (tools.Lock, error) {
		l := tools.Lock{Target: tools.Target{Kind: "table"}}
		return l, row.Scan(&l.Name, &l.Mode)
	})
}
