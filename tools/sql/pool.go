package sql

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

//go:embed guard.sql
var guardSQL string

//go:embed catalog.sql
var catalogSQL string

//go:embed count.sql
var countSQL string

// The statements of ours that every connection holds prepared.
const (
	beginRead  = "chaperone_begin_read"
	beginWrite = "chaperone_begin_write"
	rollback   = "chaperone_rollback"
	commit     = "chaperone_commit"
	limit      = "chaperone_limit"
	guard      = "chaperone_guard"
	count      = "chaperone_count"

	touchedName = "chaperone_touched"
)

var prepared = map[string]string{
	beginRead:  "BEGIN READ ONLY",
	beginWrite: "BEGIN READ WRITE",
	rollback:   "ROLLBACK",
	commit:     "COMMIT",
	// A query, so that a read-only transaction can't be made another.
	limit: "SELECT set_config('statement_timeout', $1, true), set_config('plan_cache_mode', $2, true), set_config('search_path', $3, true)",
	// The division fails, and with it the pipeline, when the catalog moved.
	guard: "SELECT set_config('plan_cache_mode', 'auto', true), 1 / (CASE WHEN (" + guardSQL + ") = $8 THEN 1 ELSE 0 END)",
	count: countSQL,
}

// pool holds connections to one database, each set up and verified.
type pool struct {
	*pgxpool.Pool
	// production refuses a role that could leave the database.
	production bool
	// pairs bounds how many hold one connection and want another. If they could
	// be as many as there are connections, each would wait for the others.
	pairs chan struct{}
}

// open starts a pool. It dials in the background.
func open(c *Config, production bool) (*pool, error) {
	config, err := c.pool()
	if err != nil {
		return nil, err
	}
	config.MaxConns = max(config.MaxConns, 2)
	p := &pool{production: production, pairs: make(chan struct{}, config.MaxConns/2)}
	config.AfterConnect = p.setUp
	if p.Pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		return nil, errors.New("the pool of connections could not be made")
	}
	return p, nil
}

// privileges are what a role must not have in production: each reaches beyond
// the database.
const privilegeSQL = `
SELECT current_setting('standard_conforming_strings') = 'on' AND current_setting('client_encoding') = 'UTF8',
    r.rolsuper,
    EXISTS (SELECT FROM pg_roles d WHERE d.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
        AND pg_has_role(current_user, d.oid, 'MEMBER'))
FROM pg_roles r WHERE r.rolname = current_user`

var (
	errSettings   = errors.New("the server does not take the settings that calls need")
	errPrivileges = errors.New("the role may leave the database")
)

// setUp verifies a new connection and prepares our statements on it.
func (p *pool) setUp(ctx context.Context, conn *pgx.Conn) error {
	if err := setAside(ctx, conn); err != nil {
		return err
	}
	var settings, super, outside bool
	row := conn.QueryRow(ctx, privilegeSQL, pgx.QueryExecModeExec)
	switch err := row.Scan(&settings, &super, &outside); {
	case err != nil:
		return err
	case !settings:
		return errSettings
	case p.production && (super || outside):
		return errPrivileges
	}
	batch := conn.PgConn().StartPipeline(ctx)
	for name, sql := range prepared {
		batch.SendPrepare(name, sql, nil)
	}
	if err := batch.Sync(); err != nil {
		return err
	}
	if err := batch.Close(); err != nil {
		return err
	}
	return warm(ctx, conn)
}

// ownPath is the search path between calls and for every query of ours, so that
// nothing that others put into a schema can stand in for what the query names.
const (
	ownPath = "pg_catalog"
	pathKey = "search_path"
)

// setAside notes the search path that calls are to have, and leaves pg_catalog
// alone on it.
func setAside(ctx context.Context, conn *pgx.Conn) error {
	var path string
	if err := conn.QueryRow(ctx, "SHOW search_path", pgx.QueryExecModeExec).Scan(&path); err != nil {
		return err
	}
	conn.PgConn().CustomData()[pathKey] = path
	_, err := conn.Exec(ctx, "SET search_path = "+ownPath)
	return err
}

// searchPath is the search path that calls on the connection have.
func searchPath(conn *pgx.Conn) string {
	path, _ := conn.PgConn().CustomData()[pathKey].(string)
	return path
}

// warm runs the large queries of ours once on nothing, so that no call waits
// for them to be planned.
func warm(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Prepare(ctx, touchedName, touchedSQL); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, touchedName); err != nil {
		return err
	}
	cat, err := catalogOn(ctx, conn)
	if err != nil {
		return err
	}
	defer cat.close(ctx)
	if _, err := cat.Lookup(ctx, statement.Want{}); err != nil {
		return err
	}
	_, err = cat.identity(ctx, statement.Depends{})
	return err
}

