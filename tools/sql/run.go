package sql

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chaperone-dev/chaperone/tools"
)

// read runs the statement in a transaction that can change nothing and is
// always rolled back.
func (p *plan) read(ctx context.Context, out *collector) error {
	steps := append(p.guards(beginRead, out.limits.Timeout), p.statement(out), step{prepared: rollback})
	conn, ended, err := p.send(ctx, steps)
	switch {
	case conn.Conn == nil:
		return err
	case errors.Is(err, errBrokenOff):
		cancelQuery(conn.wire())
		conn.drop()
		return nil
	case err == nil && len(ended) == len(steps):
		conn.keep()
		return nil
	}
	conn.settle(ctx, err)
	if p.moved(err) {
		return tools.ErrMoved
	}
	return err
}

// commitGrace is how long a commit may take once it is sent. It is not cut
// short when the caller goes away.
const commitGrace = time.Minute

// write runs the statement in one transaction and commits it.
func (p *plan) write(ctx context.Context, out *collector) error {
	steps := append(p.guards(beginWrite, out.limits.Timeout), p.statement(out))
	conn, ended, err := p.send(ctx, steps)
	if conn.Conn == nil {
		return err
	}
	defer conn.drop()
	switch {
	case p.moved(err):
		return tools.ErrMoved
	case err != nil:
		return err
	case len(ended) != len(steps):
		return lost()
	}
	out.changed = rowsChanged(ended[len(steps)-1].tag)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return commitNow(ctx, conn)
}

// commitNow ends the transaction. Only a server that answers says for sure how.
func commitNow(ctx context.Context, conn lease) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitGrace)
	defer cancel()
	ended, err := pipeline(ctx, conn.wire(), []step{{prepared: commit}})
	var at *stepError
	switch {
	case errors.As(err, &at):
		return failure(at.err)
	case err != nil || len(ended) != 1 || ended[0].tag.String() != "COMMIT":
		return uncertain()
	}
	return nil
}

// send runs a pipeline on a connection of the pool. A connection that turns out
// to be dead before it answered anything is replaced once: nothing was committed.
func (p *plan) send(ctx context.Context, steps []step) (conn lease, ended []done, err error) {
	for attempt := range 2 {
		if conn, err = p.connection.pool.acquire(ctx); err != nil {
			return lease{}, nil, unreachable(p.connection.name, err)
		}
		ended, err = pipeline(ctx, conn.wire(), steps)
		var at *stepError
		if err == nil || errors.As(err, &at) || errors.Is(err, errBrokenOff) || len(ended) > 0 || ctx.Err() != nil || attempt > 0 {
			return conn, ended, err
		}
		conn.drop()
	}
	return conn, ended, err
}

// settle gives a connection back after an error of the server's, and drops it
// after any other.
func (l lease) settle(ctx context.Context, err error) {
	var at *stepError
	if !errors.As(err, &at) || ctx.Err() != nil {
		l.drop()
		return
	}
	if l.wire().TxStatus() != 'I' {
		if _, err := pipeline(ctx, l.wire(), []step{{prepared: rollback}}); err != nil {
			l.drop()
			return
		}
	}
	l.keep()
}

// rowsChanged reads a command tag.
func rowsChanged(tag pgconn.CommandTag) int64 {
	if tag.Insert() || tag.Update() || tag.Delete() || strings.HasPrefix(tag.String(), "MERGE") {
		return tag.RowsAffected()
	}
	return 0
}

// nameTypes fills in the names of types that are not common.
func (c *connection) nameTypes(ctx context.Context, out *rows) {
	for i := range out.columns {
		if column := &out.columns[i]; column.shown == "" {
			column.shown = c.typeName(ctx, column.typing)
		}
	}
}

// typeName asks the server for a type's name, once.
func (c *connection) typeName(ctx context.Context, oid uint32) string {
	if name, ok := c.names.Get(oid); ok {
		return name
	}
	var name string
	if err := c.pool.QueryRow(ctx, "SELECT format_type($1, NULL)", oid).Scan(&name); err != nil {
		return "unknown"
	}
	c.names.Add(oid, name)
	return name
}
