package sql_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
	"github.com/chaperone-dev/chaperone/tools/sql/pgserver"
)

// another starts a server of the test's own.
func another(t *testing.T, o pgserver.Options) *pgserver.Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "chaperone-pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	o.Dir, o.Settings = dir, append(o.Settings, "fsync=off")
	s, err := pgserver.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s
}

// together makes n calls at once, and returns their errors.
func together(n int, f func() error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f() })
	}
	all.Wait()
	return errs
}

// The pool never holds more connections than it may, and calls take turns.
func TestPoolIsBounded(t *testing.T) {
	db := database(t, locks)
	conn := open(t, sql.Config{DSN: server.Superuser(db), Connections: 3})
	observer := outside(t, db)
	plan := planned(t, conn, "sql_read", "SELECT * FROM t")
	release := locked(t, db)
	done := make(chan []error, 1)
	go func() {
		done <- together(20, func() error { _, err := plan.Run(t.Context(), nil, tools.Limits{}); return err })
	}()
	const mine = "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chaperone'"
	until(t, observer, "SELECT count(*) = 3 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chaperone' AND wait_event_type = 'Lock'")
	if n := ask[int](t, observer, mine); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
	// One that waits for its turn can be told to stop.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var r *tools.Refusal
	if _, err := plan.Run(ctx, nil, tools.Limits{}); !errors.As(err, &r) || !r.Later || !strings.Contains(r.Reason, "free") {
		t.Errorf("%v, want a refusal for now", err)
	}
	release()
	for _, err := range <-done {
		if err != nil {
			t.Errorf("a call that took its turn: %v", err)
		}
	}
}

// After a restart of the server every call works at once, and is described as
// before, whatever connections died in the pool.
func TestPoolHeals(t *testing.T) {
	own := another(t, pgserver.Options{})
	conn := open(t, sql.Config{DSN: own.Superuser("postgres"), Connections: 4})
	// The function makes it doubtful by its name alone, so that the server is asked.
	write(t, conn, "CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2'")
	write(t, conn, "CREATE FUNCTION twice(text) RETURNS text LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1; END'")
	write(t, conn, "CREATE TABLE t AS SELECT 1 AS id")
	for _, c := range []struct {
		name string
		call func() error
	}{
		{"a read that was described", func() error {
			_, err := call(t, conn, request(t, "sql_read", "SELECT id FROM t"), tools.Limits{})
			return err
		}},
		{"a read that was not", func() error {
			_, err := call(t, conn, request(t, "sql_read", fmt.Sprintf("SELECT relname AS %q FROM pg_class LIMIT 1", t.Name())), tools.Limits{})
			return err
		}},
		{"a typed parameter", func() error {
			_, err := call(t, conn, raw(t, "sql_read", "SELECT $1", `[{"type":"t","value":"(1)"}]`), tools.Limits{})
			return err
		}},
		{"a change", func() error {
			_, err := call(t, conn, request(t, "sql_write", "UPDATE t SET id = 1"), tools.Limits{})
			return err
		}},
		{"a look at the schema", func() error {
			_, err := schema(t, conn, "t", nil, tools.Limits{})
			return err
		}},
		{"a check", func() error {
			for _, f := range conn.Check(t.Context()) {
				if f.Level == tools.Fail {
					return errors.New(f.What)
				}
			}
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Fill the pool.
			for _, err := range together(4, c.call) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := own.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := c.call(); err != nil {
					t.Errorf("after the restart: %v", err)
				}
			}
		})
	}
	t.Run("a server that is gone", func(t *testing.T) {
		own.Stop(t.Context())
		_, err := call(t, conn, request(t, "sql_read", "SELECT id FROM t"), tools.Limits{})
		var r *tools.Refusal
		if !errors.As(err, &r) || r.Rule != "unreachable" || !r.Later {
			t.Fatalf("%v, want a refusal for now", err)
		}
		discreet(t, r.Reason+r.Hint, fmt.Sprint(own.Port))
	})
}

