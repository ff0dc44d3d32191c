package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// catalog answers for one connection, in one transaction that is rolled back,
// so that all its answers are of one moment.
type catalog struct {
	tx pgx.Tx
	// writable says that a shadow view can be tried; a standby allows none.
	writable bool
}

// The catalog's own queries are large and touch few rows: one plan by indexes
// serves them all, and compiling it would take longer than running it.
const (
	repeatable      = "BEGIN ISOLATION LEVEL REPEATABLE READ"
	catalogSettings = "; SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_generic_plan;" +
		" SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
)

// beginner is a connection or a pool of them.
type beginner interface {
	BeginTx(context.Context, pgx.TxOptions) (pgx.Tx, error)
}

// beginCatalog begins the transaction. close ends it.
func beginCatalog(ctx context.Context, on beginner) (*catalog, error) {
	tx, err := on.BeginTx(ctx, pgx.TxOptions{BeginQuery: repeatable + " READ WRITE" + catalogSettings})
	if err == nil {
		return &catalog{tx: tx, writable: true}, nil
	}
	tx, err = on.BeginTx(ctx, pgx.TxOptions{BeginQuery: repeatable + " READ ONLY" + catalogSettings})
	if err != nil {
		return nil, err
	}
	return &catalog{tx: tx}, nil
}

func (c *catalog) close(ctx context.Context) {
	_ = c.tx.Rollback(context.WithoutCancel(ctx))
}

// Lookup implements statement.Catalog.
func (c *catalog) Lookup(ctx context.Context, want statement.Want) (*statement.Found, error) {
	schemas, names := []string{}, []string{}
	for _, r := range want.Relations {
		schemas, names = append(schemas, r.Schema), append(names, r.Name)
	}
	var document []byte
	err := c.tx.QueryRow(ctx, catalogSQL, schemas, names, orNone(want.Functions), orNone(want.Operators), orNone(want.Types)).Scan(&document)
	if err != nil {
		return nil, err
	}
	var found statement.Found
	if err := json.Unmarshal(document, &found); err != nil {
		return nil, fmt.Errorf("the catalog query yielded something else: %w", err)
	}
	return &found, nil
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// identity is a digest of everything that an analysis rests on.
func (c *catalog) identity(ctx context.Context, d statement.Depends) (digest string, err error) {
	err = c.tx.QueryRow(ctx, guardSQL, orNone(d.Relations), oids(d), orNone(d.Functions), orNone(d.Operators), orNone(d.Types)).Scan(&digest)
	return digest, err
}

func oids(d statement.Depends) []uint32 {
	if d.OIDs == nil {
		return []uint32{}
	}
	return d.OIDs
}

// shadow is a view over the query, whose dependencies the server works out
// without running anything. It is gone with the rollback. Where event triggers
// would run at its creation it is not made.
const (
	eventTriggers = `SELECT EXISTS (SELECT FROM pg_event_trigger WHERE evtenabled <> 'D')`
	shadowView    = "CREATE TEMP VIEW chaperone_shadow AS SELECT 1 AS one FROM (\n%s\n) AS query"
	shadowUses    = `
SELECT CASE d.refclassid WHEN 'pg_proc'::regclass THEN 'function' WHEN 'pg_operator'::regclass THEN 'operator' ELSE 'type' END, d.refobjid
FROM pg_depend d JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
WHERE w.ev_class = 'pg_temp.chaperone_shadow'::regclass
  AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)`
)

// Uses implements statement.Resolver by a shadow view. It needs the right to
// make temporary objects; without it, it can't tell. query is the text of
// exactly one SELECT.
func (c *catalog) Uses(ctx context.Context, query string) (used map[statement.Object]bool, ok bool) {
	if !c.writable {
		return nil, false
	}
	err := pgx.BeginFunc(ctx, c.tx, func(savepoint pgx.Tx) (err error) {
		used, err = shadow(ctx, savepoint, query)
		return errors.Join(errUndo, err)
	})
	return used, errors.Is(err, errUndo) && used != nil
}

// errUndo makes BeginFunc roll back to the savepoint.
var errUndo = errors.New("undo")

func shadow(ctx context.Context, tx pgx.Tx, query string) (map[statement.Object]bool, error) {
	var triggers bool
	if err := tx.QueryRow(ctx, eventTriggers).Scan(&triggers); err != nil || triggers {
		return nil, err
	}
	// ExecParams, unlike Exec, takes exactly one statement.
	sql := fmt.Sprintf(shadowView, query)
	if err := tx.Conn().PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Read().Err; err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, shadowUses)
	if err != nil {
		return nil, err
	}
	used := map[statement.Object]bool{}
	for rows.Next() {
		var o statement.Object
		if err := rows.Scan(&o.Class, &o.OID); err != nil {
			return nil, err
		}
		used[o] = true
	}
	return used, rows.Err()
}
