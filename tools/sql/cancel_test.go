package sql_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

const (
	// blocked says that a call waits for a lock; idle, that none does anything.
	blocked = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chaperone' AND wait_event_type = 'Lock')"
	idle    = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chaperone' AND state <> 'idle')"

	locks = "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1), (2, 2)"
)

// locked holds a lock on the table t until it is released.
func locked(t testing.TB, database string) (release func()) {
	t.Helper()
	tx, err := outside(t, database).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE t IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }
}

// started runs a plan beside the test.
func started(ctx context.Context, plan tools.Plan, limits tools.Limits) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := plan.Run(ctx, nil, limits)
		done <- err
	}()
	return done
}

func planned(t testing.TB, conn tools.Connection, tool, statement string) tools.Plan {
	t.Helper()
	plan, err := conn.Describe(t.Context(), request(t, tool, statement))
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// A call that is cancelled stops on the server, and changes nothing.
func TestCancelled(t *testing.T) {
	db := database(t, locks)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	observer := outside(t, db)
	for _, c := range []struct{ tool, statement string }{
		{"sql_read", "SELECT * FROM t"},
		{"sql_write", "UPDATE t SET v = 0"},
		{"sql_write", "INSERT INTO t VALUES (3, 3) RETURNING *"},
		{"sql_write", "TRUNCATE t"},
		{"sql_write", "ALTER TABLE t ADD COLUMN w int"},
	} {
		t.Run(c.statement, func(t *testing.T) {
			plan := planned(t, conn, c.tool, c.statement)
			release := locked(t, db)
			defer release()
			ctx, cancel := context.WithCancel(t.Context())
			done := started(ctx, plan, tools.Limits{})
			until(t, observer, blocked)
			cancel()
			err := <-done
			var f *tools.Failure
			if !errors.As(err, &f) || f.Code != "57014" || !strings.Contains(f.Message, "cancelled") || f.Plain != f.Message || f.Unsure {
				t.Errorf("%#v, want to be told that it was cancelled", err)
			}
			// It is gone while the lock is still held.
			until(t, observer, idle)
			release()
			if got := one(t, conn, "SELECT array_agg(t ORDER BY id) FROM t"); got != `"{\"(1,1)\",\"(2,2)\"}"` {
				t.Errorf("the table holds %s", got)
			}
		})
	}
}

// A call that takes too long is stopped on the server, and says how long that
// was.
func TestTimeout(t *testing.T) {
	db := database(t, locks)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	observer := outside(t, db)
	for _, c := range []struct{ tool, statement string }{
		{"sql_read", "SELECT * FROM t"}, {"sql_write", "UPDATE t SET v = 0"}, {"sql_read", "SELECT count(*) FROM generate_series(1, 1000000000000)"},
	} {
		plan := planned(t, conn, c.tool, c.statement)
		release := locked(t, db)
		err := <-started(t.Context(), plan, tools.Limits{Timeout: 50 * time.Millisecond})
		var f *tools.Failure
		if !errors.As(err, &f) || f.Code != "57014" || !strings.Contains(f.Message, "50ms") || f.Hint == "" || f.Unsure {
			t.Errorf("%s: %#v, want to be told of 50ms", c.statement, err)
		}
		until(t, observer, idle)
		release()
	}
	if got := one(t, conn, "SELECT sum(v) FROM t"); got != `"3"` && got != "3" {
		t.Errorf("the sum is %s, want 3", got)
	}
}

// Calls that are cancelled in numbers leave a connection that works.
func TestCancelledInNumbers(t *testing.T) {
	db := database(t, locks)
	conn := open(t, sql.Config{DSN: server.Superuser(db), Connections: 4})
	observer := outside(t, db)
	plan := planned(t, conn, "sql_read", "SELECT * FROM t")
	release := locked(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	var calls []<-chan error
	for range 12 {
		calls = append(calls, started(ctx, plan, tools.Limits{}))
	}
	until(t, observer, blocked)
	cancel()
	for _, done := range calls {
		err := <-done
		if !errors.As(err, new(*tools.Failure)) && !errors.As(err, new(*tools.Refusal)) {
			t.Errorf("%v, want a failure or a refusal", err)
		}
	}
	release()
	until(t, observer, idle)
	for range 12 {
		if got := one(t, conn, "SELECT count(*) FROM t"); got != "2" {
			t.Fatalf("%s rows", got)
		}
	}
}

// A connection that is closed cuts off what runs on it.
func TestClosed(t *testing.T) {
	db := database(t, locks)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	observer := outside(t, db)
	plan := planned(t, conn, "sql_write", "UPDATE t SET v = 0")
	release := locked(t, db)
	defer release()
	done := started(t.Context(), plan, tools.Limits{})
	until(t, observer, blocked)
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.As(err, new(*tools.Failure)) {
		t.Errorf("%v, want a failure", err)
	}
	if err := conn.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	_, err := conn.Describe(t.Context(), request(t, "sql_read", "SELECT * FROM pg_class"))
	if !errors.As(err, new(*tools.Refusal)) {
		t.Errorf("%v, want a refusal", err)
	}
	until(t, observer, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chaperone')")
}

// A change that was made and not yet committed when the call was cancelled is
// not made.
func TestCancelledBeforeCommit(t *testing.T) {
	db := database(t, locks)
	p := newProxy(t)
	conn := open(t, p.config(t, db))
	plan := planned(t, conn, "sql_write", "UPDATE t SET v = 0")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var once sync.Once
	p.meddle(nil, func(data []byte, _ func()) []byte {
		if strings.Contains(string(data), "UPDATE 2") {
			once.Do(cancel)
		}
		return data
	})
	_, err := plan.Run(ctx, nil, tools.Limits{})
	var f *tools.Failure
	if !errors.As(err, &f) || f.Unsure {
		t.Errorf("%v, want a failure that is sure", err)
	}
	until(t, outside(t, db), idle)
	if got := ask[int](t, outside(t, db), "SELECT sum(v)::int FROM t"); got != 3 {
		t.Errorf("the sum is %d, want 3", got)
	}
}

// A commit whose answer is lost is told as what it is: not known. One that the
// server refuses is known.
func TestCommitLost(t *testing.T) {
	db := database(t, locks+"; CREATE TABLE late (v int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
	sum := func(observer *pgx.Conn) int { return ask[int](t, observer, "SELECT sum(v)::int FROM t") }
	for _, c := range []struct {
		name           string
		sends, answers func(armed *bool) func([]byte, func()) []byte
		want           int
	}{
		{"before the server saw it", func(*bool) func([]byte, func()) []byte {
			return func(data []byte, cut func()) []byte {
				if commits(data) {
					cut()
				}
				return data
			}
		}, nil, 3},
		{"after the server saw it", func(armed *bool) func([]byte, func()) []byte {
			return func(data []byte, _ func()) []byte { *armed = *armed || commits(data); return data }
		}, func(armed *bool) func([]byte, func()) []byte {
			return func(data []byte, cut func()) []byte {
				if *armed {
					cut()
				}
				return data
			}
		}, 23},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProxy(t)
			conn := open(t, p.config(t, db))
			plan := planned(t, conn, "sql_write", "UPDATE t SET v = v + 10")
			var mu sync.Mutex
			armed := false
			guard := func(f func(*bool) func([]byte, func()) []byte) func([]byte, func()) []byte {
				if f == nil {
					return nil
				}
				return func(data []byte, cut func()) []byte {
					mu.Lock()
					defer mu.Unlock()
					return f(&armed)(data, cut)
				}
			}
			p.meddle(guard(c.sends), guard(c.answers))
			_, err := plan.Run(t.Context(), nil, tools.Limits{})
			var f *tools.Failure
			if !errors.As(err, &f) || !f.Unsure || f.Code != "08007" || f.Plain != f.Message || f.Hint == "" {
				t.Errorf("%+v, want a failure that is unsure", err)
			}
			observer := outside(t, db)
			until(t, observer, idle)
			if got := sum(observer); got != c.want {
				t.Errorf("the sum is %d, want %d", got, c.want)
			}
			exec(t, db, "UPDATE t SET v = id")
		})
	}
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	f := failed(t, conn, request(t, "sql_write", "INSERT INTO late VALUES (1), (1)"))
	if f.Code != "23505" || f.Unsure || strings.Contains(f.Plain, "(1)") {
		t.Errorf("%+v, want a unique violation that is sure", f)
	}
}

var lockedOut error = &tools.Failure{Code: "55P03"}

func codeOf(err error) string {
	var f *tools.Failure
	errors.As(err, &f)
	if f == nil {
		return ""
	}
	return f.Code
}

// A connection that breaks while a statement runs is told as such: nothing was
// committed.
func TestLostWhileRunning(t *testing.T) {
	db := database(t, locks)
	observer := outside(t, db)
	for _, c := range []struct{ tool, statement string }{{"sql_read", "SELECT * FROM t"}, {"sql_write", "UPDATE t SET v = 0"}} {
		t.Run(c.tool, func(t *testing.T) {
			p := newProxy(t)
			conn := open(t, p.config(t, db))
			plan := planned(t, conn, c.tool, c.statement)
			for how, lose := range map[string]func(){
				"cut": p.cutAll,
				"terminated": func() {
					ask[int](t, observer, "SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity WHERE application_name = 'chaperone' AND datname = current_database()")
				},
			} {
				release := locked(t, db)
				err := lockedOut
				// A slow machine may come too late: the wait for a lock has an end.
				for tries := 0; tries < 5 && codeOf(err) == codeOf(lockedOut); tries++ {
					done := started(t.Context(), plan, tools.Limits{})
					until(t, observer, blocked)
					lose()
					err = <-done
				}
				var f *tools.Failure
				if !errors.As(err, &f) || f.Code != "08006" || f.Unsure || !strings.Contains(f.Message, "lost") {
					t.Errorf("%s: %+v, want to be told that the connection was lost", how, err)
				} else {
					discreet(t, f.Message+f.Hint+f.Plain, db)
				}
				release()
				until(t, observer, idle)
				if got := one(t, conn, "SELECT sum(v) FROM t"); got != `"3"` && got != "3" {
					t.Errorf("%s: the sum is %s, want 3", how, got)
				}
			}
		})
	}
}
