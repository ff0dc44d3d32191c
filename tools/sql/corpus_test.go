package sql_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
	"github.com/chaperone-dev/chaperone/tools/sql/sqltest"
)

// world builds a world for one test.
func world(t testing.TB) *sqltest.World {
	t.Helper()
	scratch := t.TempDir()
	for dir := scratch; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	w, err := sqltest.Build(t.Context(), server, "testdata", "world", scratch)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestCorpus sends every statement of the corpus to sql_read, as a superuser,
// whom the server itself refuses nothing. After each, nothing may have run that
// leaves a trace.
func TestCorpus(t *testing.T) {
	w := world(t)
	o, err := w.Observe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close(t.Context())
	cases, err := sqltest.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	conn := open(t, sql.Config{DSN: w.DSN("postgres"), SearchPath: sqltest.SearchPath, TrustedFunctions: sqltest.TrustedFunctions})
	for _, c := range cases {
		t.Run(c.ID(), func(t *testing.T) {
			got, detail := attempt(t, conn, c)
			if got != c.Expect {
				t.Errorf("%s, want %s: %.200s\n%.200s", got, c.Expect, detail, c.Statement)
			}
			struck, err := o.Struck(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if struck != "" {
				t.Errorf("it ran %s (%s)\n%.200s", struck, got, c.Statement)
			}
		})
	}
}

// attempt runs a case, and says in the words of sqltest what became of it.
func attempt(t *testing.T, conn tools.Connection, c sqltest.Case) (got, detail string) {
	args, err := json.Marshal(c.Args())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := conn.Describe(t.Context(), tools.Request{Tool: "sql_read", Args: args})
	if err != nil {
		return sqltest.Refused, err.Error()
	}
	if a := plan.Action(); a.Effect != tools.Read {
		return sqltest.Refused, fmt.Sprintf("%s: %s", a.Effect, a.Why)
	}
	result, err := plan.Run(t.Context(), nil, tools.Limits{})
	var f *tools.Failure
	switch {
	case errors.As(err, &f):
		if c.Code != "" && f.Code != c.Code {
			t.Errorf("SQLSTATE %s, want %s", f.Code, c.Code)
		}
		return sqltest.Fails, f.Code + " " + f.Message
	case err != nil:
		return "error", err.Error()
	}
	data, err := result.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Rows json.RawMessage }
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if c.Rows != "" && c.Rows != "any" && !sameJSON(t, []byte(c.Rows), out.Rows) {
		t.Errorf("rows %s, want %s", out.Rows, c.Rows)
	}
	return sqltest.Read, string(data)
}

// sameJSON compares JSON by meaning.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(a, &x), json.Unmarshal(b, &y)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}
