package sql_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

// walk follows cursors to the end, and returns the first column of all rows.
func walk(t *testing.T, conn tools.Connection, r tools.Request, limits tools.Limits) (all []string, pages int) {
	t.Helper()
	for {
		a, err := call(t, conn, r, limits)
		if err != nil {
			t.Fatal(err)
		}
		if pages++; a.Count != len(a.Rows) || a.Truncated != (a.next != "") {
			t.Fatalf("page %d: %d rows, %d counted, truncated %v, next %q", pages, len(a.Rows), a.Count, a.Truncated, a.next)
		}
		if limits.Rows > 0 && a.Count > limits.Rows {
			t.Fatalf("page %d has %d rows, the cap is %d", pages, a.Count, limits.Rows)
		}
		if limits.Bytes > 0 && a.size > limits.Bytes {
			t.Fatalf("page %d has %d bytes, the cap is %d", pages, a.size, limits.Bytes)
		}
		for _, row := range a.Rows {
			all = append(all, string(row[0]))
		}
		if a.next == "" {
			return all, pages
		}
		if a.next == r.Resume {
			t.Fatalf("page %d does not get on", pages)
		}
		r.Resume = a.next
	}
}

// Cursors lead through the whole result, without loss and without repetition,
// whatever cuts it.
func TestPages(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, "")), Bytes: 200_000})
	const (
		plain  = "SELECT i FROM generate_series(1, 1000) i"
		ragged = "SELECT i, repeat('ä\"', (i * 37) % 400) FROM generate_series(1, 1000) i"
		broad  = "SELECT i, i, i, i, i, i, i, i, i, i FROM generate_series(1, 1000) i"
	)
	for _, c := range []struct {
		name, statement string
		limits          tools.Limits
		maxRows, pages  int
	}{
		{"no cap but the connection's", plain, tools.Limits{}, 0, 2},
		{"one by one", "SELECT i FROM generate_series(1, 20) i", tools.Limits{Rows: 1}, 0, 20},
		{"even pages", plain, tools.Limits{Rows: 250}, 0, 4},
		{"odd pages", plain, tools.Limits{Rows: 333}, 0, 4},
		{"one row too few", plain, tools.Limits{Rows: 499}, 0, 3},
		{"exactly", "SELECT i FROM generate_series(1, 500) i", tools.Limits{Rows: 500}, 0, 1},
		{"max_rows", plain, tools.Limits{Rows: 400}, 125, 8},
		{"max_rows above the cap", plain, tools.Limits{Rows: 250}, 1_000_000, 4},
		{"bytes", ragged, tools.Limits{Bytes: 20_000}, 0, 0},
		{"few bytes", broad, tools.Limits{Bytes: 1000}, 0, 0},
		{"rows and bytes", ragged, tools.Limits{Rows: 70, Bytes: 30_000}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := map[string]any{"sql": c.statement, "max_rows": c.maxRows}
			data, err := json.Marshal(args)
			if err != nil {
				t.Fatal(err)
			}
			all, pages := walk(t, conn, tools.Request{Tool: "sql_read", Args: data}, c.limits)
			if c.pages > 0 && pages != c.pages {
				t.Errorf("%d pages, want %d", pages, c.pages)
			}
			for i, v := range all {
				if v != strconv.Itoa(i+1) {
					t.Fatalf("row %d is %s", i+1, v)
				}
			}
			want := 1000
			if strings.Contains(c.statement, "1, 20)") {
				want = 20
			} else if strings.Contains(c.statement, "1, 500)") {
				want = 500
			}
			if len(all) != want {
				t.Errorf("%d rows in all, want %d", len(all), want)
			}
		})
	}
}

// A row that alone is larger than a result may be comes back cut, and says so;
// characters stay whole.
func TestLargeRow(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, ""))})
	const statement = "SELECT i, repeat('→', 50000) AS long, 'short' AS s, NULL AS n, repeat(E'\\x01', 40000) AS odd FROM generate_series(1, 3) i"
	r := request(t, "sql_read", statement)
	limits := tools.Limits{Bytes: 8000}
	for page := 1; page <= 3; page++ {
		a, err := call(t, conn, r, limits)
		if err != nil {
			t.Fatal(err)
		}
		if a.Count != 1 || a.size > limits.Bytes || len(a.Cut) != 2 {
			t.Fatalf("page %d: %d rows, %d bytes, cut %+v", page, a.Count, a.size, a.Cut)
		}
		var long string
		if err := json.Unmarshal(a.Rows[0][1], &long); err != nil {
			t.Fatal(err)
		}
		if c := a.Cut[0]; c.Column != "long" || c.Bytes != 150_000 || c.Row != 0 || strings.Trim(long, "→") != "" || long == "" {
			t.Errorf("cut %+v, %.20q", c, long)
		}
		if s, n, i := string(a.Rows[0][2]), string(a.Rows[0][3]), string(a.Rows[0][0]); s != `"short"` || n != "null" || i != strconv.Itoa(page) {
			t.Errorf("what is short was not left as it is: %s %s %s", i, s, n)
		}
		if r.Resume = a.next; (a.next == "") != (page == 3) {
			t.Errorf("page %d goes on at %q", page, a.next)
		}
	}
	for name, statement := range map[string]string{
		"many columns": "SELECT " + strings.TrimSuffix(strings.Repeat("repeat('x', 500), ", 1600), ", "),
		"no columns":   "SELECT FROM generate_series(1, 3)",
	} {
		if a, err := call(t, conn, request(t, "sql_read", statement), tools.Limits{Bytes: 1}); err != nil || a.Count != 1 {
			t.Errorf("%s under a cap of one byte: %d rows, %v", name, a.Count, err)
		}
	}
	// One that is larger than any message that is read fails, with advice.
	f := failed(t, conn, request(t, "sql_read", "SELECT repeat('x', 17 * 1024 * 1024)"))
	if f.Code != "54000" || !strings.Contains(f.Message, "16 MB") || f.Hint == "" {
		t.Errorf("%+v", f)
	}
	if got := one(t, conn, "SELECT 1"); got != "1" {
		t.Errorf("the connection is of no use after it: %s", got)
	}
}

