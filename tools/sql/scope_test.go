package sql_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// astray name something of their own like the masked column, so that whoever
// looks for it by other rules than the server's finds what is not masked.
var astray = []string{
	// A column further out comes before a row of this query.
	"SELECT (SELECT email FROM (SELECT 1 AS a) email) FROM users",
	"SELECT (SELECT email FROM json_populate_record(NULL::pair, '{}') email) FROM users",
	// What is not LATERAL does not see what stands before it; a condition sees
	// the two sides of its join.
	"SELECT (SELECT x FROM (SELECT 'c'::text AS email) a, (SELECT email AS x) b) FROM users",
	"SELECT (SELECT s.x FROM (SELECT 'c'::text AS email) u, (SELECT u.email AS x) s) FROM users u",
	"SELECT (SELECT v.x FROM (SELECT 'c'::text AS email) a, (VALUES (email)) v(x)) FROM users",
	// A recursive WITH may name what stands further down.
	"WITH RECURSIVE a AS (SELECT name FROM people_names), people_names AS (SELECT email || '' AS name FROM users) SELECT name FROM a",
	// Columns without a name get one from the server.
	`SELECT l.x FROM (SELECT 'c'::text AS "greatest") r, LATERAL (SELECT "greatest" AS x FROM (SELECT greatest(email, 'a') FROM users) q) l`,
	`SELECT l.x FROM (SELECT 'c'::text AS "least") r, LATERAL (SELECT "least" AS x FROM (SELECT least(email, 'zz') FROM users) q) l`,
	`SELECT l.x FROM (SELECT 1 AS "row") r, LATERAL (SELECT "row" AS x FROM (SELECT ROW(email) FROM users) q) l`,
	`SELECT l.x FROM (SELECT 1 AS "array") r, LATERAL (SELECT "array" AS x FROM (SELECT ARRAY[email] FROM users) q) l`,
	`SELECT l.x FROM (SELECT 1 AS "nullif") r, LATERAL (SELECT "nullif" AS x FROM (SELECT nullif(email, 'a') FROM users) q) l`,
	`SELECT l.x FROM (SELECT 1 AS "xmlelement") r, LATERAL (SELECT "xmlelement" AS x FROM (SELECT xmlelement(name a, email) FROM users) q) l`,
	"SELECT l.x FROM (SELECT 'c'::text AS email) r, LATERAL (SELECT email AS x FROM (SELECT (SELECT email FROM users UNION SELECT email FROM users)) q) l",
	"SELECT (SELECT email FROM (SELECT ARRAY(SELECT 'x' AS email)) q) FROM users",
	"SELECT (SELECT lower.lower FROM ROWS FROM (upper('a'), lower('b'))) FROM (SELECT email AS lower FROM users) lower",
	// Which column is which is not known behind (row).*
	"SELECT b FROM (SELECT (ROW(1, email)::pair).*, 'x'::text FROM users) q(a, b, c)",
	"SELECT name FROM (SELECT (ROW(1, 'a')::pair).*, 'c'::text AS name UNION ALL SELECT 1, 'a', email || '' FROM users) q",
	// Errors quote what is computed, wherever that is.
	"SELECT count(*) AS email FROM users HAVING max(email)::int > 1",
	"SELECT 1 AS email FROM users ORDER BY email::int",
	"SELECT count(*) AS email FROM users GROUP BY email::int",
	"WITH q AS MATERIALIZED (SELECT email::int FROM users) SELECT 1 FROM q",
	"SELECT count(*) FROM (SELECT DISTINCT email::int AS n FROM users) q",
	"SELECT count(*) FROM (SELECT email::int FROM users UNION SELECT email::int FROM users) q",
	"SELECT id FROM (SELECT id, row_number() OVER (ORDER BY email::int) FROM users) q",
	// Long values stand in a table of their own.
	"SELECT convert_from(chunk_data, 'UTF8') FROM {toast}",
}

