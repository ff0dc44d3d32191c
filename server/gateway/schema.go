package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/chaperone-dev/chaperone/tools"
)

// shared are the arguments that tools have in common.
type shared struct {
	Connection string `json:"connection,omitempty" jsonschema:"the connection to work on; the tool access lists them. Not needed where there is only one"`
	Reason     string `json:"reason,omitempty" jsonschema:"why, in a sentence for the people who read the record; policy may demand it"`
	DryRun     bool   `json:"dry_run,omitempty" jsonschema:"describe and judge the call, and run nothing"`
	Cursor     string `json:"cursor,omitempty" jsonschema:"next_cursor of the same call, to go on where its result was cut"`
}

// complete adds to a tool's schemas what the gateway takes and says itself.
func complete(t Tool) (Tool, error) {
	input, err := parseSchema(t.Input)
	if err != nil {
		return t, fmt.Errorf("the input schema of %s: %w", t.Name, err)
	}
	output, err := parseSchema(t.Output)
	if err != nil {
		return t, fmt.Errorf("the output schema of %s: %w", t.Name, err)
	}
	if t.Family != "" {
		args := mustParse(tools.SchemaOf[shared](nil))
		if t.Ceiling == tools.Read {
			delete(args.Properties, "dry_run")
		}
		if !t.Pages {
			delete(args.Properties, "cursor")
		}
		if err := add(input, args); err != nil {
			return t, fmt.Errorf("the input schema of %s: %w", t.Name, err)
		}
	}
	reply := mustParse(tools.SchemaOf[Reply](nil))
	reply.Properties["status"] = tools.Words(string(OK), string(Described), string(Pending), string(Asking), string(Refused), string(Failed), string(Ambiguous))
	if t.Ceiling != tools.Read {
		maps.Copy(reply.Properties, mustParse(tools.SchemaOf[dryRunOutput](nil)).Properties)
	}
	if err := add(output, reply); err != nil {
		return t, fmt.Errorf("the output schema of %s: %w", t.Name, err)
	}
	output.Required = reply.Required
	spellOut(input)
	spellOut(output)
	if t.Input, err = json.Marshal(input); err != nil {
		return t, err
	}
	t.Output, err = json.Marshal(output)
	return t, err
}

// add gives a schema further properties. None may take the place of another:
// one would stand twice in a call or a reply.
func add(to, more *jsonschema.Schema) error {
	for name := range more.Properties {
		if to.Properties[name] != nil {
			return fmt.Errorf("the name %q is the gateway's own", name)
		}
	}
	maps.Copy(to.Properties, more.Properties)
	return nil
}

// anything are the types of JSON.
var anything = []string{"string", "number", "boolean", "object", "array", "null"}

// spellOut writes "any value" as the list of all types. A bare true says the
// same, and some of the models that are given the schema refuse it.
func spellOut(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	for _, property := range s.Properties {
		spellOut(property)
	}
	spellOut(s.Items)
	if reflect.ValueOf(*s).IsZero() {
		s.Types = anything
	}
}

// dryRunOutput describes dryRun to a client, whose facts are the family's.
type dryRunOutput struct {
	Description struct {
		Verb    string         `json:"verb"`
		Effect  tools.Effect   `json:"effect"`
		Why     string         `json:"why,omitempty"`
		Targets []tools.Target `json:"targets"`
		Facts   map[string]any `json:"facts,omitempty"`
	} `json:"description,omitzero"`
	Preview *tools.Preview `json:"preview,omitempty" jsonschema:"what the call would touch, as far as that can be found out without running it"`
}

func parseSchema(data json.RawMessage) (*jsonschema.Schema, error) {
	var s jsonschema.Schema
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	if s.Properties == nil {
		s.Properties = map[string]*jsonschema.Schema{}
	}
	return &s, nil
}

// mustParse reads a schema that SchemaOf made.
func mustParse(data json.RawMessage) *jsonschema.Schema {
	s, err := parseSchema(data)
	if err != nil {
		panic(err)
	}
	return s
}
