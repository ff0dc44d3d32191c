package sql_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

// hidden is the masked value of every row.
const hidden = "zebra@hidden.example"

// leaks are forms in which a value might come out.
var leaks = []string{
	hidden, strings.ToUpper(hidden), "elpmaxe.neddih", "zebra", "hidden", hex.EncodeToString([]byte(hidden)),
	base64.StdEncoding.EncodeToString([]byte(hidden)), "7a65627261", "emVicm",
}

// maskOf masks the columns by redaction, and what may come from anywhere.
type maskOf []tools.Origin

func (m maskOf) Mask(o tools.Origins) tools.Mask {
	if o.Any || slices.ContainsFunc(o.Known, func(k tools.Origin) bool { return slices.Contains(m, k) }) {
		return redacted{}
	}
	return nil
}

type redacted struct{}

func (redacted) Name() string                { return "redact" }
func (redacted) Apply(string) (string, bool) { return "[redacted]", true }

const maskWorld = `
CREATE TABLE users (id int PRIMARY KEY, email text, name text, tags text[], profile jsonb);
INSERT INTO users SELECT i, '` + hidden + `', 'name ' || i, ARRAY['` + hidden + `'], jsonb_build_object('mail', '` + hidden + `') FROM generate_series(1, 3) i;
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users, total numeric);
INSERT INTO orders SELECT i, i, i * 10 FROM generate_series(1, 3) i;
CREATE VIEW contacts AS SELECT id, email AS address, name FROM users;
CREATE VIEW labelled AS SELECT id, name || ' <' || address || '>' AS label FROM contacts;
CREATE MATERIALIZED VIEW kept AS SELECT id, upper(email) AS loud FROM users;
CREATE TABLE people (LIKE users INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (0) TO (100);
INSERT INTO people SELECT * FROM users;
CREATE TABLE parent (id int, email text);
CREATE TABLE child (more int) INHERITS (parent);
INSERT INTO child SELECT id, email, 1 FROM users;
CREATE TYPE pair AS (a int, b text);
CREATE FUNCTION mail_of(users) RETURNS text LANGUAGE sql STABLE AS 'SELECT $1.email';
ANALYZE;
`

// masked are the origins that are hidden in maskWorld.
var masked = maskOf{
	"public.users.email", "public.users.tags", "public.users.profile", "public.people.email", "public.people.tags", "public.people.profile",
	"public.parent.email",
}