const astrayWorld = maskWorld + `
CREATE TABLE people_names (name text);
INSERT INTO people_names VALUES ('c');
ALTER TABLE users ALTER email SET STORAGE EXTERNAL;
INSERT INTO users (id, email) SELECT 9, repeat('` + hidden + `', 200);
`

// TestNamesMeanWhatTheServerSays shows that a masked value stays masked whatever
// else in a statement has the column's name.
func TestNamesMeanWhatTheServerSays(t *testing.T) {
	db := database(t, astrayWorld)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	toast := ask[string](t, outside(t, db), "SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid = 'users'::regclass")
	for _, text := range astray {
		t.Run(text, func(t *testing.T) {
			shown := show(t, conn, strings.ReplaceAll(text, "{toast}", toast))
			if strings.Contains(shown, "zebra") {
				t.Errorf("the value is in %.300s", shown)
			}
		})
	}
}

// compared tell by the number, the order or the plan of the rows what a masked
// column holds, though none of it comes out.
var compared = []string{
	"SELECT count(*) FROM (SELECT email FROM users INTERSECT SELECT 'zebra') q",
	"SELECT count(*) FROM (SELECT email FROM users EXCEPT ALL SELECT 'zebra') q",
	"SELECT email, 1 FROM users UNION SELECT 'zebra', 1",
	"SELECT DISTINCT email FROM users",
	"SELECT count(*) FROM (SELECT DISTINCT email FROM users) q",
	"SELECT name, email FROM users ORDER BY 2",
	"SELECT email, 1 FROM users UNION ALL SELECT 'm', 2 ORDER BY 1",
	"SELECT email, count(*) FROM users GROUP BY 1",
	"SELECT name, email, count(*) FROM users GROUP BY ROLLUP (1, 2)",
	"SELECT 1 AS email FROM users GROUP BY email",
	"SELECT 1 AS email FROM users GROUP BY (email, id)",
	"SELECT count(*) AS email FROM users HAVING max(email) > 'm'",
	"SELECT 1 AS email FROM users ORDER BY lower(email)",
	"SELECT id FROM users WINDOW w AS (ORDER BY email)",
	"SELECT id, row_number() OVER (ORDER BY email) FROM users",
	"SELECT id FROM (SELECT id, row_number() OVER (ORDER BY email) FROM users) q",
	"SELECT generate_series(1, length(email)) FROM users",
	"SELECT 1 FROM (SELECT generate_series(1, length(email)) FROM users) q",
	"SELECT 1 FROM users NATURAL JOIN json_populate_record(NULL::users, '{}') r",
	"SELECT (SELECT count(*) FROM (SELECT 'c'::text AS email) a, (SELECT 1) b JOIN (SELECT 2) c ON email = 'zebra') FROM users",
	"EXPLAIN ANALYZE SELECT CASE WHEN email LIKE 'z%' THEN (SELECT count(*) FROM orders) END FROM users",
}

// uncompared only name the column for its value.
var uncompared = []string{
	"SELECT email FROM users",
	"SELECT * FROM users ORDER BY id",
	"SELECT lower(email), name FROM users ORDER BY name, 2, id",
	"SELECT id, email FROM users UNION ALL SELECT id, email FROM people",
	"SELECT name AS email FROM users ORDER BY email",
	"SELECT lower(name) AS n, count(*) FROM users GROUP BY n",
	"SELECT count(*) FROM (SELECT id, email FROM users) q",
	"SELECT q.name FROM (SELECT * FROM users) q WHERE q.id = 1",
	"SELECT u.email, o.total FROM users u JOIN orders o ON o.user_id = u.id",
	"EXPLAIN SELECT lower(email) FROM users",
	"EXPLAIN ANALYZE SELECT email FROM users",
}

