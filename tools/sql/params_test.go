package sql_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

// raw makes a request whose params are JSON as given.
func raw(t testing.TB, tool, statement, params string) tools.Request {
	t.Helper()
	text, err := json.Marshal(statement)
	if err != nil {
		t.Fatal(err)
	}
	return tools.Request{Tool: tool, Args: json.RawMessage(fmt.Sprintf(`{"sql":%s,"params":%s}`, text, params))}
}

const paramTypes = `
CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE TYPE other.shade AS ENUM ('dark');
CREATE DOMAIN quantity AS int CHECK (VALUE > 0);
CREATE TYPE address AS (street text, zip int);
CREATE TABLE t (id int PRIMARY KEY, name text, data jsonb, m mood);
INSERT INTO t VALUES (1, 'one', '{"type":"x","value":1}', 'low');`

// Parameters arrive as they were given.
func TestParams(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, paramTypes))})
	digits := strings.Repeat("1234567890", 6)
	for _, c := range []struct{ name, expr, params, want string }{
		{"whole number", "$1::int", `[42]`, `42`},
		{"the statement says the type", "id FROM t WHERE id = $1", `[1]`, `1`},
		{"sixty digits", "$1::numeric", `[` + digits + `]`, `"` + digits + `"`},
		{"sixty digits behind the point", "$1::numeric", `[0.` + digits + `]`, `"0.` + digits + `"`},
		{"more than a double holds", "$1::int8", `[9007199254740993]`, `"9007199254740993"`},
		{"an exponent", "$1::numeric", `[1e3]`, `"1000"`},
		{"true", "$1::bool", `[true]`, `true`},
		{"null", "$1::int IS NULL", `[null]`, `true`},
		{"no null, but its name", "$1::text", `["null"]`, `"null"`},
		{"empty text is not null", "$1::text = ''", `[""]`, `true`},
		{"text", "$1::text", `["a'b\"c\\d\ne\u2028→\ud83d\ude00"]`, `"a'b\"c\\d\ne` + "\u2028→\U0001F600" + `"`},
		{"backslashes", "$1::text", `["\\"]`, `"\\"`},
		{"bytes", "$1::bytea", `["\\xdead"]`, `"\\xdead"`},
		{"an array", "$1::int[]", `[[1,null,3]]`, `"{1,NULL,3}"`},
		{"an array of text", "$1::text[]", `[["a\"b","c,d","\\","",null,"NULL","{}"]]`, `"{\"a\\\"b\",\"c,d\",\"\\\\\",\"\",NULL,\"NULL\",\"{}\"}"`},
		{"a nested array", "$1::int[]", `[[[1,2],[3,4]]]`, `"{{1,2},{3,4}}"`},
		{"an empty array", "cardinality($1::int[])", `[[]]`, `0`},
		{"any of an array", "count(*) FROM t WHERE id = ANY ($1)", `[[1,2]]`, `1`},
		{"an array of objects", "$1::jsonb[]", `[[{"a":1},{"type":"x","value":2}]]`, `"{\"{\\\"a\\\": 1}\",\"{\\\"type\\\": \\\"x\\\", \\\"value\\\": 2}\"}"`},
		{"an object", "$1::jsonb", `[{"a":[1,{"b":null}]}]`, `"{\"a\": [1, {\"b\": null}]}"`},
		{"an object of two that is no type", "$1::jsonb", `[{"type":"x","values":1}]`, `"{\"type\": \"x\", \"values\": 1}"`},
		{"an object that looks like a type", "$1::jsonb", `[{"type":"jsonb","value":{"type":"x","value":1}}]`, `"{\"type\": \"x\", \"value\": 1}"`},
		{"a number in an object", "$1::jsonb", `[{"a":` + digits + `}]`, `"{\"a\": ` + digits + `}"`},
		{"json keeps its text", "$1::json", `[{"type":"json","value":{"b":1, "a":1e400}}]`, `"{\"b\":1, \"a\":1e400}"`},
		{"a list as JSON", "$1", `[{"type":"jsonb","value":[1,"x",{"type":"a","value":null}]}]`, `"[1, \"x\", {\"type\": \"a\", \"value\": null}]"`},
		{"typed", "$1", `[{"type":"uuid","value":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}]`, `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`},
		{"typed by an alias", "$1", `[{"type":"integer","value":7}]`, `7`},
		{"typed with a modifier", "$1", `[{"type":"varchar(3)","value":"abcdef"}]`, `"abcdef"`},
		{"typed array", "$1", `[{"type":"int[]","value":[1,2]}]`, `"{1,2}"`},
		{"typed null", "$1 IS NULL", `[{"type":"int","value":null}]`, `true`},
		{"typed bool", "$1", `[{"type":"bool","value":false}]`, `false`},
		{"typed enum", "$1", `[{"type":"mood","value":"high"}]`, `"high"`},
		{"typed enum of another schema", "$1", `[{"type":"other.shade","value":"dark"}]`, `"dark"`},
		{"typed domain", "$1", `[{"type":"quantity","value":3}]`, `3`},
		{"typed composite", "$1", `[{"type":"address","value":"(\"a b\",1)"}]`, `"(\"a b\",1)"`},
		{"typed and not, together", "$2::text || $1::text", `[{"type":"int","value":1},"x"]`, `"x1"`},
		{"given out of order", "$2::int - $1::int", `[1,10]`, `9`},
		{"one used twice", "$1::int + $1::int", `[4]`, `8`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := call(t, conn, raw(t, "sql_read", "SELECT "+c.expr, c.params), tools.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(a.Rows[0][0]); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// Whatever stands in a value, it stays a value.
func TestParamsAreNotSQL(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, paramTypes))})
	for _, attempt := range []string{
		`'; DROP TABLE t; --`, `1' OR '1'='1`, `$1`, `$$; DELETE FROM t; $$`, `\'; DROP TABLE t; --`, "x\x00y"[:1] + `' UNION SELECT 1`,
		`{"a","b"}`, `NULL`, `"; DROP TABLE t`, `E'\x27'`, "/* */ --\n", "ʼ; DROP TABLE t", "\u202e'; DROP", `);DROP TABLE t;(`,
	} {
		if got := one(t, conn, "SELECT $1::text = (SELECT ($2::text[])[1]) AND $1::text = $3::jsonb ->> 'k'", attempt, []string{attempt}, map[string]string{"k": attempt}); got != `true` {
			t.Errorf("%q came back as another", attempt)
		}
		if got := one(t, conn, "SELECT count(*) FROM t WHERE name = $1", attempt); got != "0" {
			t.Errorf("%q found %s rows", attempt, got)
		}
		if got := write(t, conn, "UPDATE t SET name = $1 WHERE id = 1 RETURNING name = $1", attempt); string(got.Rows[0][0]) != "true" {
			t.Errorf("%q was stored as another", attempt)
		}
	}
	if got := one(t, conn, "SELECT count(*) FROM t"); got != "1" {
		t.Errorf("%s rows are left, want 1", got)
	}
}