// A standby answers reads, and says of changes why not.
func TestStandby(t *testing.T) {
	own := another(t, pgserver.Options{})
	primary := open(t, sql.Config{DSN: own.Superuser("postgres")})
	write(t, primary, "CREATE TABLE t AS SELECT 1 AS id")
	_ = primary.Close()
	own.Stop(t.Context())
	if err := os.WriteFile(filepath.Join(own.Dir(), "data", "standby.signal"), nil, 0o644); err != nil { //nolint:gosec // the server's user must see it
		t.Fatal(err)
	}
	if err := own.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := open(t, sql.Config{DSN: own.Superuser("postgres"), Connections: 1})
	pid := one(t, conn, "SELECT pg_backend_pid()")
	for i := range 5 {
		// Each is new, so that it must be described.
		if got := one(t, conn, fmt.Sprintf("SELECT id + %d FROM t", i)); got != fmt.Sprint(1+i) {
			t.Errorf("%s", got)
		}
	}
	if got := one(t, conn, "SELECT pg_backend_pid()"); got != pid {
		t.Error("describing a statement loses the connection")
	}
	f := failed(t, conn, request(t, "sql_write", "UPDATE t SET id = 2"))
	if f.Unsure || !strings.Contains(f.Message, "recovery") {
		t.Errorf("%+v, want to be told of the recovery", f)
	}
	for _, finding := range conn.Check(t.Context()) {
		if finding.Level == tools.Fail || strings.Contains(finding.What, "temporary") {
			t.Errorf("%+v", finding)
		}
	}
}

// What keeps a connection from being made is told without where and who.
func TestUnreachable(t *testing.T) {
	own := another(t, pgserver.Options{Password: "hunter2-secret"})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	_ = listener.Close()
	for _, c := range []struct {
		name, dsn, reason string
		later             bool
	}{
		{"nothing listens", "postgres://postgres:hunter2-secret@" + closed + "/shopdb", "can't be reached", true},
		{"wrong password", own.DSN("postgres", "hunter2-wrong", "shopdb"), "SQLSTATE 28P01", false},
		{"no such role", own.DSN("nobody_here", "hunter2-wrong", "shopdb"), "SQLSTATE 28P01", false},
		{"no such database", own.DSN("postgres", "hunter2-secret", "shopdb"), "SQLSTATE 3D000", false},
		{"no such host", "postgres://postgres:hunter2-secret@no-such-host.invalid/shopdb", "can't be reached", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := open(t, sql.Config{DSN: c.dsn})
			for _, r := range []tools.Request{
				request(t, "sql_read", "SELECT * FROM pg_class"), raw(t, "sql_read", "SELECT $1", `[{"type":"int","value":1}]`),
				request(t, "sql_write", "DELETE FROM t"),
			} {
				r := refused(t, conn, r)
				if r.Rule != "unreachable" || !strings.Contains(r.Reason, c.reason) || r.Later != c.later || !strings.Contains(r.Hint, "doctor") {
					t.Errorf("%+v, want %s", r, c.reason)
				}
				discreet(t, r.Reason+r.Hint, "hunter2", "nobody_here", "shopdb", "no-such-host", closed)
			}
			// What needs no catalog meets it when it runs.
			_, err := call(t, conn, request(t, "sql_read", "SELECT 1"), tools.Limits{})
			var refusal *tools.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(refusal.Reason, c.reason) {
				t.Errorf("SELECT 1: %v", err)
			}
			found := conn.Check(t.Context())
			last := found[len(found)-1]
			if last.Level != tools.Fail || last.Fix == "" {
				t.Errorf("the check finds %+v", found)
			}
			toldOnce(t, last.What)
			for _, f := range found {
				if strings.Contains(f.What+f.Fix, "hunter2") {
					t.Errorf("the check tells a password: %+v", f)
				}
			}
		})
	}
}

// toldOnce fails the test if a reason says something twice, or takes more than
// a line. pgx tries most addresses twice, with TLS and without.
func toldOnce(t *testing.T, reason string) {
	t.Helper()
	for _, phrase := range []string{"dial error", "no such host", "FATAL", "failed to connect"} {
		if strings.Count(reason, phrase) > 1 {
			t.Errorf("it says %q more than once: %s", phrase, reason)
		}
	}
	if strings.ContainsAny(reason, "\n\t") {
		t.Errorf("it takes more than a line: %q", reason)
	}
}
