package sql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

const errorTables = `
CREATE TABLE people (id int PRIMARY KEY, email text UNIQUE, age int CHECK (age > 0), boss int REFERENCES people, name varchar(8) NOT NULL DEFAULT '');
INSERT INTO people VALUES (1, 'secret@example.com', 30, NULL, 'a'), (2, 'other@example.com', 40, 1, 'b');
CREATE DOMAIN short AS text CHECK (length(VALUE) < 5);
CREATE VIEW born AS SELECT 2024 - age AS year FROM people;
CREATE FUNCTION tell() RETURNS int LANGUAGE plpgsql STABLE AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = '23505', MESSAGE = 'told ' || (SELECT min(email) FROM people),
        DETAIL = (SELECT max(email) FROM people), HINT = 'hint ' || (SELECT max(email) FROM people),
        CONSTRAINT = (SELECT max(email) FROM people), TABLE = (SELECT max(email) FROM people);
END $$;
CREATE FUNCTION fail_deep() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (SELECT email::int FROM people LIMIT 1); END $$;`

// Errors of the server arrive with what helps to mend them. Plain, which stands
// in their place where a mask applies, holds nothing that stood in a row.
func TestErrors(t *testing.T) {
	db := database(t, errorTables)
	conn := open(t, sql.Config{DSN: server.Superuser(db), TrustedFunctions: []string{"public.tell", "public.fail_deep"}})
	for _, c := range []struct {
		tool, statement string
		params          []any
		code            string
		// at is what the position points to; "" is no position.
		at, message, plain, hint string
	}{
		{"sql_read", "SELECT nme FROM people", nil, "42703", "nme", `column "nme" does not exist`, `column "nme" does not exist`, `"people.name"`},
		{"sql_read", "SELECT 'ä→\U0001F600', nme FROM people", nil, "42703", "nme", `column "nme"`, `column "nme"`, ""},
		{"sql_read", "/* ü */ SELECT '→' AS \"ß\", nme FROM people -- ü", nil, "42703", "nme", "", `column "nme"`, ""},
		{"sql_read", "; ;/*é*/ SELECT nme FROM people;", nil, "42703", "nme", "", "", ""},
		// The text of the statement stands in the comment before it, too.
		{"sql_read", "/* SELECT nme FROM people */ SELECT nme FROM people;", nil, "42703", "nme FROM people;", "", "", ""},
		{"sql_read", "SELECT * FROM nowhere", nil, "42P01", "nowhere", `relation "nowhere" does not exist`, `relation "nowhere"`, ""},
		{"sql_read", "SELECT 1 + 'x'", nil, "22P02", "'x'", `invalid input syntax for type integer: "x"`, "a value can't be read as its type", ""},
		{"sql_read", "SELECT id, count(*) FROM people", nil, "42803", "id", "GROUP BY", "GROUP BY", ""},
		{"sql_read", "SELECT lower(1)", nil, "42883", "lower", "function lower(integer) does not exist", "function lower(integer)", "type casts"},
		{"sql_read", "SELECT 1 / (id - 1) FROM people", nil, "22012", "", "division by zero", "division by zero", ""},
		{"sql_read", "SELECT email::int FROM people", nil, "22P02", "", "secret@example.com", "a value can't be read as its type", ""},
		{"sql_read", "SELECT email::date FROM people", nil, "22007", "", "secret@example.com", "a date or time can't be read", ""},
		{"sql_read", "SELECT (SELECT email FROM people)", nil, "21000", "", "more than one row", "more rows than it may", ""},
		{"sql_read", "SELECT $1::int", []any{"hidden"}, "22P02", "", "hidden", "a value can't be read as its type", ""},
		{"sql_read", "SELECT fail_deep()", nil, "22P02", "", "secret@example.com", "a value can't be read as its type", ""},
		{"sql_read", "SELECT tell()", nil, "23505", "", "told other@example.com", "unique constraint", "hint secret"},
		{"sql_read", "SELECT 'a long text'::short", nil, "23514", "", "short", `"short_check"`, ""},
		{"sql_write", "INSERT INTO people VALUES (3, 'secret@example.com', 1)", nil, "23505", "", "(email)=(secret@example.com) already exists", `unique constraint "people_email_key" of table "people"`, ""},
		{"sql_write", "UPDATE people SET age = -7 WHERE id = 1", nil, "23514", "", "(1, secret@example.com, -7", `"people_age_check" of table "people"`, ""},
		{"sql_write", "UPDATE people SET boss = 99", nil, "23503", "", "(boss)=(99)", `foreign key "people_boss_fkey" of table "people"`, ""},
		{"sql_write", "DELETE FROM people WHERE id = 1", nil, "23503", "", "(id)=(1)", `"people_boss_fkey"`, ""},
		{"sql_write", "INSERT INTO people VALUES (4, 'secret2@example.com', 1, NULL, NULL)", nil, "23502", "", "secret2@example.com", `must not be null of table "people"`, ""},
		{"sql_write", "UPDATE people SET name = email", nil, "22001", "", "varying(8)", "a string is too long for its type", ""},
		{"sql_write", "ALTER TABLE people ADD CONSTRAINT old CHECK (age > 35)", nil, "23514", "", `"old"`, `"old" of table "people"`, ""},
		{"sql_write", "CREATE UNIQUE INDEX one ON people ((length(email) > 3))", nil, "23505", "", "is duplicated", `"one"`, ""},
		{"sql_write", "CREATE TABLE people (id int)", nil, "42P07", "", "already exists", "", ""},
		{"sql_write", "DROP TABLE people", nil, "2BP01", "", "view born depends on table people", "", "CASCADE"},
	} {
		t.Run(c.statement, func(t *testing.T) {
			f := failed(t, conn, request(t, c.tool, c.statement, c.params...))
			if f.Code != c.code {
				t.Errorf("SQLSTATE %s, want %s", f.Code, c.code)
			}
			if !strings.Contains(f.Message, c.message) || !strings.Contains(f.Plain, c.plain) || f.Plain == "" || !strings.Contains(f.Hint, c.hint) {
				t.Errorf("message %q, plain %q, hint %q; want %q, %q, %q", f.Message, f.Plain, f.Hint, c.message, c.plain, c.hint)
			}
			if strings.Contains(f.Plain, "example.com") || strings.Contains(f.Plain, "hidden") {
				t.Errorf("the plain text holds a value: %s", f.Plain)
			}
			if got := pointed(c.statement, f.Position, c.at); got != c.at {
				t.Errorf("position %d points to %q, want %q", f.Position, got, c.at)
			}
			discreet(t, f.Message+f.Plain+f.Hint, db, "postgres")
			if f.Unsure {
				t.Error("it is said to be unsure")
			}
		})
	}
	if got := one(t, conn, "SELECT string_agg(concat_ws(',', id, email, age, boss, name), ' ' ORDER BY id) FROM people"); got != `"1,secret@example.com,30,a 2,other@example.com,40,1,b"` {
		t.Errorf("a change that failed left something: %s", got)
	}
}

