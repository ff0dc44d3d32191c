package sql_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/scrub"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

const schemaTables = `
CREATE SCHEMA "we.ird";
CREATE SCHEMA hidden;
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE TABLE customers (
    id int PRIMARY KEY, email varchar(80) UNIQUE NOT NULL, born date, mood mood DEFAULT 'low', gone int,
    n bigint GENERATED ALWAYS AS IDENTITY, tags text[]
);
ALTER TABLE customers DROP COLUMN gone;
COMMENT ON TABLE customers IS 'who buys; old password=hunter2hunter2';
COMMENT ON COLUMN customers.email IS 'see postgres://app:hunter2@db/shop';
CREATE TABLE orders (a int, b int, customer int NOT NULL REFERENCES customers, PRIMARY KEY (b, a));
CREATE INDEX by_month ON orders (customer DESC, (a + b)) WHERE a > 3;
CREATE TABLE lines (oa int, ob int, FOREIGN KEY (ob, oa) REFERENCES orders (b, a));
CREATE TABLE "Mixed Case" (id int);
CREATE TABLE "a_b" (id int);
CREATE TABLE "axb" (id int);
CREATE TABLE "p%q" (id int);
CREATE TABLE "we.ird"."t.able*" (id int, "co""l" int);
CREATE TABLE hidden.t (id int);
CREATE TABLE nothing ();
CREATE VIEW v AS SELECT id FROM customers;
CREATE MATERIALIZED VIEW mv AS SELECT id FROM customers;
CREATE TABLE parts (id int, k int) PARTITION BY LIST (k);
CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE secured (id int);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
INSERT INTO customers (id, email) SELECT i, i || '@example.com' FROM generate_series(1, 100) i;
ANALYZE customers;`

func (l listing) names() []string {
	out := make([]string, len(l.Tables))
	for i, t := range l.Tables {
		out[i] = t.Schema + "." + t.Name
	}
	return out
}

