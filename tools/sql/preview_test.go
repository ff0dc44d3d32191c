package sql_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

const previewWorld = `
CREATE TABLE customers (id int PRIMARY KEY, name text, email text);
INSERT INTO customers SELECT i, 'name ' || i, 'mail' || i || '@example.com' FROM generate_series(1, 20) i;
CREATE TABLE orders (id serial PRIMARY KEY, customer int REFERENCES customers ON DELETE CASCADE, status text DEFAULT 'new', total numeric);
INSERT INTO orders (customer, total) SELECT 1 + i % 20, i FROM generate_series(1, 100) i;
CREATE TABLE audit (at timestamptz DEFAULT now(), what text);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit (what) VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER noted AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION noted();
CREATE VIEW totals AS SELECT customer, sum(total) FROM orders GROUP BY 1;
CREATE VIEW best AS SELECT * FROM totals WHERE sum > 100;
CREATE TABLE nokey (a int, b text);
INSERT INTO nokey SELECT i, 'b' FROM generate_series(1, 5) i;
CREATE FUNCTION touches() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit (what) VALUES ('touched'); RETURN 1; END $$;
ANALYZE;
`

// rehearsed describes a statement as a plan that can be previewed.
func rehearsed(t *testing.T, conn tools.Connection, statement string, params ...any) tools.Rehearsed {
	t.Helper()
	plan, err := describe(t, conn, "sql_write", statement, params...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	r, ok := plan.(tools.Rehearsed)
	if !ok {
		t.Fatalf("%s: the plan has no preview", statement)
	}
	return r
}

func preview(t *testing.T, conn tools.Connection, statement string) *tools.Preview {
	t.Helper()
	p, err := rehearsed(t, conn, statement).Preview(t.Context(), true)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return p
}

// counts are the changes of a preview in short.
func counts(p *tools.Preview) string {
	var out []string
	for _, c := range p.Changes {
		out = append(out, strings.Join([]string{c.Verb, c.Name, itoa(c.Count)}, " "))
	}
	return strings.Join(out, ", ")
}

func TestPreviewCounts(t *testing.T) {
	db := database(t, previewWorld)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	before := everything(t, db)
	for statement, want := range map[string]string{
		"UPDATE orders SET status = 'x' WHERE customer = 1 RETURNING *":                                        "insert public.audit 5, update public.orders 5",
		"DELETE FROM customers WHERE id = 2":                                                                   "delete public.customers 1, delete public.orders 5",
		"INSERT INTO customers VALUES (100, 'a', 'b'), (101, 'a', 'b')":                                        "insert public.customers 2",
		"INSERT INTO customers VALUES (1, 'a', 'b') ON CONFLICT (id) DO NOTHING":                               "",
		"INSERT INTO customers VALUES (1, 'a', 'b') ON CONFLICT (id) DO UPDATE SET name = 'z'":                 "update public.customers 1",
		"UPDATE orders SET status = 'x' WHERE false":                                                           "",
		"UPDATE nokey SET b = 'c' WHERE a < 3":                                                                 "update public.nokey 2",
		"WITH gone AS (DELETE FROM nokey WHERE a = 1 RETURNING *) INSERT INTO audit (what) SELECT b FROM gone": "insert public.audit 1, delete public.nokey 1",
		"MERGE INTO customers c USING (VALUES (1), (200)) v(id) ON c.id = v.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'n', 'm')": "insert public.customers 1, delete public.customers 1, delete public.orders 5",
	} {
		p := preview(t, conn, statement)
		if got := counts(p); got != want || !p.Measured {
			t.Errorf("%s:\ngot  %s (measured %v)\nwant %s", statement, got, p.Measured, want)
		}
	}
	if after := everything(t, db); after != before {
		t.Error("a preview changed the database")
	}
}

// TestPreviewLocks: the locks that a change would hold, by triggers and cascades
// too, and none that every query takes.
func TestPreviewLocks(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, previewWorld))})
	for statement, want := range map[string]string{
		"UPDATE orders SET status = 'x' WHERE customer = 1": "RowExclusiveLock public.audit, RowExclusiveLock public.orders",
		"DELETE FROM customers WHERE id = 2":                "RowExclusiveLock public.customers, RowExclusiveLock public.orders",
		"UPDATE nokey SET b = 'c' WHERE a < 3":              "RowExclusiveLock public.nokey",
	} {
		var got []string
		for _, l := range preview(t, conn, statement).Locks {
			got = append(got, l.Mode+" "+l.Name)
		}
		if text := strings.Join(got, ", "); text != want {
			t.Errorf("%s: %s, want %s", statement, text, want)
		}
	}
}

