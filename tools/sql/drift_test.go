package sql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

const driftTables = `
CREATE SCHEMA app;
CREATE TABLE log (what text);
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN amount AS int;
CREATE TABLE t (id int PRIMARY KEY, v int DEFAULT 1, m mood, p pair, a amount);
INSERT INTO t VALUES (1, 1, 'low', '(1,2)', 3);
CREATE TABLE parent (id int, k int) PARTITION BY LIST (k);
CREATE TABLE child PARTITION OF parent FOR VALUES IN (1);
CREATE TABLE loose (id int, k int);
CREATE VIEW v AS SELECT id, v FROM t;
CREATE VIEW vv AS SELECT * FROM v;
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE FUNCTION hostile(int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN INSERT INTO public.log VALUES ('ran'); RETURN 1; END $$;
CREATE FUNCTION hostile_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES ('ran'); RETURN NEW; END $$;`

// Whatever changes between the description of a call and its run, and could
// make it another, is seen, and nothing runs.
func TestDrift(t *testing.T) {
	db := database(t, driftTables)
	cases := []struct{ name, tool, statement, change string }{
		{"a function is replaced", "sql_read", "SELECT f(1)", "CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT hostile($1)'"},
		{"a function is made another's", "sql_read", "SELECT f(1)", "ALTER FUNCTION f(int) SECURITY DEFINER"},
		{"a function gets a better match", "sql_read", "SELECT f(1::int2)", "CREATE FUNCTION f(int2) RETURNS int LANGUAGE sql AS 'SELECT hostile(1)'"},
		{"a function comes in front of one of the server's", "sql_read", "SELECT lower('x')", "CREATE FUNCTION app.lower(text) RETURNS int LANGUAGE sql AS 'SELECT public.hostile(1)'"},
		{"a function is dropped", "sql_write", "SELECT hostile(1)", "ALTER FUNCTION hostile(int) RENAME TO other"},
		{"a view is replaced", "sql_read", "SELECT * FROM v", "CREATE OR REPLACE VIEW v AS SELECT hostile(id) AS id, v FROM t"},
		{"a view below a view is replaced", "sql_read", "SELECT * FROM vv", "CREATE OR REPLACE VIEW v AS SELECT hostile(id) AS id, v FROM t"},
		{"a view takes the place of a table", "sql_read", "SELECT id FROM t", "ALTER TABLE t RENAME TO t_old; CREATE VIEW t AS SELECT hostile(id) AS id FROM t_old"},
		{"a column is dropped", "sql_read", "SELECT * FROM t", "ALTER TABLE t DROP COLUMN v CASCADE"},
		{"a column is added", "sql_read", "SELECT * FROM t", "ALTER TABLE t ADD COLUMN secret text"},
		{"a column is renamed", "sql_read", "SELECT v FROM t", "ALTER TABLE t RENAME COLUMN v TO w; ALTER TABLE t RENAME COLUMN id TO v"},
		{"a column changes its type", "sql_read", "SELECT id FROM t", "ALTER TABLE t ALTER COLUMN m TYPE text"},
		{"a default is set", "sql_write", "INSERT INTO t (id) VALUES (2)", "ALTER TABLE t ALTER COLUMN v SET DEFAULT hostile(1)"},
		{"a policy is added", "sql_read", "SELECT id FROM t", "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (hostile(id) = 1)"},
		{"a policy alone is added", "sql_read", "SELECT id FROM t", "CREATE POLICY p ON t USING (hostile(id) = 1)"},
		{"a trigger is added", "sql_write", "UPDATE t SET v = 2", "CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION hostile_trigger()"},
		{"a rule is added", "sql_write", "UPDATE t SET v = 2", "CREATE RULE r AS ON UPDATE TO t DO ALSO INSERT INTO log VALUES ('ran')"},
		{"a constraint is added", "sql_write", "UPDATE t SET v = 2", "ALTER TABLE t ADD CHECK (f(v) > 0)"},
		{"an index is added", "sql_read", "SELECT id FROM t", "CREATE INDEX ON t (f(v))"},
		{"a partition is attached", "sql_read", "SELECT id FROM parent", "ALTER TABLE parent ATTACH PARTITION loose FOR VALUES IN (2)"},
		{"a child's column changes", "sql_read", "SELECT id FROM parent", "ALTER TABLE child ALTER COLUMN id SET NOT NULL"},
		{"a type's value is made anew", "sql_read", "SELECT id FROM t WHERE m = 'low'::mood", "ALTER TYPE mood RENAME TO mood_old; CREATE DOMAIN mood AS text CHECK (hostile(1) = 1)"},
		{"a domain gets a check", "sql_read", "SELECT '1'::amount", "ALTER DOMAIN amount ADD CHECK (hostile(VALUE) = 1)"},
		{"a composite gets an attribute", "sql_read", "SELECT p FROM t", "ALTER TYPE pair ADD ATTRIBUTE c int"},
		{"an operator is made", "sql_read", "SELECT '1'::amount + 1", "CREATE OPERATOR app.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = public.hostile2)"},
		{"a cast is made", "sql_read", "SELECT id::text FROM t", "CREATE CAST (pair AS int) WITH FUNCTION public.from_pair(pair)"},
		{"the schema in front of the search path is made", "sql_read", "SELECT id FROM t", "CREATE SCHEMA first; CREATE TABLE first.t AS SELECT 9 AS id"},
		{"a table comes in front", "sql_read", "SELECT id FROM t", "CREATE TABLE app.t AS SELECT 9 AS id"},
		{"a missing table appears", "sql_read", "SELECT id FROM app.missing", "CREATE VIEW app.missing AS SELECT public.hostile(1) AS id"},
		{"a materialized view is made anew", "sql_read", "SELECT id FROM v", "DROP VIEW v CASCADE; CREATE MATERIALIZED VIEW v AS SELECT id FROM t"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			exec(t, db, "DROP SCHEMA IF EXISTS first CASCADE; DROP SCHEMA app CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public;"+driftTables+`
				CREATE FUNCTION hostile2(int, int) RETURNS int LANGUAGE sql AS 'SELECT hostile(1)';
				CREATE FUNCTION from_pair(pair) RETURNS int LANGUAGE sql AS 'SELECT hostile(1)'`)
			conn := open(t, sql.Config{DSN: server.Superuser(db), SearchPath: "first, app, public, pg_catalog"})
			plan, err := conn.Describe(t.Context(), request(t, c.tool, c.statement))
			if err != nil {
				t.Fatal(err)
			}
			exec(t, db, c.change+"; DELETE FROM public.log")
			if _, err := plan.Run(t.Context(), nil, tools.Limits{}); !errors.Is(err, tools.ErrMoved) {
				t.Errorf("%v, want to be told that the target changed", err)
			}
			observer := outside(t, db)
			if n := ask[int](t, observer, "SELECT count(*)::int FROM public.log"); n != 0 {
				t.Error("a function that came later ran")
			}
			// Another look sees it as it is: what is hostile is no read.
			again, err := conn.Describe(t.Context(), request(t, c.tool, c.statement))
			if err != nil {
				t.Fatalf("described again: %v", err)
			}
			if c.tool == "sql_read" && again.Action().Effect != tools.Read {
				return
			}
			if _, err = again.Run(t.Context(), nil, tools.Limits{}); errors.Is(err, tools.ErrMoved) {
				t.Error("described anew it is still told to have changed")
			}
			if n := ask[int](t, observer, "SELECT count(*)::int FROM public.log"); n != 0 && c.tool == "sql_read" {
				t.Error("as a read it ran a hostile function")
			}
		})
	}
}