// again runs f, and once more when it met a connection that had died in the
// pool. f only reads.
func (p *pool) again(ctx context.Context, f func() error) error {
	err := f()
	if err == nil || ctx.Err() != nil || !broken(err) {
		return err
	}
	// Where one has died, the others have too.
	p.Reset()
	return f()
}

// broken reports whether an error is that of a connection which was there, and
// not of a server that answers or of one that can't be reached.
func broken(err error) bool {
	var refused *pgconn.PgError
	switch {
	case errors.As(err, new(*pgconn.ConnectError)), errors.Is(err, errPrivileges), errors.Is(err, errSettings):
		return false
	case errors.As(err, &refused):
		return refused.SeverityUnlocalized == "FATAL" || refused.SeverityUnlocalized == "PANIC"
	}
	return true
}

// lease is a connection on loan.
type lease struct {
	*pgxpool.Conn
	pool *pool
}

func (p *pool) acquire(ctx context.Context) (lease, error) {
	conn, err := p.Acquire(ctx)
	return lease{conn, p}, err
}

// spare is how many connections are kept ready: one for the next call, and one
// for looking at what that has changed.
const spare = 2

// refill dials what is missing of them, so that no call waits for that.
func (p *pool) refill(ctx context.Context) {
	if s := p.Stat(); s.IdleConns() >= spare || s.TotalConns() >= s.MaxConns() {
		return
	}
	select {
	case p.pairs <- struct{}{}:
	default:
		return // there is no room for one more who holds two
	}
	defer func() { <-p.pairs }()
	for range spare {
		conn, err := p.Acquire(ctx)
		if err != nil {
			return // the next call meets that error, and tells of it
		}
		defer conn.Release()
	}
}

func (l lease) wire() *pgconn.PgConn { return l.Conn.Conn().PgConn() }

// with runs f on the connection, and drops it if f panics: nobody else would give
// it back then, and closing the pool would wait for it for ever.
func (l lease) with(f func() error) error {
	whole := false
	defer func() {
		if !whole {
			l.drop()
		}
	}()
	err := f()
	whole = true
	return err
}

// keep gives the connection back for others to use. It must be idle, outside a
// transaction, and must not have run anything that lasts in a session.
func (l lease) keep() { l.Release() }

// drop closes the connection, so that nothing of the session is left, and has
// another one dialled for the next call.
func (l lease) drop() {
	conn := l.Hijack()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
		defer cancel()
		_ = conn.Close(ctx)
		l.pool.refill(ctx)
	}()
}

// passing reports whether an error is one of the moment: a conflict, a lock, a
// lack of room, a server that stops or starts (PostgreSQL manual, appendix A).
func passing(err *pgconn.PgError) bool {
	switch err.Code[:min(2, len(err.Code))] {
	case "40", "53", "55", "57", "58":
		return true
	}
	return false
}

// unreachable says for the caller why no connection could be had. The detail,
// which names hosts and roles, is for the operator's check-up only.
func unreachable(name string, err error) *tools.Refusal {
	r := &tools.Refusal{Rule: "unreachable", Hint: "tell the operator to run `chaperone doctor`"}
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, errPrivileges):
		r.Rule = "superuser"
		r.Reason = fmt.Sprintf("the connection %s is labelled as production and its role is a superuser or may reach files and programs of the server", name)
		r.Hint = "the operator must give the connection a role that holds only what it needs"
	case errors.Is(err, errSettings):
		r.Reason = fmt.Sprintf("the database of %s does not take the settings that calls need", name)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		r.Reason = fmt.Sprintf("no connection to the database of %s was free in time", name)
		r.Hint, r.Later = "try again in a while", true
	case errors.As(err, new(*pgconn.ConnectError)) && errors.As(err, &refused):
		r.Reason = fmt.Sprintf("the database of %s refused the connection (SQLSTATE %s)", name, refused.Code)
		// Starting up, shutting down, or full.
		r.Later = passing(refused)
	case errors.As(err, &refused):
		r.Reason = fmt.Sprintf("the catalog of %s can't be read (SQLSTATE %s: %s)", name, refused.Code, plain(refused))
		r.Later = passing(refused)
	default:
		r.Reason, r.Later = fmt.Sprintf("the database of %s can't be reached", name), true
	}
	return r
}