func TestPreviewSamples(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, previewWorld))})
	p := preview(t, conn, "UPDATE customers SET name = 'Ann', email = NULL WHERE id <= 7")
	if len(p.Samples) != 1 {
		t.Fatalf("%+v", p.Samples)
	}
	s := p.Samples[0]
	if s.Name != "public.customers" || len(s.Before) != 5 || len(s.After) != 5 || !slices.Equal(s.Before[0], []string{"1", "name 1", "mail1@example.com"}) ||
		!slices.Equal(s.After[0], []string{"1", "Ann", "null"}) || s.Origins[2] != "public.customers.email" {
		t.Errorf("%+v", s)
	}
	p.Mask(maskOf{"public.customers.email"}, func(text string) string { return strings.ReplaceAll(text, "Ann", "[scrubbed]") })
	if s.Before[0][2] != "[redacted]" || s.After[0][1] != "[scrubbed]" {
		t.Errorf("masked: %+v", s)
	}
	if trigger := preview(t, conn, "UPDATE orders SET status = 'x'"); !slices.ContainsFunc(trigger.Warnings, func(w string) bool { return strings.Contains(w, "noted") }) {
		t.Errorf("no warning of a trigger: %q", trigger.Warnings)
	}
}

// TestPreviewSetsNothingOff: a trigger whose doings a rollback does not take back
// keeps a change from being rehearsed, however deep it stands.
func TestPreviewSetsNothingOff(t *testing.T) {
	db := database(t, previewWorld+`
CREATE SEQUENCE acted;
CREATE FUNCTION act() RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT nextval(''acted'')'; RETURN 'x'; END $$;
CREATE FUNCTION "odd ""name"() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN act(); END $$;
CREATE TABLE direct (a int); CREATE TABLE deep (a int); CREATE TABLE parent (a int PRIMARY KEY);
CREATE TABLE child (a int REFERENCES parent ON DELETE CASCADE); CREATE TABLE filled (a int); CREATE TABLE logged (a int, b text DEFAULT "odd ""name"());
CREATE TABLE notes (a int); CREATE TABLE program (a int); CREATE TABLE part (a int) PARTITION BY LIST (a); CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1);
CREATE FUNCTION t1() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "odd ""name"(); RETURN NULL; END $$;
CREATE FUNCTION t2() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO direct VALUES (1); RETURN NULL; END $$;
CREATE FUNCTION t3() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO LOGGED (a) VALUES (1); RETURN NULL; END $$;
CREATE FUNCTION t4() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_notify('x', TG_OP); NOTIFY y; RETURN NULL; END $$;
CREATE FUNCTION t5() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN COPY notes TO PROGRAM 'cat >/dev/null'; RETURN NULL; END $$;
CREATE TRIGGER t AFTER INSERT ON direct EXECUTE FUNCTION t1();
CREATE TRIGGER t AFTER INSERT ON deep EXECUTE FUNCTION t2();
CREATE TRIGGER t AFTER DELETE ON child FOR EACH ROW EXECUTE FUNCTION t1();
CREATE TRIGGER t AFTER INSERT ON filled EXECUTE FUNCTION t3();
CREATE TRIGGER t AFTER INSERT ON notes EXECUTE FUNCTION t4();
CREATE TRIGGER t AFTER INSERT ON program EXECUTE FUNCTION t5();
CREATE TRIGGER t AFTER INSERT ON part1 FOR EACH ROW EXECUTE FUNCTION t1();
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);
`)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	for statement, measured := range map[string]bool{
		"INSERT INTO direct VALUES (1)":  false,
		"INSERT INTO deep VALUES (1)":    false,
		"DELETE FROM parent WHERE a = 1": false,
		"INSERT INTO filled VALUES (1)":  false,
		"INSERT INTO program VALUES (1)": false,
		"INSERT INTO part VALUES (1)":    false,
		"INSERT INTO notes VALUES (1)":   true,
		"UPDATE orders SET status = 'x'": true,
	} {
		p := preview(t, conn, statement)
		if p.Measured != measured || !measured && !strings.Contains(strings.Join(p.Warnings, " "), "could not be taken back") {
			t.Errorf("%s: measured %v: %q", statement, p.Measured, p.Warnings)
		}
	}
	if called := ask[bool](t, outside(t, db), "SELECT is_called FROM acted"); called {
		t.Error("a preview acted")
	}
}

