package kubectl

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// schemaNode is a part of the schema of the facts.
type schemaNode struct {
	Type       any
	Properties map[string]*schemaNode
	Items      *schemaNode
}

// leaves are the paths of the values below a part.
func (n *schemaNode) leaves(at string, into map[string]bool) {
	switch {
	case len(n.Properties) > 0:
		for name, part := range n.Properties {
			part.leaves(at+"."+name, into)
		}
	case n.Items != nil && len(n.Items.Properties) > 0:
		n.Items.leaves(at+"[_]", into)
	default:
		into[at] = true
	}
}

// TestReadmeNamesEveryFact, and none that is not there.
func TestReadmeNamesEveryFact(t *testing.T) {
	readme, err := os.ReadFile("../../examples/policies/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var schema schemaNode
	if err := json.Unmarshal(Family{}.FactsSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	schema.leaves("input.kubectl", known)
	if len(known) < 20 {
		t.Errorf("there are only %d facts", len(known))
	}
	for path := range known {
		if !strings.Contains(string(readme), "| `"+path+"` |") {
			t.Errorf("README.md does not name %s", path)
		}
	}
	for line := range strings.Lines(string(readme)) {
		if path, found := strings.CutPrefix(line, "| `input.kubectl."); found {
			if path, _, _ = strings.Cut("input.kubectl."+path, "`"); !known[path] {
				t.Errorf("README.md names %s, which is no fact", path)
			}
		}
	}
}