// What changes nothing that a call rests on does not stand in its way.
func TestNoDrift(t *testing.T) {
	db := database(t, driftTables)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	plan, err := conn.Describe(t.Context(), request(t, "sql_read", "SELECT f(id) FROM vv WHERE id = 1"))
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, `CREATE TABLE unrelated (id int); CREATE FUNCTION unrelated() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA unrelated;
		INSERT INTO t (id) VALUES (7); UPDATE t SET v = 9; ANALYZE t; COMMENT ON TABLE t IS 'x'; GRANT SELECT ON loose TO PUBLIC`)
	exec(t, db, "VACUUM t")
	if a, err := run1(t.Context(), t, plan, tools.Limits{}); err != nil || string(a.Rows[0][0]) != "2" {
		t.Errorf("%+v, %v", a, err)
	}
}

// A change of the schema that a call itself made is known to the next at once.
func TestOwnChangesAreKnown(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, driftTables))})
	const statement = "SELECT * FROM loose"
	for i := range 5 {
		a, err := call(t, conn, request(t, "sql_read", statement), tools.Limits{})
		if err != nil || len(a.Columns) != 2+i {
			t.Fatalf("%d columns, %v; want %d", len(a.Columns), err, 2+i)
		}
		write(t, conn, fmt.Sprintf("ALTER TABLE loose ADD COLUMN c%d int", i))
	}
	write(t, conn, "TRUNCATE loose")
	if _, err := call(t, conn, request(t, "sql_read", statement), tools.Limits{}); err != nil {
		t.Error(err)
	}
}

// That the server could not be asked for a moment is not remembered.
func TestDoubtIsNotRemembered(t *testing.T) {
	db := database(t, `CREATE TABLE t (id int);
		CREATE FUNCTION lower(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$`)
	name, dsn := role(t, db, "")
	exec(t, db, "GRANT SELECT ON t TO "+name+"; REVOKE TEMP ON DATABASE "+db+" FROM PUBLIC")
	conn := open(t, sql.Config{DSN: dsn})
	plan, err := conn.Describe(t.Context(), request(t, "sql_read", "SELECT lower('X') FROM t"))
	if err != nil {
		t.Fatal(err)
	}
	if a := plan.Action(); a.Effect != tools.Write || !strings.Contains(a.Why, "may call") {
		t.Fatalf("%s, %s: without temporary objects it should be in doubt", a.Effect, a.Why)
	}
	exec(t, db, "GRANT TEMP ON DATABASE "+db+" TO PUBLIC")
	for began := time.Now(); time.Since(began) < patience; {
		plan, err := conn.Describe(t.Context(), request(t, "sql_read", "SELECT lower('X') FROM t"))
		if err != nil {
			t.Fatal(err)
		}
		if plan.Action().Effect == tools.Read {
			return
		}
	}
	t.Error("the doubt stays although it has no more reason")
}