// TestPreviewCrowd has more previews and runs at once than there are connections:
// each needs two, and none keeps the others from their second one.
func TestPreviewCrowd(t *testing.T) {
	for _, connections := range []int32{1, 5} {
		conn := open(t, sql.Config{DSN: server.Superuser(database(t, previewWorld)), Connections: connections})
		var all sync.WaitGroup
		for i := range 20 {
			plan := rehearsed(t, conn, "UPDATE nokey SET b = 'c' WHERE a = "+itoa(int64(i)))
			all.Go(func() {
				p, err := plan.Preview(t.Context(), true)
				if err == nil {
					_, err = plan.HoldTo(p, 0).Run(t.Context(), nil, tools.Limits{})
				}
				if err != nil || !p.Measured {
					t.Errorf("%d connections: %+v %v", connections, p, err)
				}
			})
		}
		all.Wait()
	}
}

func TestPreviewEstimates(t *testing.T) {
	db := database(t, previewWorld)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	p, err := rehearsed(t, conn, "UPDATE customers SET name = 'x'").Preview(t.Context(), false)
	if err != nil || p.Measured || p.Rows != 20 || len(p.Samples) != 0 {
		t.Errorf("%+v %v", p, err)
	}
	before := everything(t, db)
	if p := preview(t, conn, "UPDATE customers SET name = touches()::text"); p.Measured || len(p.Warnings) == 0 {
		t.Errorf("a function that may do anything was rehearsed: %+v", p)
	}
	if everything(t, db) != before {
		t.Error("an estimate changed the database")
	}
}

func TestPreviewDependents(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, previewWorld))})
	for statement, want := range map[string][]tools.Target{
		"DROP TABLE orders CASCADE":         {{Kind: "view", Name: "public.totals"}},
		"DROP TABLE customers CASCADE":      {{Kind: "table constraint", Name: "orders_customer_fkey on public.orders"}},
		"ALTER TABLE totals RENAME TO sums": {{Kind: "view", Name: "public.best"}},
		"DROP VIEW best":                    {},
		"CREATE TABLE fresh (a int)":        {},
		"CREATE INDEX ON customers (name)":  {{Kind: "table constraint", Name: "orders_customer_fkey on public.orders"}},
	} {
		p := preview(t, conn, statement)
		if !slices.Equal(p.Dependents, want) || p.Measured {
			t.Errorf("%s: %+v, want %+v", statement, p.Dependents, want)
		}
	}
}

func TestPreviewOfRowsLost(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, previewWorld))})
	for statement, want := range map[string]string{
		"TRUNCATE orders":            "delete public.orders 100",
		"DROP TABLE nokey":           "delete public.nokey 5",
		"DROP VIEW best":             "",
		"CREATE TABLE fresh (a int)": "",
	} {
		if p := preview(t, conn, statement); counts(p) != want || p.Measured {
			t.Errorf("%s: %s (measured %v)", statement, counts(p), p.Measured)
		}
	}
	p := preview(t, conn, "INSERT INTO orders (customer) VALUES (1)")
	if !slices.ContainsFunc(p.Warnings, func(w string) bool { return strings.Contains(w, "sequence") }) {
		t.Errorf("no warning of the sequence: %q", p.Warnings)
	}
}

