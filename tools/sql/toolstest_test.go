package sql_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
	"github.com/chaperone-dev/chaperone/tools/toolstest"
)

const suiteTables = `
CREATE TABLE people (id int PRIMARY KEY, name text, boss int REFERENCES people);
INSERT INTO people VALUES (1, 'a', NULL), (2, 'b', 1), (3, 'c', 1);
CREATE VIEW bosses AS SELECT DISTINCT b.* FROM people p JOIN people b ON b.id = p.boss;
CREATE FUNCTION touch() RETURNS int LANGUAGE sql AS 'UPDATE people SET name = name || $$!$$; SELECT 1';`

// suiteState digests the rows and the shape of everything in the database.
const suiteState = `
SELECT concat_ws('|',
    (SELECT string_agg(p::text, ',' ORDER BY id) FROM people p),
    (SELECT string_agg(c.oid::text || c.relname || c.xmin || c.relfilenode, ',' ORDER BY c.oid) FROM pg_class c WHERE c.oid >= 16384 AND relnamespace = 'public'::regnamespace),
    (SELECT string_agg(a.attrelid::text || a.attname || a.atttypid || a.attisdropped, ',' ORDER BY a.attrelid, a.attnum) FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid WHERE c.oid >= 16384 AND c.relnamespace = 'public'::regnamespace),
    (SELECT string_agg(oid::text || proname || xmin, ',' ORDER BY oid) FROM pg_proc WHERE oid >= 16384),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'))`

// The SQL family passes the suite of all families.
func TestSuite(t *testing.T) {
	db := database(t, suiteTables)
	observer := outside(t, db)
	schema := func(pattern string) tools.Request {
		args, err := json.Marshal(map[string]string{"pattern": pattern})
		if err != nil {
			t.Fatal(err)
		}
		return tools.Request{Tool: "sql_schema", Args: args}
	}
	r := func(tool, statement string, params ...any) tools.Request {
		return request(t, tool, statement, params...)
	}
	toolstest.Run(t, toolstest.Suite{
		Family:     sql.Family{},
		Connection: open(t, sql.Config{DSN: server.Superuser(db)}),
		Reads: []tools.Request{
			r("sql_read", "SELECT 1"), r("sql_read", "SELECT * FROM people WHERE id = $1", 1), r("sql_read", "TABLE bosses"),
			r("sql_read", "VALUES (1), (2)"), r("sql_read", "SHOW work_mem"), r("sql_read", "EXPLAIN DELETE FROM people"),
			r("sql_read", "WITH p AS (SELECT * FROM people) SELECT count(*) FROM p"), r("sql_write", "SELECT name FROM people"),
			schema(""), schema("public.*"), schema("no such table"),
		},
		Changes: []tools.Request{
			r("sql_write", "INSERT INTO people VALUES (4, 'd', 1) RETURNING id"), r("sql_write", "UPDATE people SET name = $1 WHERE id = 2", "z"),
			r("sql_write", "DELETE FROM people WHERE id = 4"), r("sql_write", "SELECT touch()"),
			r("sql_write", "WITH gone AS (DELETE FROM people WHERE id = 3 RETURNING *) SELECT * FROM gone"),
			r("sql_write", "CREATE TABLE more (id int)"), r("sql_write", "ALTER TABLE more ADD COLUMN name text"), r("sql_write", "DROP TABLE more"),
			r("sql_write", "EXPLAIN ANALYZE INSERT INTO people VALUES (5, 'e', 1)"), r("sql_write", "TRUNCATE people"),
		},
		Refused: []tools.Request{
			r("sql_read", ""), r("sql_read", "SELECT 1; DELETE FROM people"), r("sql_write", "COMMIT"), r("sql_write", "SET ROLE postgres"),
			r("sql_write", "DO $$ BEGIN DELETE FROM people; END $$"), r("sql_write", "COPY people TO PROGRAM 'cat'"), r("sql_write", "LISTEN x"),
			r("sql_write", "DROP DATABASE "+db), r("sql_write", "VACUUM people"), r("sql_write", "PREPARE p AS DELETE FROM people"),
			r("sql_read", "SELECT $1::int"), r("sql_read", "DELETE FROM people WHERE"), r("sql_write", "CALL nothing()"), r("sql_write", "ALTER SYSTEM SET fsync = on"),
		},
		State: func(t *testing.T) string {
			return fmt.Sprintf("%x", sha256.Sum256([]byte(ask[string](t, observer, suiteState))))
		},
	})
}
