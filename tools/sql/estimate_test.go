package sql_test

import (
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

const estimateTables = `
CREATE TABLE t AS SELECT i AS id, i % 10 AS k FROM generate_series(1, 1000) i;
ANALYZE t;
CREATE TABLE log (what text);
CREATE FUNCTION tracks(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN INSERT INTO log VALUES ('ran'); RETURN 1; END $$;
CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(3600); RETURN 1; END $$;`

// Estimates are there when they are wanted and can be had, and nothing runs for
// them: not the statement, and no function that the planner would compute.
func TestEstimates(t *testing.T) {
	db := database(t, estimateTables)
	conn := open(t, sql.Config{DSN: server.Superuser(db), TrustedFunctions: []string{"public.tracks"}})
	for _, c := range []struct {
		tool, statement string
		params          []any
		// rows is the estimate; below 0 there is none.
		rows float64
	}{
		{"sql_read", "SELECT * FROM t", nil, 1000},
		{"sql_read", "SELECT * FROM t WHERE k = $1", []any{3}, 100},
		{"sql_read", "SELECT * FROM t LIMIT 7", nil, 7},
		{"sql_read", "SELECT 1", nil, 1},
		{"sql_read", "SELECT count(*) FROM t", nil, 1},
		{"sql_write", "UPDATE t SET k = 0", nil, 1000},
		{"sql_write", "DELETE FROM t WHERE k = 1", nil, 100},
		{"sql_write", "INSERT INTO t SELECT * FROM t WHERE k < 0", nil, 1},
		{"sql_write", "INSERT INTO t VALUES (1, 2), (3, 4)", nil, 2},
		{"sql_write", "MERGE INTO t USING (VALUES (1)) v(i) ON t.id = v.i WHEN MATCHED THEN DELETE", nil, 1},
		{"sql_write", "TRUNCATE t", nil, -1},
		{"sql_write", "CREATE TABLE u AS SELECT * FROM t", nil, -1},
		{"sql_write", "DROP TABLE t", nil, -1},
		{"sql_read", "SHOW work_mem", nil, -1},
		{"sql_read", "EXPLAIN SELECT * FROM t", nil, -1},
		{"sql_read", "SELECT * FROM no_such_table", nil, -1},
		{"sql_read", "SELECT 1 / 0", nil, -1},
		{"sql_write", "SELECT tracks(1)", nil, -1},
		{"sql_write", "SELECT slow(1)", nil, -1},
		{"sql_write", "UPDATE t SET k = slow(1)", nil, -1},
	} {
		r := request(t, c.tool, c.statement, c.params...)
		for _, wanted := range []bool{false, true} {
			r.Wanted = func(fact string) bool { return wanted && (fact == "estimated_rows" || fact == "estimated_cost") }
			plan, err := conn.Describe(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			facts, ok := plan.Action().Facts.(*statement.Facts)
			if !ok {
				t.Fatal("the facts are not the family's")
			}
			switch {
			case (facts.EstimatedRows == nil) != (facts.EstimatedCost == nil):
				t.Errorf("%s: one estimate without the other", c.statement)
			case (facts.EstimatedRows != nil) != (wanted && c.rows >= 0):
				t.Errorf("%s, wanted %v: an estimate is there: %v", c.statement, wanted, facts.EstimatedRows != nil)
			case facts.EstimatedRows != nil && (*facts.EstimatedRows != c.rows || *facts.EstimatedCost < 0):
				t.Errorf("%s: %v rows at %v, want %v", c.statement, *facts.EstimatedRows, *facts.EstimatedCost, c.rows)
			}
		}
	}
	observer := outside(t, db)
	if n := ask[int](t, observer, "SELECT count(*)::int FROM t"); n != 1000 {
		t.Errorf("%d rows are left, want 1000", n)
	}
	if n := ask[int](t, observer, "SELECT count(*)::int FROM log"); n != 0 {
		t.Error("a function ran")
	}
	// One call's estimate is not another's fact.
	if _, err := call(t, conn, request(t, "sql_read", "SELECT * FROM t"), tools.Limits{}); err != nil {
		t.Error(err)
	}
}

// A target that moved before the estimate is told as such.
func TestEstimateOfWhatMoved(t *testing.T) {
	db := database(t, estimateTables)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	r := request(t, "sql_read", "SELECT id FROM t WHERE k = 1")
	r.Wanted = func(string) bool { return true }
	if _, err := conn.Describe(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "ALTER TABLE t RENAME COLUMN k TO l")
	// It is described anew at once, or refused as moved; the next time sees it.
	if _, err := conn.Describe(t.Context(), r); err != nil && err != tools.ErrMoved { //nolint:errorlint // it is that itself
		t.Errorf("%v, want nothing or to be told that it moved", err)
	}
	plan, err := conn.Describe(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run1(t.Context(), t, plan, tools.Limits{}); err == nil {
		t.Error("it ran on a column that is gone")
	}
}
