package sql

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// catalog answers for one connection, in one transaction that is rolled back,
// so that all its answers are of one moment.
type catalog struct {
	tx pgx.Tx
	// release gives the connection back.
	release func()
	// writable says that a shadow can be tried; a standby allows none.
	writable bool
	// untold says that a shadow was asked for and could not tell.
	untold bool
	// path is the search path that calls have; schemas are those on it that
	// exist, in order, once they were asked for.
	path    string
	schemas []string
}

// The catalog's own queries are large and touch few rows: one plan by indexes
// serves them all, and compiling it would take longer than running it.
const (
	repeatable      = "BEGIN ISOLATION LEVEL REPEATABLE READ"
	catalogSettings = "; SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_generic_plan;" +
		" SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
)

// beginCatalog begins the transaction on a connection of the pool. close ends
// it.
func beginCatalog(ctx context.Context, p *pool) (cat *catalog, err error) {
	err = p.again(ctx, func() error {
		conn, err := p.acquire(ctx)
		if err != nil {
			return err
		}
		err = conn.with(func() (err error) {
			cat, err = catalogOn(ctx, conn.Conn.Conn())
			return err
		})
		if err != nil {
			conn.drop()
			return err
		}
		cat.release = conn.Release
		return nil
	})
	return cat, err
}

// catalogOn begins the transaction on a connection. A standby, which says so by
// itself (PostgreSQL manual, 20.11.2), takes none that could write.
func catalogOn(ctx context.Context, conn *pgx.Conn) (*catalog, error) {
	cat := &catalog{writable: conn.PgConn().ParameterStatus("in_hot_standby") != "on", path: searchPath(conn), release: func() {}}
	mode := " READ ONLY"
	if cat.writable {
		mode = " READ WRITE"
	}
	var err error
	cat.tx, err = conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: repeatable + mode + catalogSettings})
	return cat, err
}

func (c *catalog) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
	defer cancel()
	_ = c.tx.Rollback(ctx)
	c.release()
}

// Lookup implements statement.Catalog.
func (c *catalog) Lookup(ctx context.Context, want statement.Want) (*statement.Found, error) {
	if err := c.findSchemas(ctx); err != nil {
		return nil, err
	}
	schemas, names := []string{}, []string{}
	for _, r := range want.Relations {
		schemas, names = append(schemas, r.Schema), append(names, r.Name)
	}
	var document []byte
	err := c.tx.QueryRow(ctx, catalogSQL, schemas, names, orNone(want.Functions), orNone(want.Operators), orNone(want.Types),
		orNone(want.TypeOIDs), c.schemas).Scan(&document)
	if err != nil {
		return nil, err
	}
	var found statement.Found
	if err := json.Unmarshal(document, &found); err != nil {
		return nil, fmt.Errorf("the catalog query yielded something else: %w", err)
	}
	return &found, nil
}

// findSchemas asks which schemas of the search path exist.
func (c *catalog) findSchemas(ctx context.Context) error {
	if c.schemas != nil {
		return nil
	}
	row := c.tx.QueryRow(ctx, "SELECT current_schemas(set_config('search_path', $1, true) IS NOT NULL)::text[]", c.path)
	if err := row.Scan(&c.schemas); err != nil {
		return err
	}
	return setPath(ctx, c.tx, ownPath)
}

// setPath sets the search path until the transaction or its savepoint ends.
func setPath(ctx context.Context, tx pgx.Tx, path string) error {
	_, err := tx.Exec(ctx, "SELECT set_config('search_path', $1, true)", path)
	return err
}

func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// identity is a digest of everything that an analysis rests on.
func (c *catalog) identity(ctx context.Context, d statement.Depends) (digest string, err error) {
	err = c.tx.QueryRow(ctx, guardSQL, orNone(d.Relations), orNone(d.OIDs), orNone(d.Functions), orNone(d.Operators), orNone(d.Types),
		orNone(d.Schemas), c.path).Scan(&digest)
	if err != nil {
		return "", err
	}
	return digest, setPath(ctx, c.tx, ownPath)
}
