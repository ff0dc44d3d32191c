package sql_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

// TestHeldThroughLocks: a row is compared and shown also where somebody else holds
// it by its key at that moment, as the check of a foreign key does.
func TestHeldThroughLocks(t *testing.T) {
	db := database(t, previewWorld)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	other := outside(t, db)
	do := func(sql string) {
		t.Helper()
		if _, err := other.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	const change, lock = "UPDATE customers SET name = 'x' WHERE email = 'chosen'", "BEGIN; SELECT FROM customers FOR KEY SHARE"
	do("UPDATE customers SET email = 'chosen' WHERE id = 1")
	free := preview(t, conn, change)
	do(lock)
	p := preview(t, conn, change)
	do("COMMIT")
	if len(p.Samples) != 1 || len(p.Samples[0].Before) != 1 || p.State != free.State {
		t.Errorf("the lock shows: %+v", p)
	}
	do("UPDATE customers SET email = 'other' WHERE id = 1; UPDATE customers SET email = 'chosen' WHERE id = 2")
	do(lock)
	_, err := rehearsed(t, conn, change).HoldTo(p, 0).Run(t.Context(), nil, tools.Limits{})
	do("COMMIT")
	isMoved(t, err)
}

func isMoved(t *testing.T, err error) {
	t.Helper()
	var refusal *tools.Refusal
	if !errors.As(err, &refusal) || refusal.Rule != "moved" {
		t.Errorf("it ran: %v", err)
	}
}

const hostileWorld = previewWorld + `
CREATE TABLE quiet (a int); INSERT INTO quiet VALUES (1); CREATE TABLE catching (a int); INSERT INTO catching VALUES (1);
CREATE TABLE emptying (a int); INSERT INTO emptying VALUES (1); CREATE TABLE dropping (a int); INSERT INTO dropping VALUES (1);
CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE FUNCTION catching() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    BEGIN UPDATE nokey SET b = b || '!' WHERE a = 1; EXCEPTION WHEN OTHERS THEN NULL; END; RETURN NULL; END $$;
CREATE FUNCTION emptying() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN TRUNCATE nokey; RETURN NULL; END $$;
CREATE FUNCTION dropping() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DROP TABLE nokey; RETURN NULL; END $$;
CREATE TRIGGER t AFTER UPDATE ON quiet EXECUTE FUNCTION quiet(); CREATE TRIGGER t AFTER UPDATE ON catching EXECUTE FUNCTION catching();
CREATE TRIGGER t AFTER UPDATE ON emptying EXECUTE FUNCTION emptying(); CREATE TRIGGER t AFTER UPDATE ON dropping EXECUTE FUNCTION dropping();
`

// TestPreviewTellsOfWholeTables that a trigger empties, alters or drops, though
// nobody counts their rows.
func TestPreviewTellsOfWholeTables(t *testing.T) {
	for table, want := range map[string]string{
		"emptying": "update public.emptying 1, redefine public.nokey 1",
		"dropping": "redefine a table that is dropped 1, update public.dropping 1",
	} {
		conn := open(t, sql.Config{DSN: server.Superuser(database(t, hostileWorld))})
		p := preview(t, conn, "UPDATE "+table+" SET a = 2")
		warned := slices.ContainsFunc(p.Warnings, func(w string) bool { return strings.Contains(w, "emptied, altered or dropped") })
		if counts(p) != want || !warned || p.Rows != 1 {
			t.Errorf("%s: %s, %d rows, %q", table, counts(p), p.Rows, p.Warnings)
		}
		if _, err := rehearsed(t, conn, "UPDATE "+table+" SET a = 2").HoldTo(p, 0).Run(t.Context(), nil, tools.Limits{}); err != nil {
			t.Errorf("%s: what was shown does not run: %v", table, err)
		}
	}
}

// TestHeldToWhatTriggersDid: a trigger that came to do something else, or whose
// rows changed, keeps the change from running.
func TestHeldToWhatTriggersDid(t *testing.T) {
	for table, meanwhile := range map[string]string{
		"quiet":    `CREATE OR REPLACE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN TRUNCATE nokey; RETURN NULL; END $$`,
		"catching": `UPDATE nokey SET b = 'meanwhile' WHERE a = 1`,
	} {
		db := database(t, hostileWorld)
		conn := open(t, sql.Config{DSN: server.Superuser(db)})
		change := "UPDATE " + table + " SET a = 2"
		p := preview(t, conn, change)
		for _, s := range p.Samples {
			if len(s.Before) != 1 || len(s.After) != 1 {
				t.Errorf("%s: %+v", table, s)
			}
		}
		exec(t, db, meanwhile)
		before := everything(t, db)
		_, err := rehearsed(t, conn, change).HoldTo(p, 0).Run(t.Context(), nil, tools.Limits{})
		isMoved(t, err)
		if everything(t, db) != before {
			t.Errorf("%s: the database changed", table)
		}
	}
}

// TestPreviewNeedsCounting: where the database counts no rows, none are said to be
// measured.
func TestPreviewNeedsCounting(t *testing.T) {
	db := database(t, previewWorld)
	exec(t, db, "ALTER DATABASE "+db+" SET track_counts = off")
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	p, err := rehearsed(t, conn, "UPDATE nokey SET b = 'c'").Preview(t.Context(), true)
	var refusal *tools.Refusal
	if !errors.As(err, &refusal) || refusal.Rule != "uncounted" {
		t.Errorf("%+v %v", p, err)
	}
}

// TestHeldToDefinitions: what was approved does not run once a function that it
// calls does something else, whoever describes it then.
func TestHeldToDefinitions(t *testing.T) {
	const twice = "CREATE FUNCTION twice(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || $1 $$; "
	for _, c := range []struct {
		statement string
		meanwhile []string
		moved     bool
	}{
		{"SELECT touches()", []string{"ANALYZE", "VACUUM nokey", "INSERT INTO nokey VALUES (9, 'c')"}, false},
		{"SELECT touches()", []string{"CREATE OR REPLACE FUNCTION touches() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM nokey; RETURN 1; END $$"}, true},
		{"DROP TABLE nokey", []string{"ALTER TABLE nokey RENAME TO other", "CREATE TABLE nokey (a int)"}, true},
		{"UPDATE nokey SET b = twice(b)", []string{"CREATE OR REPLACE FUNCTION twice(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT ''::text $$"}, true},
	} {
		db := database(t, previewWorld+twice)
		p := preview(t, open(t, sql.Config{DSN: server.Superuser(db)}), c.statement)
		for _, one := range c.meanwhile {
			exec(t, db, one)
		}
		_, err := rehearsed(t, open(t, sql.Config{DSN: server.Superuser(db)}), c.statement).HoldTo(p, 0).Run(t.Context(), nil, tools.Limits{})
		if c.moved {
			isMoved(t, err)
		} else if err != nil {
			t.Errorf("%s: %v", c.statement, err)
		}
	}
}
