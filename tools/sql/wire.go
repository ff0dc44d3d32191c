package sql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// step is one statement of a pipeline. Statements always go by the extended
// protocol, which takes exactly one at a time.
type step struct {
	// prepared names a statement of ours; otherwise text is parsed anew.
	prepared, text string
	types          []uint32
	args           [][]byte
	// rows is how many rows the server may send; 0 is all.
	rows uint32
	// flush has the server answer what came so far before it goes on.
	flush bool
	// fields and row receive the answer; nil ignores it. Their slices hold
	// until the next call. When row returns false the exchange is broken off.
	fields func([]pgproto3.FieldDescription)
	row    func([][]byte) bool
}

// done is how a step ended.
type done struct {
	tag pgconn.CommandTag
	// suspended says that the server had more rows to send.
	suspended bool
}

// stepError is a server's error and the step that it ended. The steps after it
// did not run.
type stepError struct {
	step int
	err  *pgconn.PgError
}

func (e *stepError) Error() string { return fmt.Sprintf("step %d: %s", e.step, e.err.Code) }

var errBrokenOff = errors.New("broken off")

// pipeline sends all steps at once and reads their answers. When ctx ends, the
// server is told to cancel, and the error wraps the context's. After any error
// but a *stepError the connection must not be used again.
func pipeline(ctx context.Context, conn *pgconn.PgConn, steps []step) (ended []done, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	answered, cancelled := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cancelled)
		cancelUntil(conn, answered)
	})
	func() {
		defer close(answered) // after a panic, too, the server is not asked for long
		ended, err = exchange(conn, steps)
	}()
	if !stop() {
		<-cancelled
		return ended, errors.Join(ctx.Err(), err)
	}
	return ended, err
}

// cancelGrace is how long the server has to stop a cancelled statement.
const cancelGrace = 5 * time.Second

// cancelEvery is how long the server has for one request to cancel.
const cancelEvery = 50 * time.Millisecond

// cancelQuery asks the server to stop what the connection runs, and makes sure
// that reading from the connection ends soon.
func cancelQuery(conn *pgconn.PgConn) {
	gone := make(chan struct{})
	close(gone)
	cancelUntil(conn, gone)
}

// cancelUntil does so again and again until the server has answered. It forgets
// a request that comes between two messages, be it just before Execute
// (PostgresMain in tcop/postgres.c: a cancel is a no-op while a command is read).
func cancelUntil(conn *pgconn.PgConn, answered <-chan struct{}) {
	_ = conn.Conn().SetDeadline(time.Now().Add(cancelGrace))
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	for {
		_ = conn.CancelRequest(ctx)
		select {
		case <-answered:
			return
		case <-ctx.Done():
			return
		case <-time.After(cancelEvery):
		}
	}
}

func exchange(conn *pgconn.PgConn, steps []step) ([]done, error) {
	front := conn.Frontend()
	for _, s := range steps {
		if s.prepared == "" {
			front.SendParse(&pgproto3.Parse{Query: s.text, ParameterOIDs: s.types})
		}
		front.SendBind(&pgproto3.Bind{PreparedStatement: s.prepared, Parameters: s.args})
		if s.fields != nil {
			front.SendDescribe(&pgproto3.Describe{ObjectType: 'P'})
		}
		front.SendExecute(&pgproto3.Execute{MaxRows: s.rows})
		if s.flush {
			front.Send(&pgproto3.Flush{})
		}
	}
	front.SendSync(&pgproto3.Sync{})
	if err := front.Flush(); err != nil {
		return nil, err
	}
	return answers(conn, steps)
}

// answers reads up to the end of the pipeline.
func answers(conn *pgconn.PgConn, steps []step) ([]done, error) {
	ended := make([]done, 0, len(steps))
	var failed error
	for {
		m, err := conn.ReceiveMessage(context.Background())
		if err != nil {
			return ended, err
		}
		if _, last := m.(*pgproto3.ReadyForQuery); last {
			return ended, failed
		}
		if len(ended) == len(steps) {
			continue
		}
		at := &steps[len(ended)]
		switch m := m.(type) {
		case *pgproto3.RowDescription:
			if at.fields != nil {
				at.fields(m.Fields)
			}
		case *pgproto3.DataRow:
			if at.row != nil && !at.row(m.Values) {
				return ended, errBrokenOff
			}
		case *pgproto3.CommandComplete:
			ended = append(ended, done{tag: pgconn.NewCommandTag(string(m.CommandTag))})
		case *pgproto3.EmptyQueryResponse:
			ended = append(ended, done{})
		case *pgproto3.PortalSuspended:
			ended = append(ended, done{suspended: true})
		case *pgproto3.ErrorResponse:
			failed = &stepError{len(ended), pgconn.ErrorResponseToPgError(m)}
		}
	}
}