// pointed is as much of a statement at a position as what is wanted is long.
func pointed(statement string, position int, want string) string {
	runes := []rune(statement)
	if position == 0 {
		return ""
	}
	if position > len(runes) {
		return "(past the end)"
	}
	return string(runes[position-1 : min(position-1+max(len([]rune(want)), 1), len(runes))])
}

// What is not understood is refused in words that quote as little as they can.
func TestRefusals(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, errorTables))})
	for _, c := range []struct{ statement, rule, reason string }{
		{"SELEC 1", "syntax", "not valid PostgreSQL"},
		{"SELECT 'hunter2", "syntax", "syntax error at character 8"},
		{"SELECT 1; SELECT 'hunter2'", "syntax", "2 statements"},
		{"  -- hunter2", "syntax", "empty"},
		{"SELECT '" + strings.Repeat("hunter2 ", 10_000) + "'", "syntax", "at most"},
		{"SELECT " + strings.Repeat("(", 300) + "'hunter2'" + strings.Repeat(")", 300), "syntax", "nests deeper"},
	} {
		for _, tool := range []string{"sql_read", "sql_write"} {
			r := refused(t, conn, request(t, tool, c.statement))
			if r.Rule != c.rule || !strings.Contains(r.Reason, c.reason) || r.Later {
				t.Errorf("%.40s: rule %s, reason %s; want %s, %s", c.statement, r.Rule, r.Reason, c.rule, c.reason)
			}
			if strings.Contains(r.Reason+r.Hint+r.Blank, "hunter2") {
				t.Errorf("%.40s: the refusal quotes a constant: %+v", c.statement, r)
			}
		}
	}
}

// What lies beyond the role's rights fails as the server says.
func TestPrivileges(t *testing.T) {
	db := database(t, errorTables+"CREATE TABLE open_to_all (a int, b int); INSERT INTO open_to_all VALUES (1, 2); CREATE SCHEMA closed; CREATE TABLE closed.t (a int)")
	name, dsn := role(t, db, "")
	exec(t, db, fmt.Sprintf("GRANT SELECT (a) ON open_to_all TO %s; GRANT SELECT ON closed.t TO %[1]s", name))
	conn := open(t, sql.Config{DSN: dsn})
	if got := one(t, conn, "SELECT a FROM open_to_all"); got != "1" {
		t.Errorf("%s, want 1", got)
	}
	for _, r := range []tools.Request{
		request(t, "sql_read", "SELECT * FROM people"),
		request(t, "sql_read", "SELECT b FROM open_to_all"),
		request(t, "sql_read", "SELECT * FROM closed.t"),
		request(t, "sql_write", "DELETE FROM open_to_all WHERE a = 1"),
		request(t, "sql_write", "CREATE TABLE public.mine (a int)"),
	} {
		_, err := call(t, conn, r, tools.Limits{})
		var f *tools.Failure
		if !errors.As(err, &f) || f.Code != "42501" {
			t.Errorf("%s: %v, want SQLSTATE 42501", r.Args, err)
			continue
		}
		discreet(t, f.Message+f.Plain+f.Hint, name, db)
	}
}
