package policy

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/chaperone-dev/chaperone/tools"
)

// Own is the family, and the connection, of the tools that Chaperone itself
// offers beside those of the families.
const Own = "chaperone"

// Schema returns the JSON schema of [Input] with the facts of the families,
// each under its family's name. Policies are compiled against it, and every
// input is held to it. It fails on a facts schema that leaves open what a
// policy may find.
func Schema(families []tools.Family) (json.RawMessage, error) {
	schema, err := inputSchema(families)
	if err != nil {
		return nil, err
	}
	if _, err := newField("input", schema); err != nil {
		return nil, err
	}
	return json.MarshalIndent(schema, "", "  ")
}

func inputSchema(families []tools.Family) (*jsonschema.Schema, error) {
	schema := new(jsonschema.Schema)
	if err := json.Unmarshal(tools.SchemaOf[Input](map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Method](): tools.Words(methods()...),
	}), schema); err != nil {
		return nil, fmt.Errorf("schema of the policy input: %w", err)
	}
	names, toolNames := []string{Own}, []string{"access", "approval_wait"}
	for _, family := range families {
		if err := addFacts(schema, family); err != nil {
			return nil, err
		}
		names = append(names, family.Name())
		for _, tool := range family.Tools() {
			toolNames = append(toolNames, tool.Name)
		}
	}
	schema.Title = "Chaperone policy input"
	schema.Properties["session"].Properties["transport"] = tools.Words("stdio", "http", "cli")
	schema.Properties["connection"].Properties["family"] = tools.Words(names...)
	schema.Properties["call"].Properties["tool"] = tools.Words(toolNames...)
	return schema, nil
}

func addFacts(schema *jsonschema.Schema, family tools.Family) error {
	if schema.Properties[family.Name()] != nil {
		return fmt.Errorf("family %q: policy input already has a field of this name", family.Name())
	}
	facts := new(jsonschema.Schema)
	if err := json.Unmarshal(family.FactsSchema(), facts); err != nil {
		return fmt.Errorf("family %q: facts schema: %w", family.Name(), err)
	}
	schema.Properties[family.Name()] = facts
	return nil
}
