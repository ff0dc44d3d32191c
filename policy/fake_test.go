package policy

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/chaperone-dev/chaperone/tools"
)

// fakeSQL is a family with the facts of the real one. The packages can't meet
// in a test, as policy imports no family.
type fakeSQL struct{}

func (fakeSQL) Name() string { return "sql" }
func (fakeSQL) Tools() []tools.Tool {
	return []tools.Tool{{Name: "sql_read"}, {Name: "sql_write"}, {Name: "sql_schema"}}
}
func (fakeSQL) Samples() []tools.Action { return nil }
func (fakeSQL) Open(tools.ConnectionConfig) (tools.Connection, error) {
	return nil, errors.New("not for use")
}
func (fakeSQL) FactsSchema() json.RawMessage {
	schema := new(jsonschema.Schema)
	if err := json.Unmarshal(tools.SchemaOf[sqlFacts](nil), schema); err != nil {
		panic(err)
	}
	table := schema.Properties["tables"].Items
	table.Properties["access"] = tools.Words("read", "write", "delete", "define", "drop")
	schema.Properties["columns"].Items.Properties["use"] = tools.Words("output", "filter", "write", "define")
	schema.Properties["functions"].Items.Properties["volatility"] = tools.Words("immutable", "stable", "volatile")
	text, err := json.Marshal(schema)
	if err != nil {
		panic(err)
	}
	return text
}

type sqlFacts struct {
	Statement       string        `json:"statement"`
	Explains        string        `json:"explains"`
	Analyze         bool          `json:"analyze"`
	Tables          []sqlTable    `json:"tables"`
	Columns         []sqlColumn   `json:"columns"`
	Functions       []sqlFunction `json:"functions"`
	Operators       []sqlName     `json:"operators"`
	Casts           []sqlCast     `json:"casts"`
	Commands        []string      `json:"commands"`
	Objects         []sqlObject   `json:"objects"`
	HasWhere        bool          `json:"has_where"`
	WhereIsConstant bool          `json:"where_is_constant"`
	Returning       bool          `json:"returning"`
	Locking         bool          `json:"locking"`
	Limit           bool          `json:"limit"`
	Rules           bool          `json:"rules"`
	Opaque          bool          `json:"opaque"`
	Fingerprint     string        `json:"fingerprint"`
	Normalized      string        `json:"normalized"`
	Params          int           `json:"params"`
	EstimatedRows   *float64      `json:"estimated_rows,omitempty"`
	EstimatedCost   *float64      `json:"estimated_cost,omitempty"`
}

func (sqlFacts) Family() string { return "sql" }

type sqlTable struct {
	Schema      string `json:"schema"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Access      string `json:"access"`
	Via         string `json:"via"`
	System      bool   `json:"system"`
	RowSecurity bool   `json:"row_security"`
}

type sqlColumn struct {
	Schema string `json:"schema"`
	Table  string `json:"table"`
	Column string `json:"column"`
	Use    string `json:"use"`
}

type sqlFunction struct {
	Schema          string `json:"schema"`
	Name            string `json:"name"`
	Volatility      string `json:"volatility"`
	SecurityDefiner bool   `json:"security_definer"`
	Builtin         bool   `json:"builtin"`
	Trusted         bool   `json:"trusted"`
}

type sqlName struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
}

type sqlObject struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type sqlCast struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// aRead is an input as a gateway would make it, for tests to change.
func aRead() *Input {
	return &Input{
		Principal: Principal{Subject: "ann", Email: "ann@example.com", Name: "Ann", Groups: []string{"dev", "oncall"},
			Issuer: "https://id.example.com", Method: OIDC, Claims: map[string]string{"dept": "web"}},
		Session:    Session{ID: "s1", Client: Client{"cursor", "1.0"}, Transport: "http"},
		Connection: Connection{Name: "shop", Family: "sql", Labels: map[string]string{"env": "prod"}},
		Call:       Call{Tool: "sql_read", Reason: "looking at order 7", Time: time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)},
		Action: tools.Action{Verb: "select", Effect: tools.Read,
			Display: "SELECT c.id, c.name, o.total FROM customers c JOIN orders o ON o.customer_id = c.id WHERE o.id = 7",
			Targets: []tools.Target{{Kind: "table", Name: "public.customers"}, {Kind: "table", Name: "public.orders"}},
			Facts: sqlFacts{
				Statement: "select", HasWhere: true, Fingerprint: "2f9c0a1b", Normalized: "SELECT ...",
				Tables: []sqlTable{
					{Schema: "public", Name: "customers", Kind: "table", Access: "read"},
					{Schema: "public", Name: "orders", Kind: "table", Access: "read"},
				},
				Columns: []sqlColumn{
					{"public", "customers", "id", "output"}, {"public", "customers", "name", "output"},
					{"public", "orders", "total", "output"}, {"public", "orders", "customer_id", "filter"},
					{"public", "orders", "id", "filter"}, {"public", "customers", "id", "filter"},
				},
			},
		},
	}
}

// write puts files, by relative name, into a new folder.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		writeFile(t, filepath.Join(dir, name), text)
	}
	return dir
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func options(paths ...string) Options {
	return Options{Paths: paths, Families: []tools.Family{fakeSQL{}}}
}

// loaded loads a policy of one file, whose package line is given.
func loaded(t testing.TB, rules string) *Policy {
	t.Helper()
	p, err := Load(t.Context(), options(write(t, map[string]string{"p.rego": "package chaperone\n" + rules})))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