// What a caller may set is bounded.
func TestCapsRefused(t *testing.T) {
	conn := open(t, sql.Config{DSN: server.Superuser(database(t, "CREATE TABLE t (id int)"))})
	for _, c := range []struct {
		args, resume, reason string
	}{
		{`{"sql":"SELECT 1","max_rows":-1}`, "", "max_rows"},
		{`{"sql":"SELECT 1","max_rows":1.5}`, "", "max_rows"},
		{`{"sql":"SELECT 1","max_rows":"9"}`, "", "max_rows"},
		{`{"sql":"SELECT 1","max_rows":99999999999999999999}`, "", "max_rows"},
		{`{"sql":"SELECT 1"}`, "-1", "cursor"},
		{`{"sql":"SELECT 1"}`, "x", "cursor"},
		{`{"sql":"SELECT 1"}`, "99999999999", "cursor"},
		{`{"sql":""}`, "", "sql"},
		{`{}`, "", "sql"},
	} {
		r := refused(t, conn, tools.Request{Tool: "sql_read", Args: json.RawMessage(c.args), Resume: c.resume})
		if r.Rule != "arguments" || !strings.Contains(r.Reason, c.reason) {
			t.Errorf("%s %s: %s: %s", c.args, c.resume, r.Rule, r.Reason)
		}
	}
	// A change is never made again for the rest of its rows.
	r := request(t, "sql_write", "INSERT INTO t SELECT generate_series(1, 10) RETURNING id")
	a, err := call(t, conn, r, tools.Limits{Rows: 3})
	if err != nil || a.Count != 3 || !a.Truncated || a.next != "" || *a.Changed != 10 {
		t.Errorf("%+v, %v; want 3 rows, truncated, no cursor, 10 changed", a, err)
	}
	r.Resume = "3"
	if refusal := refused(t, conn, r); !strings.Contains(refusal.Reason, "cursor") {
		t.Errorf("a cursor for a change: %s", refusal.Reason)
	}
	if got := one(t, conn, "SELECT count(*) FROM t"); got != "10" {
		t.Errorf("%s rows, want 10", got)
	}
}

// A result of any size takes the memory of its cap.
func TestHugeResult(t *testing.T) {
	db := database(t, "CREATE TABLE t AS SELECT i FROM generate_series(1, 200) i")
	conn := open(t, sql.Config{DSN: server.Superuser(db), Rows: 100_000})
	for name, c := range map[string]struct{ tool, statement string }{
		"a read":                 {"sql_read", "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)"},
		"a change with its rows": {"sql_write", "UPDATE t SET i = i RETURNING repeat('x', 1000000)"},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := conn.Describe(t.Context(), request(t, c.tool, c.statement))
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			result, err := plan.Run(t.Context(), nil, tools.Limits{Bytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 16<<20 {
				t.Errorf("%d MB are held by a result of 1 MB", grown>>20)
			}
			if data, err := result.MarshalJSON(); err != nil || len(data) > 1<<20 {
				t.Errorf("%d bytes, %v", len(data), err)
			}
			if stats := result.Stats(); stats.RowsRead == 0 {
				t.Error("no row was read")
			}
			// What was broken off is stopped on the server, too.
			until(t, outside(t, db), "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chaperone' AND state = 'active')")
		})
	}
}

// Limits are those of whoever is strictest.
func TestLimits(t *testing.T) {
	db := database(t, "")
	for _, c := range []struct{ connection, policy, caller, want int }{
		{0, -1, 0, 0}, {0, 0, 0, 500}, {5, 0, 0, 5}, {0, 7, 0, 7}, {0, 0, 9, 9}, {5, 7, 9, 5}, {9, 7, 5, 5}, {9, 5, 7, 5},
	} {
		conn := open(t, sql.Config{DSN: server.Superuser(db), Rows: c.connection})
		args := fmt.Sprintf(`{"sql":"SELECT generate_series(1, 1000)","max_rows":%d}`, c.caller)
		a, err := call(t, conn, tools.Request{Tool: "sql_read", Args: json.RawMessage(args)}, tools.Limits{Rows: c.policy})
		if err != nil || a.Count != c.want {
			t.Errorf("%+v: %d rows, %v", c, a.Count, err)
		}
	}
}