// TestPreviewStateIsKeyed: who sees the digest of a row can't try out what its
// masked values are.
func TestPreviewStateIsKeyed(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, previewWorld))})
	state := func(key byte) string {
		args, err := json.Marshal(map[string]string{"sql": "UPDATE customers SET name = 'x' WHERE id = 1"})
		if err != nil {
			t.Fatal(err)
		}
		plan, err := conn.Describe(t.Context(), tools.Request{Tool: "sql_write", Args: args, Key: [32]byte{key}})
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.(tools.Rehearsed).Preview(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		return p.State
	}
	if state(1) != state(1) || state(1) == state(2) {
		t.Errorf("by one key %q and %q, by another %q", state(1), state(1), state(2))
	}
}

// TestHeld shows that a plan takes effect only as it was previewed.
func TestHeld(t *testing.T) {
	for _, c := range []struct {
		name, statement, meanwhile string
		tolerance                  float64
		moved                      bool
	}{
		{"nothing happened", "UPDATE customers SET name = 'x' WHERE id < 5", "", 0, false},
		{"something else happened", "UPDATE customers SET name = 'x' WHERE id < 5", "UPDATE customers SET name = 'y' WHERE id = 9", 0, false},
		{"more rows", "UPDATE customers SET name = 'x' WHERE id < 5", "INSERT INTO customers VALUES (0, 'n', 'e')", 0, true},
		{"fewer rows", "DELETE FROM nokey WHERE a < 4", "DELETE FROM nokey WHERE a = 1", 0, true},
		{"other rows", "DELETE FROM nokey WHERE b = 'b'", "DELETE FROM nokey WHERE a = 1; INSERT INTO nokey VALUES (77, 'b')", 0, true},
		{"a row changed", "UPDATE customers SET name = 'x' WHERE id = 1", "UPDATE customers SET email = 'new' WHERE id = 1", 0, true},
		{"a cascade grew", "DELETE FROM customers WHERE id = 1", "INSERT INTO orders (customer) VALUES (1)", 0, true},
		{"within tolerance", "UPDATE customers SET name = 'x'", "INSERT INTO customers VALUES (0, 'n', 'e')", 0.1, false},
		{"beyond tolerance", "UPDATE customers SET name = 'x'", "DELETE FROM orders; DELETE FROM customers WHERE id > 10", 0.1, true},
		{"a view came", "DROP TABLE nokey CASCADE", "CREATE VIEW more AS SELECT * FROM nokey", 0, true},
		{"no view came", "DROP TABLE nokey CASCADE", "", 0, false},
		{"inserts get other numbers", "INSERT INTO orders (customer) VALUES (1)", "SELECT nextval('orders_id_seq')", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := database(t, previewWorld)
			conn := open(t, sql.Config{DSN: server.Superuser(db)})
			p := preview(t, conn, c.statement)
			if c.meanwhile != "" {
				exec(t, db, c.meanwhile)
			}
			before := everything(t, db)
			_, err := rehearsed(t, conn, c.statement).HoldTo(p, c.tolerance).Run(t.Context(), nil, tools.Limits{})
			var refusal *tools.Refusal
			if errors.As(err, &refusal) != c.moved || err != nil && !c.moved {
				t.Fatalf("moved is %v: %v", !c.moved, err)
			}
			if changed := everything(t, db) != before; changed == c.moved {
				t.Errorf("the database changed: %v (%v)", changed, err)
			}
			if c.moved && refusal.Rule != "moved" {
				t.Errorf("%+v", refusal)
			}
		})
	}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// everything is a digest of all rows, and of what objects there are.
func everything(t *testing.T, db string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.Superuser(db))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var tables []string
	if err := conn.QueryRow(t.Context(), "SELECT coalesce(array_agg(c.oid::regclass::text ORDER BY 1), '{}') FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'").Scan(&tables); err != nil {
		t.Fatal(err)
	}
	out := strings.Join(tables, ",")
	for _, table := range tables {
		var sum string
		if err := conn.QueryRow(t.Context(), "SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM "+table+" t").Scan(&sum); err != nil {
			t.Fatal(err)
		}
		out += " " + sum
	}
	return out
}