// Patterns find what they name, and no more.
func TestSchemaPatterns(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, schemaTables))})
	all := []string{
		"hidden.t", "public.Mixed Case", "public.a_b", "public.axb", "public.customers", "public.lines", "public.mv", "public.nothing",
		"public.orders", "public.p%q", "public.part1", "public.parts", "public.secured", "public.v", "we.ird.t.able*",
	}
	for pattern, want := range map[string][]string{
		"":                        all,
		"*":                       all,
		"*.*":                     all,
		"public.":                 all[1:14],
		".v":                      {"public.v"},
		"customers":               {"public.customers"},
		"public.customers":        {"public.customers"},
		"cust*":                   {"public.customers"},
		"*ers":                    {"public.customers", "public.orders"},
		"a_b":                     {"public.a_b"},
		"a?b":                     {"public.a_b", "public.axb"},
		"p%q":                     {"public.p%q"},
		"%":                       nil,
		"Mixed Case":              {"public.Mixed Case"},
		`"Mixed Case"`:            {"public.Mixed Case"},
		`public."Mixed Case"`:     {"public.Mixed Case"},
		`"we.ird".*`:              {"we.ird.t.able*"},
		`"we.ird"."t.able*"`:      {"we.ird.t.able*"},
		`"cust*"`:                 nil,
		"CUSTOMERS":               nil,
		"other.customers":         nil,
		`'; DROP TABLE customers`: nil,
		`\`:                       nil,
		"pg_catalog.pg_namespace": {"pg_catalog.pg_namespace"},
		"pg_namespace":            nil,
		"pg_toast.*":              nil,
	} {
		l, err := schema(t, conn, pattern, nil, tools.Limits{})
		if err != nil || !slices.Equal(l.names(), want) || l.Truncated {
			t.Errorf("%q finds %q, %v, want %q", pattern, l.names(), err, want)
		}
	}
	for _, args := range []string{`{"pattern":1}`, `{"pattern":"a\u0000b"}`, `{"pattern":"` + strings.Repeat("x", 300) + `"}`, `{"patern":"x"}`, `[]`} {
		if r := refused(t, conn, tools.Request{Tool: "sql_schema", Args: json.RawMessage(args)}); r.Rule != "arguments" {
			t.Errorf("%s: %+v", args, r)
		}
	}
}

// A table comes with all that one must know to query it.
func TestSchemaOfTables(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, schemaTables))})
	plan, err := conn.Describe(t.Context(), tools.Request{Tool: "sql_schema", Args: json.RawMessage(`{"pattern":"public.*"}`)})
	if err != nil {
		t.Fatal(err)
	}
	result, err := plan.Run(t.Context(), gate(nil), tools.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	result.Mask(nil, scrub.Text)
	data, err := result.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "hunter2") {
		t.Error("a comment tells a password")
	}
	var l struct{ Tables []json.RawMessage }
	if err := json.Unmarshal(data, &l); err != nil {
		t.Fatal(err)
	}
	tables := map[string]string{}
	for _, raw := range l.Tables {
		var table map[string]any
		if err := json.Unmarshal(raw, &table); err != nil {
			t.Fatal(err)
		}
		if bytes, ok := table["bytes"].(float64); ok != (table["kind"] != "view") || ok && bytes < 0 {
			t.Errorf("%s has %v bytes", table["name"], table["bytes"])
		}
		delete(table, "bytes") // the server's own affair
		text, err := json.Marshal(table)
		if err != nil {
			t.Fatal(err)
		}
		tables[fmt.Sprint(table["name"])] = string(text)
	}
	for name, want := range map[string]string{
		"customers": `{"columns":[{"name":"id","type":"integer"},{"comment":"see postgres://app:[password removed]@db/shop","name":"email","type":"character varying(80)"},` +
			`{"name":"born","nullable":true,"type":"date"},{"default":true,"name":"mood","nullable":true,"type":"public.mood"},` +
			`{"default":true,"name":"n","type":"bigint"},{"name":"tags","nullable":true,"type":"text[]"}],` +
			`"comment":"who buys; old password=[removed]",` +
			`"indexes":[{"columns":["email"],"name":"customers_email_key","unique":true},{"columns":["id"],"name":"customers_pkey","unique":true}],` +
			`"keys":[{"columns":["id"],"kind":"primary","name":"customers_pkey"},{"columns":["email"],"kind":"unique","name":"customers_email_key"}],` +
			`"kind":"table","name":"customers","rows":100,"schema":"public"}`,
		"orders": `{"columns":[{"name":"a","type":"integer"},{"name":"b","type":"integer"},{"name":"customer","type":"integer"}],` +
			`"indexes":[{"columns":["customer","(a + b)"],"name":"by_month"},{"columns":["b","a"],"name":"orders_pkey","unique":true}],` +
			`"keys":[{"columns":["b","a"],"kind":"primary","name":"orders_pkey"},` +
			`{"columns":["customer"],"kind":"foreign","name":"orders_customer_fkey","referenced":["id"],"references":"public.customers"}],` +
			`"kind":"table","name":"orders","schema":"public"}`,
		"lines": `{"columns":[{"name":"oa","nullable":true,"type":"integer"},{"name":"ob","nullable":true,"type":"integer"}],` +
			`"keys":[{"columns":["ob","oa"],"kind":"foreign","name":"lines_ob_oa_fkey","referenced":["b","a"],"references":"public.orders"}],` +
			`"kind":"table","name":"lines","schema":"public"}`,
		"nothing": `{"columns":[],"kind":"table","name":"nothing","schema":"public"}`,
		"v":       `{"columns":[{"name":"id","nullable":true,"type":"integer"}],"kind":"view","name":"v","schema":"public"}`,
		"mv":      `{"columns":[{"name":"id","nullable":true,"type":"integer"}],"kind":"materialized_view","name":"mv","schema":"public"}`,
		"parts":   `{"columns":[{"name":"id","nullable":true,"type":"integer"},{"name":"k","nullable":true,"type":"integer"}],"kind":"partitioned","name":"parts","schema":"public"}`,
		"secured": `{"columns":[{"name":"id","nullable":true,"type":"integer"}],"kind":"table","name":"secured","row_security":true,"schema":"public"}`,
	} {
		if tables[name] != want {
			t.Errorf("%s is\n%s, want\n%s", name, tables[name], want)
		}
	}
}

// stars masks whatever comes from one column.
type stars string

func (s stars) Mask(o tools.Origins) tools.Mask {
	if slices.Contains(o.Known, tools.Origin(s)) {
		return starred{}
	}
	return nil
}

type starred struct{}

func (starred) Name() string                { return "redact" }
func (starred) Apply(string) (string, bool) { return "*", true }

// A table stands in the list only if policy would let it be read, with its
// masked columns marked; and only if the role may read it.
func TestSchemaIsWhatOneMayRead(t *testing.T) {
	db := database(t, schemaTables)
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	var judged []string
	l, err := schema(t, conn, "public.*", func(a tools.Action) tools.Verdict {
		judged = append(judged, a.Targets[0].Name)
		if a.Verb != "select" || a.Effect != tools.Read || a.Facts == nil || a.Display == "" || a.Blank == "" {
			t.Errorf("%+v is not the reading of a table", a)
		}
		return tools.Verdict{Allowed: strings.HasSuffix(a.Targets[0].Name, "s"), Masker: stars("public.customers.email")}
	}, tools.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"public.customers", "public.lines", "public.orders", "public.parts"}; !slices.Equal(l.names(), want) {
		t.Errorf("policy lets %q be seen, want %q", l.names(), want)
	}
	if len(judged) != 13 {
		t.Errorf("%q were judged, want all 13", judged)
	}
	for _, table := range l.Tables {
		for _, column := range table.Columns {
			if want := table.Name == "customers" && column.Name == "email"; (column.Masked == "redact") != want {
				t.Errorf("%s.%s is masked by %q", table.Name, column.Name, column.Masked)
			}
		}
	}
	if l, err := schema(t, conn, "", func(tools.Action) tools.Verdict { return tools.Verdict{} }, tools.Limits{}); err != nil || len(l.Tables) != 0 {
		t.Errorf("where nothing is allowed, %q is seen, %v", l.names(), err)
	}
	name, dsn := role(t, db, "")
	exec(t, db, fmt.Sprintf(`GRANT SELECT ON orders TO %[1]s; GRANT SELECT (id) ON customers TO %[1]s; GRANT INSERT ON lines TO %[1]s;
		GRANT SELECT ON hidden.t TO %[1]s; GRANT USAGE ON SCHEMA "we.ird" TO %[1]s`, name))
	if l, err := schema(t, open(t, sql.Config{DSN: dsn}), "", nil, tools.Limits{}); err != nil || !slices.Equal(l.names(), []string{"public.customers", "public.orders"}) {
		t.Errorf("the role sees %q, %v", l.names(), err)
	}
}

// A large schema comes in pages, by rows and by bytes, each table once.
func TestSchemaPages(t *testing.T) {
	db := database(t, "DO $$ BEGIN FOR i IN 1..700 LOOP EXECUTE format('CREATE TABLE t%s (id int, name text)', lpad(i::text, 4, '0')); END LOOP; END $$")
	conn := open(t, sql.Config{DSN: server.Superuser(db)})
	for _, limits := range []tools.Limits{{}, {Rows: 99}, {Bytes: 20_000}, {Bytes: 1}} {
		r := tools.Request{Tool: "sql_schema", Args: json.RawMessage(`{"pattern":"t0*"}`)}
		if limits.Bytes == 1 {
			r.Args = json.RawMessage(`{"pattern":"t000*"}`)
		}
		var all []string
		for pages := 0; pages < 1000; pages++ {
			plan, err := conn.Describe(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			result, err := plan.Run(t.Context(), gate(nil), limits)
			if err != nil {
				t.Fatal(err)
			}
			data, err := result.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			var l listing
			if err := json.Unmarshal(data, &l); err != nil {
				t.Fatal(err)
			}
			if limits.Bytes > 1 && len(data) > limits.Bytes || limits.Rows > 0 && len(l.Tables) > limits.Rows || l.Truncated != (result.Next() != "") {
				t.Fatalf("%+v: %d bytes, %d tables, truncated %v", limits, len(data), len(l.Tables), l.Truncated)
			}
			all = append(all, l.names()...)
			if r.Resume = result.Next(); r.Resume == "" {
				break
			}
		}
		want := 700
		if limits.Bytes == 1 {
			want = 9
		}
		if len(all) != want || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != want {
			t.Errorf("%+v: %d tables in all, want %d", limits, len(all), want)
		}
	}
}