// leaky try to get the value out.
var leaky = []string{
	"SELECT email FROM users",
	"SELECT email AS e FROM users",
	`SELECT "email" FROM "public"."users"`,
	"SELECT u.email FROM users u",
	"SELECT users.email FROM users",
	"SELECT public.users.email FROM users",
	"SELECT * FROM users",
	"SELECT u.* FROM users u",
	"TABLE users",
	"SELECT users FROM users",
	"SELECT u FROM users u",
	"SELECT u::text FROM users u",
	"SELECT ROW(u.*) FROM users u",
	"SELECT (u).email FROM users u",
	"SELECT (u.*).email FROM users u",
	"SELECT row_to_json(u) FROM users u",
	"SELECT to_jsonb(u) ->> 'email' FROM users u",
	"SELECT json_agg(u) FROM users u",
	"SELECT jsonb_build_object('x', email) FROM users",
	"SELECT json_object_agg(id, email) FROM users",
	"SELECT string_agg(email, ',') FROM users",
	"SELECT array_agg(email) FROM users",
	"SELECT ARRAY(SELECT email FROM users)",
	"SELECT (SELECT email FROM users LIMIT 1)",
	"SELECT max(email) FROM users",
	"SELECT lower(upper(email)) FROM users",
	"SELECT reverse(email) FROM users",
	"SELECT substr(email, 1, 5) FROM users",
	"SELECT encode(email::bytea, 'hex') FROM users",
	"SELECT encode(convert_to(email, 'UTF8'), 'base64') FROM users",
	"SELECT email || '' FROM users",
	"SELECT concat(name, email) FROM users",
	"SELECT format('%s', email) FROM users",
	"SELECT coalesce(email, name) FROM users",
	"SELECT CASE WHEN true THEN email ELSE name END FROM users",
	"SELECT CASE WHEN email LIKE 'z%' THEN 'zebra' END FROM users",
	"SELECT nullif(email, 'x') FROM users",
	"SELECT greatest(email, 'a') FROM users",
	"SELECT a FROM (SELECT email AS a FROM users) q",
	"SELECT q.a FROM (SELECT email FROM users) q(a)",
	"SELECT * FROM (SELECT * FROM (SELECT * FROM users) a) b",
	"WITH q AS (SELECT email FROM users) SELECT * FROM q",
	"WITH q(x) AS (SELECT email FROM users) SELECT x FROM q",
	"WITH RECURSIVE q AS (SELECT 1 AS n, email FROM users UNION ALL SELECT n + 1, email FROM q WHERE n < 3) SELECT email FROM q",
	"WITH RECURSIVE q AS (SELECT 1 AS n, 'x' AS a, email AS b FROM users UNION ALL SELECT n + 1, b, a FROM q WHERE n < 3) SELECT a FROM q",
	"SELECT name FROM users UNION SELECT email FROM users",
	"SELECT name FROM users EXCEPT SELECT name FROM users UNION ALL SELECT email FROM users",
	"SELECT name, email FROM users INTERSECT SELECT name, email FROM users",
	"VALUES ((SELECT email FROM users LIMIT 1))",
	"SELECT l.e FROM users u, LATERAL (SELECT u.email AS e) l",
	"SELECT l.* FROM users u CROSS JOIN LATERAL (VALUES (u.email)) l(x)",
	"SELECT x FROM users, unnest(ARRAY[email]) x",
	"SELECT unnest(tags) FROM users",
	"SELECT tags[1] FROM users",
	"SELECT x FROM users, unnest(tags) WITH ORDINALITY t(x, n)",
	"SELECT profile ->> 'mail' FROM users",
	"SELECT profile['mail'] FROM users",
	"SELECT value FROM users, jsonb_each_text(profile)",
	"SELECT r.mail FROM users, jsonb_to_record(profile) r(mail text)",
	"SELECT jsonb_path_query(profile, '$.mail') FROM users",
	"SELECT x.mail FROM users, XMLTABLE('/a' PASSING xmlelement(name a, email) COLUMNS mail text PATH '.') x",
	"SELECT xmlelement(name a, email) FROM users",
	"SELECT query_to_xml('SELECT email FROM users', true, false, '')",
	"SELECT table_to_xml('users', true, false, '')",
	"SELECT regexp_replace(email, 'x', 'y') FROM users",
	"SELECT regexp_split_to_table(email, '@') FROM users",
	"SELECT (regexp_match(email, '^(.*)@'))[1] FROM users",
	"SELECT split_part(email, '@', 1) FROM users",
	"SELECT translate(email, '', '') FROM users",
	"SELECT quote_literal(email) FROM users",
	"SELECT to_tsvector('simple', email) FROM users",
	"SELECT lag(email) OVER (ORDER BY id) FROM users",
	"SELECT first_value(email) OVER w FROM users WINDOW w AS (ORDER BY id)",
	"SELECT min(email) FILTER (WHERE id > 0) FROM users",
	"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY email) FROM users",
	"SELECT mode() WITHIN GROUP (ORDER BY email) FROM users",
	"SELECT DISTINCT ON (email) email FROM users",
	"SELECT email, count(*) FROM users GROUP BY 1",
	"SELECT email FROM users ORDER BY email LIMIT 1",
	"SELECT a.email FROM users a JOIN users b USING (email)",
	"SELECT email FROM users a JOIN users b USING (email)",
	"SELECT * FROM users a NATURAL JOIN users b",
	"SELECT j.email FROM (users u JOIN orders o ON o.user_id = u.id) j",
	"SELECT j.b FROM (users u JOIN orders o ON o.user_id = u.id) AS j(a, b)",
	"SELECT x.email FROM users u JOIN orders o ON true JOIN users x USING (id)",
	"SELECT address FROM contacts",
	"SELECT * FROM contacts",
	"SELECT label FROM labelled",
	"SELECT contacts FROM contacts",
	"SELECT loud FROM kept",
	"SELECT email FROM people",
	"SELECT email FROM people_1",
	"SELECT p FROM people p",
	"SELECT email FROM parent",
	"SELECT email FROM child",
	"SELECT (NULL::pair).b, ROW(1, email)::pair FROM users",
	"SELECT (ROW(1, email)::pair).b FROM users",
	"SELECT (json_populate_record(NULL::pair, json_build_object('b', email))).b FROM users",
	"SELECT most_common_vals FROM pg_stats WHERE tablename = 'users'",
	"SELECT most_common_vals::text FROM pg_stats WHERE attname = 'email'",
	"SELECT histogram_bounds FROM pg_stats",
	"SELECT stavalues1 FROM pg_statistic",
	"SELECT s::text FROM pg_statistic s",
	"SELECT * FROM pg_stats WHERE tablename = 'users'",
	"SELECT query FROM pg_stat_activity",
	"SELECT users.mail_of FROM users",
	"SELECT mail_of(users) FROM users",
	"SELECT u.mail_of FROM (SELECT * FROM users) u",
	"EXPLAIN ANALYZE SELECT email FROM users",
	"SELECT email::int FROM users",
	"SELECT 1 / (CASE WHEN email::date IS NULL THEN 1 END) FROM users",
	"SELECT (email || '}')::int[] FROM users",
	"SELECT email::jsonb FROM users",
	"SELECT CAST(email AS xml) FROM users WHERE email IS DOCUMENT",
	"SELECT name FROM users WHERE email::uuid IS NOT NULL",
	"SELECT name FROM users ORDER BY email::inet",
	"SELECT id FROM users GROUP BY id HAVING max(email)::int > 1",
}