// TestComparedColumns shows that facts call a use by which rows tell of a column
// a filter, and no other.
func TestComparedColumns(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, maskWorld))})
	for want, texts := range map[bool][]string{true: compared, false: uncompared} {
		for _, text := range texts {
			plan, err := describe(t, conn, "sql_read", text)
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			facts, ok := plan.Action().Facts.(*statement.Facts)
			got := ok && slices.Contains(facts.Columns, statement.Column{Schema: "public", Table: "users", Column: "email", Use: "filter"})
			if got != want {
				t.Errorf("%s\nthe column is a filter: %v, want %v: %+v", text, got, want, facts.Columns)
			}
		}
	}
}

// A short statement can ask for more columns than there is memory.
func TestDoublingColumns(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, ""))})
	var text strings.Builder
	text.WriteString("WITH a AS (SELECT 1)")
	for range 40 {
		name := strings.Repeat("a", strings.Count(text.String(), "AS")+1)
		text.WriteString(", " + name + " AS (SELECT * FROM " + name[1:] + " p, " + name[1:] + " q)")
	}
	plan, err := describe(t, conn, "sql_read", text.String()+" SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	if a := plan.Action(); a.Effect != tools.Unknown {
		t.Errorf("it is taken for %s", a.Effect)
	}
}

const vouchedWorld = maskWorld + `
CREATE FUNCTION peek(orders) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM users WHERE id = $1.id';
CREATE FUNCTION peek(int) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM users WHERE id = $1';
CREATE OPERATOR @#@ (RIGHTARG = int, FUNCTION = peek);
CREATE FUNCTION peek(pair) RETURNS text LANGUAGE sql STABLE AS 'SELECT email FROM users WHERE id = $1.a';
CREATE CAST (pair AS text) WITH FUNCTION peek(pair);
CREATE VIEW peeks AS SELECT @#@ id AS x FROM orders;
`

// A function that the operator vouches for may read anything, however it is
// called.
func TestVouchedFunctionsMayReadAnything(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, vouchedWorld)), TrustedFunctions: []string{"public.peek"}})
	for _, text := range []string{
		"SELECT peek(1)",
		"SELECT o.peek FROM orders o",
		"SELECT (o).peek FROM orders o",
		"SELECT @#@ 1",
		"SELECT OPERATOR(public.@#@) id FROM orders",
		"SELECT x FROM peeks",
		"SELECT ROW(1, 'b')::pair::text",
	} {
		shown := show(t, conn, text)
		if strings.Contains(shown, "zebra") || !strings.Contains(shown, `"[redacted]"`) {
			t.Errorf("%s: %.300s", text, shown)
		}
	}
}

// Credentials of the server, or for others, come out in no shape. What stands
// beside them does.
func TestCredentialsInTheCatalog(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, "CREATE VIEW mappings AS SELECT * FROM pg_user_mappings"))})
	for text, want := range map[string]tools.Effect{
		"SELECT reverse(rolpassword) FROM pg_authid":                                   tools.Unknown,
		"SELECT a::text FROM pg_authid a":                                              tools.Unknown,
		"SELECT 1 FROM pg_shadow WHERE passwd LIKE 'md5%'":                             tools.Unknown,
		"SELECT x FROM (SELECT subconninfo AS x FROM pg_subscription) q":               tools.Unknown,
		"SELECT o.* FROM pg_user_mapping, pg_options_to_table(umoptions) o":            tools.Unknown,
		"SELECT umoptions FROM mappings":                                               tools.Unknown,
		"SELECT option_value FROM information_schema.user_mapping_options":             tools.Unknown,
		"SELECT * FROM pg_user_mappings":                                               tools.Unknown,
		"SELECT srvname, usename FROM pg_user_mappings":                                tools.Read,
		"SELECT * FROM pg_roles":                                                       tools.Read,
		"SELECT rolname, rolsuper FROM pg_authid":                                      tools.Read,
		"SELECT subname, subenabled FROM pg_subscription":                              tools.Read,
		"SELECT authorization_identifier FROM information_schema.user_mapping_options": tools.Read,
	} {
		plan, err := describe(t, conn, "sql_read", text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if a := plan.Action(); a.Effect != want {
			t.Errorf("%s: %s, want %s: %s", text, a.Effect, want, a.Why)
		}
	}
}
