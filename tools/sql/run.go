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
	conn, _, err := p.send(ctx, beginRead, out.limits.Timeout, p.statement(out), step{prepared: rollback})
	switch {
	case conn.Conn == nil:
		return err
	case errors.Is(err, errBrokenOff):
		cancelQuery(conn.wire())
		conn.drop()
		return nil
	case err == nil:
		p.release(ctx, conn, nil)
		return nil
	}
	p.release(ctx, conn, err)
	if p.moved(err) {
		return tools.ErrMoved
	}
	return err
}

// release gives a connection back, unless a function that only the operator
// vouches for may have left something in the session.
func (p *plan) release(ctx context.Context, conn lease, err error) {
	switch {
	case p.described.analysis.Vouched:
		conn.drop()
	case err != nil:
		conn.settle(ctx, err)
	default:
		conn.keep()
	}
}

// commitGrace is how long a commit may take once it is sent. It is not cut
// short when the caller goes away.
const commitGrace = time.Minute

// write runs the statement in one transaction and commits it.
func (p *plan) write(ctx context.Context, out *collector) error {
	if err := p.sameMeaning(); err != nil {
		return err
	}
	if err := p.sameDependents(ctx); err != nil {
		return err
	}
	var aside *second
	if p.looksAgain() {
		var err error
		if aside, err = p.aside(ctx); err != nil {
			return err
		}
		defer aside.leave()
	}
	conn, err := p.change(ctx, out)
	if err != nil {
		return err
	}
	defer conn.drop()
	if err := p.still(ctx, conn, aside, out.changed); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !rowsOnly[p.action.Verb] {
		// What this changes may be what other analyses rest on.
		defer p.connection.known.Purge()
	}
	return commitNow(ctx, conn)
}

// change runs the statement in a transaction that it leaves open.
func (p *plan) change(ctx context.Context, out *collector) (lease, error) {
	conn, ended, err := p.send(ctx, beginWrite, out.limits.Timeout, p.statement(out), step{prepared: count, row: out.total})
	if conn.Conn == nil {
		return lease{}, err
	}
	if err == nil {
		out.changed = rowsChanged(ended[len(ended)-2].tag)
		return conn, nil
	}
	conn.drop()
	if p.moved(err) {
		err = tools.ErrMoved
	}
	return lease{}, err
}

// rowsOnly are the changes that leave the catalog as it is.
var rowsOnly = map[string]bool{"insert": true, "update": true, "delete": true, "merge": true}

// commitNow ends the transaction. Only a server that answers says for sure how.
func commitNow(ctx context.Context, conn lease) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitGrace)
	defer cancel()
	ended, err := pipeline(ctx, conn.wire(), []step{{prepared: commit}})
	var at *stepError
	switch {
	case errors.As(err, &at):
		return failure(at.err, "")
	case err != nil || len(ended) != 1 || ended[0].tag.String() != "COMMIT":
		return uncertain()
	}
	return nil
}

// send runs steps behind the guards on a connection of the pool. A connection
// that turns out to be dead before it answered anything is replaced once:
// nothing was committed. Without an error, every step has ended.
func (p *plan) send(ctx context.Context, begin string, timeout time.Duration, rest ...step) (conn lease, ended []done, err error) {
	for attempt := range 2 {
		if conn, err = p.connection.pool.acquire(ctx); err != nil {
			return lease{}, nil, unreachable(p.connection.name, err)
		}
		var steps []step
		err = conn.with(func() (err error) {
			steps = append(p.guards(begin, timeout, searchPath(conn.Conn.Conn())), rest...)
			ended, err = pipeline(ctx, conn.wire(), steps)
			return err
		})
		var at *stepError
		switch {
		case err == nil && len(ended) != len(steps):
			return conn, ended, lost()
		case err == nil || errors.As(err, &at) || errors.Is(err, errBrokenOff) || len(ended) > 0 || ctx.Err() != nil || attempt > 0:
			return conn, ended, err
		}
		conn.drop()
		p.connection.pool.Reset()
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

// rowsChanged reads a command tag; -1 is one that does not say.
func rowsChanged(tag pgconn.CommandTag) int64 {
	if tag.Insert() || tag.Update() || tag.Delete() || strings.HasPrefix(tag.String(), "MERGE") {
		return tag.RowsAffected()
	}
	return -1
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
	err := c.pool.again(ctx, func() error { return c.pool.QueryRow(ctx, "SELECT format_type($1, NULL)", oid).Scan(&name) })
	if err != nil {
		return "unknown"
	}
	c.names.Add(oid, name)
	return name
}
