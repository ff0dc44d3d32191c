package sql_test

import (
	"encoding/json"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

const writeTables = `
CREATE TABLE stock (id int PRIMARY KEY, name text UNIQUE, n int NOT NULL CHECK (n >= 0));
INSERT INTO stock SELECT i, 'item ' || i, i * 10 FROM generate_series(1, 5) i;
CREATE TABLE gone (id int, name text, n int);
CREATE TABLE notes (stock int REFERENCES stock ON DELETE CASCADE, note text);
INSERT INTO notes SELECT i, 'note' FROM generate_series(1, 5) i;`

// A change is made whole, says how much it changed, and returns its rows.
func TestWrites(t *testing.T) {
	db := database(t, "")
	const none = int64(-1)
	for _, c := range []struct {
		name, statement string
		params          []any
		effect          tools.Effect
		changed         int64
		// rows is what comes back; after, what is then found.
		rows, check, after string
	}{
		{"insert", "INSERT INTO stock VALUES (6, 'item 6', 60)", nil, tools.Write, 1, `[]`, "SELECT count(*) FROM stock", "6"},
		{"insert returning", "INSERT INTO stock SELECT i, 'new ' || i, $1 FROM generate_series(7, 9) i RETURNING id, n", []any{3}, tools.Write, 3, `[[7,3],[8,3],[9,3]]`, "SELECT count(*) FROM stock", "8"},
		{"update", "UPDATE stock SET n = n + 1 WHERE id <= 2", nil, tools.Write, 2, `[]`, "SELECT sum(n)::int FROM stock", "152"},
		{"update returning an expression", "UPDATE stock SET n = 0 WHERE id = 3 RETURNING upper(name) AS shout", nil, tools.Write, 1, `[["ITEM 3"]]`, "SELECT n FROM stock WHERE id = 3", "0"},
		{"update of nothing", "UPDATE stock SET n = 0 WHERE false", nil, tools.Write, 0, `[]`, "SELECT sum(n)::int FROM stock", "150"},
		{"delete", "DELETE FROM stock WHERE id = 1 RETURNING *", nil, tools.Destroy, 1, `[[1,"item 1",10]]`, "SELECT count(*) FROM notes", "4"},
		{"upsert", "INSERT INTO stock VALUES (1, 'x', 7), (9, 'y', 8) ON CONFLICT (id) DO UPDATE SET n = excluded.n RETURNING id, n", nil, tools.Write, 2, `[[1,7],[9,8]]`, "SELECT name FROM stock WHERE id = 1", `"item 1"`},
		{"insert that does nothing", "INSERT INTO stock VALUES (1, 'x', 7) ON CONFLICT DO NOTHING", nil, tools.Write, 0, `[]`, "SELECT n FROM stock WHERE id = 1", "10"},
		{"merge", `MERGE INTO stock s USING (VALUES (1, 99), (8, 88)) v(id, n) ON s.id = v.id WHEN MATCHED THEN UPDATE SET n = v.n
			WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'merged', v.n)`, nil, tools.Write, 2, `[]`, "SELECT string_agg(n::text, ',' ORDER BY id) FROM stock WHERE id IN (1, 8)", `"99,88"`},
		{"merge that deletes", "MERGE INTO stock s USING (VALUES (1)) v(id) ON s.id = v.id WHEN MATCHED THEN DELETE", nil, tools.Destroy, 1, `[]`, "SELECT count(*) FROM stock", "4"},
		{"a change within a query", "WITH d AS (DELETE FROM stock WHERE id > 3 RETURNING *) SELECT count(*) FROM d", nil, tools.Destroy, none, `[[2]]`, "SELECT count(*) FROM stock", "3"},
		{"a change that feeds another", "WITH d AS (DELETE FROM stock WHERE id < 3 RETURNING *) INSERT INTO gone SELECT * FROM d", nil, tools.Destroy, 2, `[]`, "SELECT (SELECT count(*) FROM stock) || ' ' || (SELECT count(*) FROM gone)", `"3 2"`},
		{"update from another table", "UPDATE stock s SET name = o.note || s.id FROM notes o WHERE o.stock = s.id AND s.id = 2", nil, tools.Write, 1, `[]`, "SELECT name FROM stock WHERE id = 2", `"note2"`},
		{"truncate", "TRUNCATE stock CASCADE", nil, tools.Destroy, none, `[]`, "SELECT (SELECT count(*) FROM stock) + (SELECT count(*) FROM notes)", "0"},
		{"create a table", "CREATE TABLE made (id int PRIMARY KEY)", nil, tools.Write, none, `[]`, "SELECT count(*) FROM made", "0"},
		{"create a table of a query", "CREATE TABLE made AS SELECT * FROM stock", nil, tools.Write, none, `[]`, "SELECT count(*) FROM made", "5"},
		{"alter", "ALTER TABLE stock ADD COLUMN more text DEFAULT 'm', DROP COLUMN n", nil, tools.Destroy, none, `[]`, "SELECT DISTINCT more FROM stock", `"m"`},
		{"create an index", "CREATE INDEX ON stock (n) WHERE n > 10", nil, tools.Write, none, `[]`, "SELECT count(*) FROM pg_indexes WHERE tablename = 'stock'", "3"},
		{"create a view", "CREATE VIEW low AS SELECT * FROM stock WHERE n < 30", nil, tools.Write, none, `[]`, "SELECT count(*) FROM low", "2"},
		{"drop", "DROP TABLE notes", nil, tools.Destroy, none, `[]`, "SELECT count(*) FROM pg_tables WHERE tablename = 'notes'", "0"},
		{"comment", "COMMENT ON TABLE stock IS 'what is there'", nil, tools.Write, none, `[]`, "SELECT obj_description('stock'::regclass)", `"what is there"`},
		{"explain analyze", "EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) DELETE FROM gone", nil, tools.Destroy, none, "", "SELECT count(*) FROM gone", "0"},
		{"a read by the tool for changes", "SELECT n FROM stock WHERE id = 1", nil, tools.Read, none, `[[10]]`, "SELECT count(*) FROM stock", "5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			exec(t, db, "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"+writeTables)
			conn := open(t, sql.Config{DSN: server.Superuser(db)})
			plan, err := conn.Describe(t.Context(), request(t, "sql_write", c.statement, c.params...))
			if err != nil {
				t.Fatal(err)
			}
			if a := plan.Action(); a.Effect != c.effect || (a.Why == "") != (c.effect == tools.Read) {
				t.Errorf("effect %s because %q, want %s", a.Effect, a.Why, c.effect)
			}
			a, err := run1(t.Context(), t, plan, tools.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			changed := none
			if a.Changed != nil {
				changed = *a.Changed
			}
			rows, err := json.Marshal(a.Rows)
			if err != nil {
				t.Fatal(err)
			}
			if changed != c.changed || c.rows != "" && string(rows) != c.rows {
				t.Errorf("%d changed, rows %s; want %d, %s", changed, rows, c.changed, c.rows)
			}
			if got := one(t, conn, c.check); got != c.after {
				t.Errorf("afterwards %s is %s, want %s", c.check, got, c.after)
			}
		})
	}
}

// A change that fails leaves nothing of itself.
func TestWritesRollBack(t *testing.T) {
	db := database(t, writeTables)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	const state = "SELECT concat_ws('|', (SELECT string_agg(s::text, ',' ORDER BY id) FROM stock s), (SELECT count(*) FROM notes), (SELECT count(*) FROM gone), (SELECT count(*) FROM pg_class))"
	before := one(t, conn, state)
	for _, statement := range []string{
		"INSERT INTO stock SELECT i, 'i', 5 - i FROM generate_series(6, 10) i",
		"UPDATE stock SET n = n - 30",
		"WITH d AS (DELETE FROM notes) UPDATE stock SET n = -1",
		"WITH d AS (DELETE FROM stock WHERE id = 1 RETURNING *) INSERT INTO gone SELECT id, name, n / (n - 10) FROM d",
		"CREATE TABLE made AS SELECT 1 / (n - 50) AS x FROM stock",
		"ALTER TABLE stock ADD COLUMN a int, ALTER COLUMN name TYPE int USING name::int",
		"DELETE FROM stock RETURNING 1 / (n - 50)",
		"DROP TABLE stock",
		"EXPLAIN ANALYZE UPDATE stock SET n = n - 30",
	} {
		f := failed(t, conn, request(t, "sql_write", statement))
		if f.Unsure || f.Code == "" {
			t.Errorf("%s: %+v", statement, f)
		}
		if after := one(t, conn, state); after != before {
			t.Errorf("%s left\n%s, want\n%s", statement, after, before)
		}
	}
}

// sql_read runs nothing but reads, and the server would not let it: the
// transaction that it gives them can change nothing.
func TestReadsAreReadOnly(t *testing.T) {
	db := database(t, writeTables+`
		CREATE FUNCTION sneak() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM stock; RETURN 1; END $$;
		CREATE FUNCTION leave() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('transaction_read_only', 'off', true); DELETE FROM stock; RETURN 1; END $$;`)
	conn := open(t, sql.Config{DSN: server.Superuser(db), TrustedFunctions: []string{"public.sneak", "public.leave"}})
	for _, statement := range []string{"SELECT sneak()", "SELECT leave()", "SELECT CASE WHEN n > 0 THEN sneak() END FROM stock"} {
		plan, err := conn.Describe(t.Context(), request(t, "sql_read", statement))
		if err != nil || plan.Action().Effect != tools.Read {
			t.Fatalf("%s: %v; it is vouched for", statement, err)
		}
		if f := failed(t, conn, request(t, "sql_read", statement)); f.Code != "25006" && f.Code != "25001" {
			t.Errorf("%s: SQLSTATE %s", statement, f.Code)
		}
	}
	if got := one(t, conn, "SELECT count(*) FROM stock"); got != "5" {
		t.Errorf("%s rows are left, want 5", got)
	}
}

// Nothing of a session outlives the call, not even what a trusted function or a
// change leaves in it.
func TestSessionsDoNotLeak(t *testing.T) {
	db := database(t, `CREATE TABLE t (id int); CREATE SCHEMA app;
		CREATE FUNCTION lock_it() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock(7); RETURN 1; END $$;
		CREATE FUNCTION put(name text, value text) RETURNS text LANGUAGE sql AS 'SELECT set_config(name, value, false)';
		CREATE FUNCTION prepare_it() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'PREPARE leak AS SELECT 1'; RETURN 1; END $$;
		CREATE FUNCTION temp_it() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE t (id text); RETURN 1; END $$;
		CREATE FUNCTION listen_it() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'LISTEN leak'; RETURN 1; END $$;`)
	name, _ := role(t, db, "")
	trusted := []string{"public.lock_it", "public.put", "public.prepare_it"}
	conn := open(t, sql.Config{DSN: server.Superuser(db), Connections: 1, TrustedFunctions: trusted})
	const look = `SELECT concat_ws('|', current_user, current_setting('search_path'), current_setting('statement_timeout'),
		current_setting('work_mem'), current_setting('transaction_read_only'), current_setting('default_transaction_read_only'), current_setting('chaperone.leak', true),
		(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'), (SELECT count(*) FROM pg_prepared_statements WHERE name = 'leak'),
		't'::regclass::oid)`
	before := one(t, conn, look)
	for _, r := range []tools.Request{
		request(t, "sql_read", "SELECT lock_it()"), request(t, "sql_write", "SELECT lock_it()"), request(t, "sql_write", "SELECT pg_advisory_lock(8)"),
		request(t, "sql_read", "SELECT put('search_path', 'app')"), request(t, "sql_read", "SELECT put('statement_timeout', '1')"),
		request(t, "sql_read", "SELECT put('work_mem', '1GB')"), request(t, "sql_read", "SELECT put('chaperone.leak', 'x')"),
		request(t, "sql_read", "SELECT put('role', $1)", name), request(t, "sql_write", "SELECT put('role', $1)", name),
		request(t, "sql_write", "SELECT put('default_transaction_read_only', 'off')"), request(t, "sql_write", "SELECT put('session_authorization', $1)", name),
		request(t, "sql_read", "SELECT prepare_it()"), request(t, "sql_write", "SELECT prepare_it()"), request(t, "sql_write", "SELECT temp_it()"),
		request(t, "sql_write", "SELECT listen_it()"), request(t, "sql_write", "CREATE TEMP TABLE t (id text)"),
	} {
		if _, err := call(t, conn, r, tools.Limits{}); err != nil {
			// Some can't be done in a transaction that only reads; that is as good.
			t.Logf("%s: %v", r.Args, err)
		}
		until(t, outside(t, db), "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')")
		if after := one(t, conn, look); after != before {
			t.Errorf("%s left\n%s, want\n%s", r.Args, after, before)
		}
	}
}

// What a session is said to have changed covers what a statement changes besides
// its own rows: by its other parts, by cascades and by triggers.
func TestAllChangesCount(t *testing.T) {
	db := database(t, "")
	const audited = `CREATE TABLE audit (at int); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO audit VALUES (1); RETURN NULL; END $$; CREATE TRIGGER note AFTER UPDATE ON stock FOR EACH ROW EXECUTE FUNCTION note();`
	// A search path that others write to must not change how rows are counted.
	const hostile = `CREATE SCHEMA app; CREATE FUNCTION app.int8(numeric) RETURNS int8 LANGUAGE sql AS 'SELECT 0::int8';
		CREATE FUNCTION app.less(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT false'; CREATE OPERATOR app.>= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = app.less);`
	for _, c := range []struct {
		name, statement string
		changed         int64
	}{
		{"no rows", "UPDATE stock SET n = 1 WHERE false", 0},
		{"no table", "CREATE VIEW low AS SELECT * FROM stock", 0},
		{"its own rows", "DELETE FROM notes WHERE stock < 3", 2},
		{"a query", "WITH d AS (DELETE FROM notes WHERE stock > 3 RETURNING *) SELECT count(*) FROM d", 2},
		{"another part", "WITH d AS (DELETE FROM notes WHERE stock < 3 RETURNING *) INSERT INTO gone SELECT stock, note FROM d", 4},
		{"a cascade", "DELETE FROM stock WHERE id <= 2", 4},
		{"a trigger", "UPDATE stock SET n = n + 1", 10},
		{"a table of a query", "CREATE TABLE made AS SELECT * FROM stock", 5},
		{"an analysed plan", "EXPLAIN ANALYZE DELETE FROM stock", 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			exec(t, db, "DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS app CASCADE; CREATE SCHEMA public;"+writeTables+audited+hostile)
			conn := open(t, sql.Config{DSN: server.Superuser(db), SearchPath: "app, public, pg_catalog"})
			plan := planned(t, conn, "sql_write", c.statement)
			result, err := plan.Run(t.Context(), nil, tools.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Stats().RowsChanged; got != c.changed {
				t.Errorf("%d rows changed, want %d", got, c.changed)
			}
		})
	}
}

// Reads are not counted: nothing of the counting runs in them.
func TestReadsAreNotCounted(t *testing.T) {
	db := database(t, writeTables)
	conn := open(t, sql.Config{DSN: server.Superuser(db), Connections: 1, TrustedFunctions: []string{"pg_catalog.pg_prepared_statement"}})
	for range 3 {
		const runs = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE name = 'chaperone_count'"
		if got := one(t, conn, runs); got != "0" {
			t.Errorf("%s runs in reads", got)
		}
	}
}
