package policy

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

func TestSchema(t *testing.T) {
	text, err := Schema([]tools.Family{fakeSQL{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"row_security"`, `"sql_write"`, `"estimated_rows"`, `"oidc"`, `"destroy"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the schema lacks %s", want)
		}
	}
}

// oddFamily has the facts schema of a test.
type oddFamily struct {
	fakeSQL
	name, schema string
}

func (f oddFamily) Name() string                 { return f.name }
func (f oddFamily) FactsSchema() json.RawMessage { return json.RawMessage(f.schema) }

func TestSchemaRefuses(t *testing.T) {
	closed := `"additionalProperties":false`
	tests := []struct{ name, schema, want string }{
		{"sql", `{`, `family "sql": facts schema`},
		{"session", `{"type":"object","properties":{"a":{"type":"string"}},` + closed + `}`, `already has a field`},
		{"sql", `{"type":"object","properties":{"a":{"type":"string"}}}`, `input.sql: it must have "additionalProperties": false`},
		{"sql", `{"type":"object","properties":{"a":{}},` + closed + `}`, `input.sql.a: it must have one type`},
		{"sql", `{"type":"object","properties":{"a":{"type":["string","number"]}},` + closed + `}`, `must have one type`},
		{"sql", `{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},` + closed + `}`, `write its type out`},
		{"sql", `{"type":"object","properties":{"a":{"type":"array"}},` + closed + `}`, `input.sql.a[_]: write its type out`},
		{"sql", `{"type":"object","properties":{"a":{"type":"string","enum":[1]}},` + closed + `}`, `which is no string`},
		{"sql", `{"type":"object"}`, `input.sql[_]: write its type out`},
	}
	for _, test := range tests {
		_, err := Schema([]tools.Family{oddFamily{name: test.name, schema: test.schema}})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.schema, err, test.want)
		}
	}
}

// The README for authors of policies names every field, and no other.
func TestReadmeNamesEveryField(t *testing.T) {
	readme, err := os.ReadFile("../examples/policies/README.md")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := inputSchema([]tools.Family{fakeSQL{}})
	if err != nil {
		t.Fatal(err)
	}
	root, err := newField("input", schema)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	leaves(root, known)
	for path := range known {
		if !strings.Contains(string(readme), "`"+path+"`") {
			t.Errorf("README.md does not name %s", path)
		}
	}
	for line := range strings.Lines(string(readme)) {
		if path, found := strings.CutPrefix(line, "| `input."); found {
			path, _, _ = strings.Cut("input."+path, "`")
			// The other families look after their own.
			if !known[path] && !strings.HasPrefix(path, "input.kubectl.") {
				t.Errorf("README.md names %s, which is no field", path)
			}
		}
	}
}

// leaves collects the paths of values that hold no further fields.
func leaves(f *field, into map[string]bool) {
	switch {
	case f.closed():
		for _, m := range f.members {
			leaves(m.field, into)
		}
	case f.items.closed():
		leaves(f.items, into)
	case f.items != nil:
		into[strings.TrimSuffix(f.items.path, "[_]")] = true
	default:
		into[f.path] = true
	}
}