// What can't be bound is refused before anything runs, in words that help.
func TestParamsRefused(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, paramTypes))})
	many := "[" + strings.TrimSuffix(strings.Repeat("1,", 1001), ",") + "]"
	for _, c := range []struct{ name, statement, params, reason string }{
		{"too few", "SELECT $1::int, $2::int", `[1]`, "2 parameters and 1 params"},
		{"too many", "SELECT $1::int", `[1,2]`, "1 parameters and 2 params"},
		{"none for one", "SELECT $1::int", `[]`, "1 parameters and 0 params"},
		{"one for none", "SELECT 1", `[1]`, "0 parameters and 1 params"},
		{"a NUL", "SELECT $1::text", `["a\u0000b"]`, "params[0] holds a NUL"},
		{"a NUL in a list", "SELECT $1::text[]", `[["a\u0000b"]]`, "params[0] holds a NUL"},
		{"a NUL in a type", "SELECT $1", `[{"type":"te\u0000xt","value":1}]`, "params[0] holds a NUL"},
		{"an unknown type", "SELECT $1", `[{"type":"no_such_type","value":1}]`, "params[0] names a type that does not exist"},
		{"an unknown schema", "SELECT $1", `[{"type":"nowhere.int4","value":1}]`, "names a type that does not exist"},
		{"a type that is no type", "SELECT $1", `[{"type":"int; DROP TABLE t","value":1}]`, "names a type that does not exist"},
		{"a type with too many dots", "SELECT $1", `[{"type":"a.b.c.d","value":1}]`, "names a type that does not exist"},
		{"a type of a function", "SELECT $1", `[{"type":"pg_sleep(1)","value":1}]`, "names a type that does not exist"},
		{"half a character", "SELECT $1::text", `["\ud800"]`, "arguments"},
		{"a key given twice", "SELECT $1", `[{"type":"int","type":"text","value":1}]`, "given twice"},
		{"not a list", "SELECT $1::int", `{"a":1}`, "params"},
		{"more than are taken", "SELECT 1", many, "at most 1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := refused(t, conn, raw(t, "sql_read", c.statement, c.params))
			if r.Rule != "arguments" || !strings.Contains(r.Reason, c.reason) || r.Later {
				t.Errorf("rule %s, reason %q, later %v; want arguments and %q", r.Rule, r.Reason, r.Later, c.reason)
			}
		})
	}
	for _, c := range []struct{ name, statement, params, code string }{
		{"no number", "SELECT $1::int", `["x"]`, "22P02"},
		{"out of range", "SELECT $1::int2", `[70000]`, "22003"},
		{"a crooked array", "SELECT $1::int[]", `[[[1],[2,3]]]`, "22P02"},
		{"against a domain", "SELECT $1", `[{"type":"quantity","value":-1}]`, "23514"},
		{"no member of an enum", "SELECT $1", `[{"type":"mood","value":"so so"}]`, "22P02"},
		{"a type that nothing says", "SELECT ($1).x", `[1]`, ""},
		{"an internal type", "SELECT $1", `[{"type":"internal","value":1}]`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := call(t, conn, raw(t, "sql_read", c.statement, c.params), tools.Limits{})
			switch f, ok := err.(*tools.Failure); { //nolint:errorlint // it must be that itself
			case err == nil:
				t.Error("it succeeded")
			case ok && c.code != "" && f.Code != c.code:
				t.Errorf("SQLSTATE %s, want %s", f.Code, c.code)
			}
		})
	}
}

// A type that is made anew under its old name is found anew.
func TestParamTypeMadeAnew(t *testing.T) {
	db := database(t, paramTypes)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	const high = `[{"type":"mood","value":"high"}]`
	ask := func() (string, error) {
		a, err := call(t, conn, raw(t, "sql_read", "SELECT $1", high), tools.Limits{})
		if err != nil {
			return "", err
		}
		return string(a.Rows[0][0]), nil
	}
	if _, err := ask(); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "DROP TYPE mood CASCADE; CREATE TYPE mood AS ENUM ('high', 'higher')")
	if got, err := ask(); err != nil || got != `"high"` {
		t.Errorf("%s, %v after the type was made anew", got, err)
	}
}
