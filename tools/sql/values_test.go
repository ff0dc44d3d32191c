package sql_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

const valueTypes = `
CREATE TYPE mood AS ENUM ('low', 'it''s "fine"', 'hoch→');
CREATE TYPE address AS (street text, zip int, tags text[]);
CREATE DOMAIN quantity AS numeric(10, 2) CHECK (VALUE >= 0);
CREATE DOMAIN flag AS boolean;
CREATE TYPE timerange AS RANGE (subtype = time);`

// values are expressions of every common type, and what must come back: the
// name of the type and the value as JSON.
var values = []struct{ expr, typing, want string }{
	{"true", "bool", `true`},
	{"false", "bool", `false`},
	{"'t'::flag", "bool", `true`}, // the server names domains by their base on the wire
	{"32767::int2", "int2", `32767`},
	{"'-32768'::int2", "int2", `-32768`},
	{"2147483647", "int4", `2147483647`},
	{"'-2147483648'::int4", "int4", `-2147483648`},
	{"999999999999999", "int8", `999999999999999`},
	{"'-99999999999999'::int8", "int8", `-99999999999999`},
	{"9007199254740993", "int8", `"9007199254740993"`},
	{"'-9223372036854775808'::int8", "int8", `"-9223372036854775808"`},
	{"9223372036854775807", "int8", `"9223372036854775807"`},
	{"1.10", "numeric", `"1.10"`},
	{"'-0.00000000000000000000000000000000000000000000000000001'::numeric", "numeric", `"-0.00000000000000000000000000000000000000000000000000001"`},
	{"123456789012345678901234567890123456789012345678901234567890.5", "numeric", `"123456789012345678901234567890123456789012345678901234567890.5"`},
	{"1e131071::numeric % 7", "numeric", `"3"`},
	{"'NaN'::numeric", "numeric", `"NaN"`},
	{"'Infinity'::numeric", "numeric", `"Infinity"`},
	{"'-Infinity'::numeric", "numeric", `"-Infinity"`},
	{"12.5::quantity", "numeric", `"12.50"`},
	{"0.1::float4", "float4", `0.1`},
	{"3.4028235e38::float4", "float4", `3.4028235e+38`},
	{"'1e-45'::float4", "float4", `1e-45`},
	{"'NaN'::float4", "float4", `"NaN"`},
	{"'-Infinity'::float4", "float4", `"-Infinity"`},
	{"'-0'::float4", "float4", `-0.0`},
	{"0.1::float8 + 0.2::float8", "float8", `0.30000000000000004`},
	{"'1.7976931348623157e308'::float8", "float8", `1.7976931348623157e+308`},
	{"'5e-324'::float8", "float8", `5e-324`},
	{"'NaN'::float8", "float8", `"NaN"`},
	{"'Infinity'::float8", "float8", `"Infinity"`},
	{"'-0'::float8", "float8", `-0.0`},
	{"'0'::float8", "float8", `0`},
	{"1e15::float8", "float8", `1e+15`},
	{"12345.67::money", "money", `"$12,345.67"`},
	{"''::text", "text", `""`},
	{`E'a\tb\nc"d\\e\'f\x01\x7f'`, "text", `"a\tb\nc\"d\\e'f\u0001` + "\x7f" + `"`},
	{`U&'\2028\2029\FEFF\200B\+01F600'`, "text", `"` + "\u2028\u2029\ufeff\u200b\U0001F600" + `"`},
	{`'\u0041 \ud800 </script>'::text`, "text", `"\\u0041 \\ud800 </script>"`},
	{"'abc'::varchar(2)", "varchar", `"ab"`},
	{"'ab'::char(4)", "char", `"ab  "`},
	{`'x'::"char"`, `"char"`, `"x"`},
	{"'pg'::name", "name", `"pg"`},
	{`'\xdeadBEEF00'::bytea`, "bytea", `"\\xdeadbeef00"`},
	{"''::bytea", "bytea", `"\\x"`},
	{"date '2024-02-29'", "date", `"2024-02-29"`},
	{"date '0044-03-15 BC'", "date", `"0044-03-15 BC"`},
	{"date 'infinity'", "date", `"infinity"`},
	{"date '5874897-12-31'", "date", `"5874897-12-31"`},
	{"time '24:00'", "time", `"24:00:00"`},
	{"time '12:34:56.789012'", "time", `"12:34:56.789012"`},
	{"timetz '12:34:56.5+05:30'", "timetz", `"12:34:56.5+05:30"`},
	{"timestamp '2024-01-02 03:04:05.000006'", "timestamp", `"2024-01-02 03:04:05.000006"`},
	{"timestamp '-infinity'", "timestamp", `"-infinity"`},
	{"timestamp '0001-01-01 00:00 BC'", "timestamp", `"0001-01-01 00:00:00 BC"`},
	{"timestamptz '2024-01-02 03:04:05+00' AT TIME ZONE 'UTC'", "timestamp", `"2024-01-02 03:04:05"`},
	{"timestamptz 'infinity'", "timestamptz", `"infinity"`},
	{"timestamptz '2024-07-01 12:00+00'", "timestamptz", `"2024-07-01 12:00:00+00"`},
	{"interval '1 year -2 mons 3 days -04:05:06.789'", "interval", `"10 mons 3 days -04:05:06.789"`},
	{"interval '0'", "interval", `"00:00:00"`},
	{"uuid 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "uuid", `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`},
	{"inet '192.168.0.1/24'", "inet", `"192.168.0.1/24"`},
	{"inet '::1'", "inet", `"::1"`},
	{"cidr '10.0.0.0/8'", "cidr", `"10.0.0.0/8"`},
	{"macaddr '08:00:2b:01:02:03'", "macaddr", `"08:00:2b:01:02:03"`},
	{"macaddr8 '08:00:2b:01:02:03:04:05'", "macaddr8", `"08:00:2b:01:02:03:04:05"`},
	{`'{"b":1, "a":2,  "b":1e400}'::json`, "json", `"{\"b\":1, \"a\":2,  \"b\":1e400}"`},
	{`'{"b":1,"a":123456789012345678901234567890.123456789}'::jsonb`, "jsonb", `"{\"a\": 123456789012345678901234567890.123456789, \"b\": 1}"`},
	{`'null'::jsonb`, "jsonb", `"null"`},
	{`'"\u00e4\n"'::json`, "json", `"\"\\u00e4\\n\""`},
	{"'<a>&amp;</a>'::xml", "xml", `"<a>&amp;</a>"`},
	{"ARRAY[1,NULL,3]", "int4[]", `"{1,NULL,3}"`},
	{"ARRAY[[1,2],[3,4]]", "int4[]", `"{{1,2},{3,4}}"`},
	{"'{}'::text[]", "text[]", `"{}"`},
	{"'[0:1]={a,b}'::text[]", "text[]", `"[0:1]={a,b}"`},
	{`ARRAY['a"b','c,d','NULL',NULL,'','e\f']`, "text[]", `"{\"a\\\"b\",\"c,d\",\"NULL\",NULL,\"\",\"e\\\\f\"}"`},
	{"ARRAY['low','hoch→']::mood[]", "public.mood[]", `"{low,hoch→}"`},
	{"int4range(1,5)", "int4range", `"[1,5)"`},
	{"'empty'::int4range", "int4range", `"empty"`},
	{"numrange(NULL,1.5,'(]')", "numrange", `"(,1.5]"`},
	{"tstzrange('2024-01-01 00:00+00','infinity')", "tstzrange", `"[\"2024-01-01 00:00:00+00\",infinity)"`},
	{"'{[1,2),[4,8)}'::int4multirange", "int4multirange", `"{[1,2),[4,8)}"`},
	{"'[10:00,11:00]'::timerange", "public.timerange", `"[10:00:00,11:00:00]"`},
	{`'it''s "fine"'::mood`, "public.mood", `"it's \"fine\""`},
	{"ROW('a b',NULL,'{x,y}')::address", "public.address", `"(\"a b\",,\"{x,y}\")"`},
	{"ROW(1,'x',NULL)", "record", `"(1,x,)"`},
	{"B'10110'", "bit", `"10110"`},
	{"'101'::varbit", "varbit", `"101"`},
	{"'''fat'':3A cat:2'::tsvector", "tsvector", `"'cat':2 'fat':3A"`},
	{"'fat & (rat | !cat:*)'::tsquery", "tsquery", `"'fat' & ( 'rat' | !'cat':* )"`},
	{"point '(1.5,-2)'", "point", `"(1.5,-2)"`},
	{"box '((0,0),(1,1))'", "box", `"(1,1),(0,0)"`},
	{"circle '<(0,0),2>'", "circle", `"<(0,0),2>"`},
	{"polygon '((0,0),(1,1),(1,0))'", "polygon", `"((0,0),(1,1),(1,0))"`},
	{"path '[(0,0),(1,1)]'", "path", `"[(0,0),(1,1)]"`},
	{"lseg '[(0,0),(1,1)]'", "lseg", `"[(0,0),(1,1)]"`},
	{"line '{1,-1,0}'", "line", `"{1,-1,0}"`},
	{"4294967295::oid", "oid", `"4294967295"`},
	{"'pg_class'::regclass", "regclass", `"pg_class"`},
	{"'int4'::regtype", "regtype", `"integer"`},
	{"'16/B374D848'::pg_lsn", "pg_lsn", `"16/B374D848"`},
	{"'$.a[*] ? (@ > 1)'::jsonpath", "jsonpath", `"$.\"a\"[*]?(@ > 1)"`},
}

// Every type comes back as it is, and so does its null.
func TestValues(t *testing.T) {
	db := database(t, valueTypes)
	exec(t, "postgres", "ALTER DATABASE "+db+" SET TimeZone = 'UTC'")
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	for _, v := range values {
		t.Run(v.expr, func(t *testing.T) {
			a, err := call(t, conn, request(t, "sql_read", "SELECT "+v.expr+" AS v, CASE WHEN false THEN "+v.expr+" END AS w"), tools.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{v.want, "null"} {
				if got := a.Columns[i].Type; got != v.typing {
					t.Errorf("the type is %s, want %s", got, v.typing)
				}
				if got := string(a.Rows[0][i]); got != want {
					t.Errorf("the value is %s, want %s", got, want)
				}
			}
		})
	}
}

// Session, role and database settings do not change how values are printed.
func TestValuesWhateverTheSettings(t *testing.T) {
	db := database(t, "")
	name, dsn := role(t, db, "")
	exec(t, "postgres", fmt.Sprintf(`ALTER DATABASE %[1]s SET DateStyle = 'German'; ALTER ROLE %[2]s SET IntervalStyle = 'iso_8601';
		ALTER ROLE %[2]s SET bytea_output = 'escape'; ALTER DATABASE %[1]s SET extra_float_digits = -3;
		ALTER ROLE %[2]s SET standard_conforming_strings = off; ALTER ROLE %[2]s SET client_encoding = 'LATIN1'`, db, name))
	conn := open(t, sql.Config{DSN: dsn})
	got := one(t, conn, `SELECT concat_ws('|', date '2024-02-01', interval '1 day', '\x01ff'::bytea, 0.1::float8 + 0.2::float8, 'a\b', 'ä→')`)
	if want := `"2024-02-01|1 day|\\x01ff|0.30000000000000004|a\\b|ä→"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The shape of a result is kept: no columns, columns of one name, very many.
func TestShapes(t *testing.T) {
	db := database(t, "CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES")
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	wide := make([]string, 1600)
	for i := range wide {
		wide[i] = fmt.Sprintf("%d AS c%d", i, i)
	}
	for name, c := range map[string]struct {
		statement     string
		columns, rows int
	}{
		"no columns":           {"SELECT FROM generate_series(1, 3)", 0, 3},
		"a table of none":      {"TABLE nothing", 0, 3},
		"no rows":              {"SELECT 1 AS a WHERE false", 1, 0},
		"neither":              {"SELECT WHERE false", 0, 0},
		"columns of one name":  {"SELECT 1 AS a, 2 AS a, 3 AS a", 3, 1},
		"very many columns":    {"SELECT " + strings.Join(wide, ", "), 1600, 1},
		"values":               {"VALUES (1, 'x'), (2, NULL)", 2, 2},
		"show":                 {"SHOW server_version", 1, 1},
		"odd names of columns": {`SELECT 1 AS "a""b	c` + "\n" + `→", 2 AS "?column?", 3`, 3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := call(t, conn, request(t, "sql_read", c.statement), tools.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Columns) != c.columns || len(a.Rows) != c.rows || a.Count != c.rows || a.Truncated {
				t.Errorf("%d columns and %d rows (%d counted, truncated %v), want %d and %d",
					len(a.Columns), len(a.Rows), a.Count, a.Truncated, c.columns, c.rows)
			}
			for _, row := range a.Rows {
				if len(row) != c.columns {
					t.Errorf("a row has %d values, want %d", len(row), c.columns)
				}
			}
		})
	}
	a, err := call(t, conn, request(t, "sql_read", "SELECT FROM generate_series(1, 9)"), tools.Limits{Rows: 4})
	if err != nil || a.Count != 4 || !a.Truncated || a.next != "4" {
		t.Errorf("no columns, capped: %+v, %v; want 4 rows, truncated", a, err)
	}
}

// Text of databases in other encodings is converted. What can't be fails, with
// a hint how to read it.
func TestEncodings(t *testing.T) {
	for _, c := range []struct{ encoding, text, want, bytes string }{
		{"LATIN1", "E'gr\\xfc\\xdfe'", `"grüße"`, `"\\x6772fcdf65"`},
		{"SQL_ASCII", "E'\\xe2\\x86\\x92'", `"→"`, `"\\xe28692"`},
		{"EUC_JP", "E'\\xa4\\xa2'", `"あ"`, `"\\xa4a2"`},
	} {
		t.Run(c.encoding+" "+c.want, func(t *testing.T) {
			db := database(t, "")
			exec(t, "postgres", "DROP DATABASE "+db)
			exec(t, "postgres", fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0 ENCODING '%s' LC_COLLATE 'C' LC_CTYPE 'C'", db, c.encoding))
			exec(t, db, "SET client_encoding = '"+c.encoding+"'; CREATE TABLE t AS SELECT "+c.text+"::text AS v")
			conn := open(t, sql.Config{DSN: server.Superuser(db)})
			a, err := call(t, conn, request(t, "sql_read", "SELECT v, convert_to(v, '"+c.encoding+"') FROM t"), tools.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := string(a.Rows[0][0]); got != c.want {
				t.Errorf("text %s, want %s", got, c.want)
			}
			if got := string(a.Rows[0][1]); got != c.bytes {
				t.Errorf("bytes %s, want %s", got, c.bytes)
			}
			var levels []string
			for _, f := range conn.Check(t.Context()) {
				if strings.Contains(f.What, "no encoding") {
					levels = append(levels, string(f.Level))
				}
			}
			none := c.encoding == "SQL_ASCII"
			if got := slices.Contains(levels, "warn"); got != none {
				t.Errorf("a warning of the encoding: %v, want %v", got, none)
			}
			if !none {
				return
			}
			exec(t, db, "SET client_encoding = 'SQL_ASCII'; INSERT INTO t VALUES (E'gr\xfc\xdfe')")
			if f := failed(t, conn, request(t, "sql_read", "SELECT v FROM t")); f.Code != "22021" || !strings.Contains(f.Hint, "convert_to") {
				t.Errorf("SQLSTATE %s, hint %q; want 22021 and a hint of convert_to", f.Code, f.Hint)
			}
			if got := one(t, conn, "SELECT convert_to(v, 'SQL_ASCII') FROM t WHERE length(v) = 5"); got != `"\\x6772fcdf65"` {
				t.Errorf("as bytes it is %s", got)
			}
		})
	}
}

// The JSON of a result is JSON, whatever stands in it: every byte that a text
// can hold.
func TestEveryCharacter(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, ""))})
	a, err := call(t, conn, request(t, "sql_read", "SELECT i, chr(i), 'x' || chr(i) || 'y' FROM generate_series(1, 3000) i"), tools.Limits{Rows: 3000})
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range a.Rows {
		var got, inside string
		if err := json.Unmarshal(row[1], &got); err != nil {
			t.Fatalf("character %d: %v", i+1, err)
		}
		if err := json.Unmarshal(row[2], &inside); err != nil || got != string(rune(i+1)) || inside != "x"+got+"y" {
			t.Errorf("character %d is %q, %q", i+1, got, inside)
		}
	}
}
