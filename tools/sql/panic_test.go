package sql_test

import (
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

// After a fault of ours in a run its connection is free again: others get it, and
// closing does not wait for it.
func TestPanicsFreeConnections(t *testing.T) {
	db := database(t, writeTables)
	for _, c := range []struct {
		name, tool, statement string
		run                   func(plan tools.Plan)
	}{
		{"a read", "sql_read", "SELECT * FROM stock", spoilt(t)},
		{"a change", "sql_write", "DELETE FROM notes", spoilt(t)},
		{"while rows come", "sql_read", "SELECT * FROM generate_series(1, 1000000)", func(p tools.Plan) { sql.RunBadly(t.Context(), p) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := open(t, sql.Config{DSN: server.Superuser(db), Connections: 1, Timeout: time.Minute})
			plan := planned(t, conn, c.tool, c.statement)
			if !panics(func() { c.run(plan) }) {
				t.Fatal("there is no panic")
			}
			if got := one(t, conn, "SELECT count(*) FROM notes"); got != "5" {
				t.Errorf("%s rows are left", got)
			}
			closed := make(chan error, 1)
			go func() { closed <- conn.Close() }()
			select {
			case err := <-closed:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(patience):
				t.Fatal("it does not close")
			}
		})
	}
}

// spoilt runs a plan that panics as soon as it holds a connection.
func spoilt(t *testing.T) func(tools.Plan) {
	return func(plan tools.Plan) {
		sql.Spoil(plan)
		_, _ = plan.Run(t.Context(), nil, tools.Limits{})
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}