// TestMasksHold shows that no way of asking gets a masked value out, nor does
// an error of the server that quotes it.
func TestMasksHold(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, maskWorld))})
	for _, statement := range leaky {
		t.Run(statement, func(t *testing.T) {
			shown := show(t, conn, statement)
			for _, leak := range leaks {
				if strings.Contains(strings.ReplaceAll(shown, `\`, ""), leak) {
					t.Errorf("%q is in %.300s", leak, shown)
				}
			}
		})
	}
}

// show is what a caller sees of a statement.
func show(t *testing.T, conn tools.Connection, statement string) string {
	t.Helper()
	plan, err := describe(t, conn, "sql_read", statement)
	if err != nil {
		return err.Error()
	}
	action := plan.Action()
	if action.Effect != tools.Read {
		return action.Why
	}
	result, err := plan.Run(t.Context(), nil, tools.Limits{})
	var failure *tools.Failure
	switch {
	case errors.As(err, &failure):
		// The gateway shows Plain where a mask applies to anything touched.
		if masked.Mask(action.Origins) == nil {
			t.Error("a failing statement that touches a masked column does not say so")
		}
		return failure.Plain
	case err != nil:
		return err.Error()
	}
	result.Mask(masked, func(text string) string { return text })
	out, err := result.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestComputedValuesAreTold: a mask that leaves a part of a value has to know
// whether it is the column's own.
func TestComputedValuesAreTold(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, maskWorld))})
	for statement, want := range map[string]string{
		"SELECT email FROM users":                                            "kept",
		"SELECT u.email AS e FROM users u ORDER BY lower(email)":             "kept",
		"SELECT * FROM (SELECT email FROM users) q":                          "kept",
		"WITH q AS (SELECT email FROM users) SELECT email FROM q":            "kept",
		"SELECT address FROM contacts":                                       "kept",
		"SELECT email FROM users UNION SELECT email FROM parent":             "kept",
		"SELECT a.email FROM users a JOIN parent b USING (email)":            "kept",
		"SELECT email FROM users WHERE email LIKE 'z%' GROUP BY email":       "kept",
		"SELECT substr(email, 1, 12) FROM users":                             "gone",
		"SELECT reverse(email) FROM users":                                   "gone",
		"SELECT email || '' FROM users":                                      "gone",
		"SELECT email::varchar(9) FROM users":                                "gone",
		"SELECT max(email) FROM users":                                       "gone",
		"SELECT CASE WHEN email LIKE 'z%' THEN 'zebra is it' END FROM users": "gone",
		"SELECT (SELECT left(email, 9) FROM users LIMIT 1)":                  "gone",
		"SELECT e FROM (SELECT left(email, 9) AS e FROM users) q":            "gone",
		"WITH q(e) AS (SELECT left(email, 9) FROM users) SELECT e FROM q":    "gone",
		"WITH RECURSIVE q(n, e) AS (SELECT 1, email FROM users UNION ALL SELECT n + 1, reverse(e) FROM q WHERE n < 2) SELECT e FROM q": "gone",
		"SELECT name FROM users UNION SELECT left(email, 9) FROM users":                                                                "gone",
		"SELECT l.x FROM users u, LATERAL (VALUES (left(u.email, 9))) l(x)":                                                            "gone",
		"SELECT x FROM users, unnest(ARRAY[email]) x":                                                                                  "gone",
		"SELECT (u).email FROM users u":                                                                                                "gone",
		"SELECT q FROM (SELECT id, email FROM users) q":                                                                                "gone",
		"SELECT u FROM users u":                                                                                                        "gone",
		"SELECT to_json(u) FROM users u":                                                                                               "gone",
		"SELECT label FROM labelled":                                                                                                   "gone",
		"SELECT loud FROM kept":                                                                                                        "gone",
		"SELECT x.mail FROM users, XMLTABLE('/a' PASSING xmlelement(name a, email) COLUMNS mail text PATH '.') x": "gone",
	} {
		plan, err := describe(t, conn, "sql_read", statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		result, err := plan.Run(t.Context(), nil, tools.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		result.Mask(keeper{}, func(text string) string { return text })
		var out struct{ Rows [][]string }
		if text, err := result.MarshalJSON(); err != nil || json.Unmarshal(text, &out) != nil || out.Rows[0][0] != want {
			t.Errorf("%s: %s %v, want %s", statement, text, err, want)
		}
	}
}

// keeper tells what it may keep of a masked value.
type keeper struct{}

func (keeper) Mask(o tools.Origins) tools.Mask {
	if o.Any || masked.Mask(tools.Origins{Known: o.Made}) != nil {
		return verdict("gone")
	}
	return verdict("kept")
}

type verdict string

func (w verdict) Name() string                { return string(w) }
func (w verdict) Apply(string) (string, bool) { return string(w), true }

// TestMasksLeaveTheRest shows that what does not come from a masked column
// stays readable.
func TestMasksLeaveTheRest(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, maskWorld))})
	for statement, want := range map[string]string{
		"SELECT id, name FROM users WHERE id = 1":                                                `[[1,"name 1"]]`,
		"SELECT name FROM users WHERE email = 'zebra@hidden.example' AND id = 2":                 `[["name 2"]]`,
		"SELECT id, email, name FROM users WHERE id = 1":                                         `[[1,"[redacted]","name 1"]]`,
		"SELECT * FROM contacts WHERE id = 1":                                                    `[[1,"[redacted]","name 1"]]`,
		"SELECT count(*) FROM users":                                                             `[[3]]`,
		"SELECT u.name, o.total FROM users u JOIN orders o ON o.user_id = u.id WHERE o.id = 3":   `[["name 3","30"]]`,
		"SELECT upper(q.n), q.e FROM (SELECT name n, email e FROM users) q WHERE q.n = 'name 1'": `[["NAME 1","[redacted]"]]`,
		"WITH q AS (SELECT id, email FROM users) SELECT id FROM q WHERE id = 2":                  `[[2]]`,
		"SELECT a.name FROM users a JOIN users b USING (id) WHERE id = 1":                        `[["name 1"]]`,
		"SELECT id FROM kept ORDER BY id LIMIT 1":                                                `[[1]]`,
		"SELECT json_build_object('n', name) FROM users WHERE id = 1":                            `[["{\"n\" : \"name 1\"}"]]`,
	} {
		var out struct{ Rows json.RawMessage }
		if err := json.Unmarshal([]byte(show(t, conn, statement)), &out); err != nil || string(out.Rows) != want {
			t.Errorf("%s\ngot  %s %v\nwant %s", statement, out.Rows, err, want)
		}
	}
}

// TestFlows shows that copying a masked value within the database is seen. A
// view copies nothing: reading it is followed to the table.
func TestFlows(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, maskWorld))})
	for _, statement := range []string{
		"INSERT INTO users (id, name) SELECT id + 10, email FROM users",
		"UPDATE users SET name = email",
		"UPDATE users SET name = (SELECT max(address) FROM contacts)",
		"UPDATE users SET (name, id) = (email, id)",
		"UPDATE users u SET name = v.email FROM users v WHERE u.id = v.id",
		"CREATE TABLE copied AS SELECT email FROM users",
		"SELECT email INTO copied FROM users",
		"CREATE MATERIALIZED VIEW copied AS SELECT email FROM users",
		"INSERT INTO users (id, name) VALUES (9, (SELECT email FROM users LIMIT 1))",
		"INSERT INTO users (id, email) SELECT 1, email FROM users LIMIT 1 ON CONFLICT (id) DO UPDATE SET name = excluded.email",
		"MERGE INTO orders o USING users u ON o.user_id = u.id WHEN MATCHED THEN UPDATE SET total = length(u.email)",
		"WITH gone AS (DELETE FROM users RETURNING email) INSERT INTO users (id, name) SELECT 1, email FROM gone",
	} {
		plan, err := describe(t, conn, "sql_write", statement)
		if err != nil {
			t.Errorf("%s: %v", statement, err)
			continue
		}
		flowsOut := slices.ContainsFunc(plan.Action().Flows, func(f tools.Flow) bool {
			return masked.Mask(tools.Origins{Known: f.From.Known}) != nil && masked.Mask(f.To) == nil
		})
		if !flowsOut {
			t.Errorf("%s\nthe flow of a masked value is not seen: %+v", statement, plan.Action().Flows)
		}
	}
}
