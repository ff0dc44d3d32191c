package sql

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// second is a connection that looks, from beside, at what another one changes. It
// is had before that begins, so that nobody waits for it while holding locks.
type second struct {
	conn lease
	pool *pool
	// failed says that a look did not end well.
	failed bool
}

// second waits until there is a second connection to be had. No more wait for
// their first one then than there are connections for both.
func (p *pool) second(ctx context.Context) (*second, error) {
	select {
	case p.pairs <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	conn, err := p.acquire(ctx)
	if err != nil {
		<-p.pairs
		return nil, err
	}
	return &second{conn: conn, pool: p}, nil
}

// lookTime is how long it may take to look at the rows that a transaction has
// changed, as others still see them.
const lookTime = 3 * time.Second

func (s *second) look(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	s.failed = true // unless it ends well, and does not panic
	err := f(ctx, s.conn.Conn.Conn())
	s.failed = err != nil
	return err
}

// leave gives the connection back.
func (s *second) leave() {
	if s.failed {
		s.conn.drop()
	} else {
		s.conn.keep()
	}
	<-s.pool.pairs
}
