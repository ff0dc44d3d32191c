package tools

import (
	"encoding/json"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// SchemaOf is the JSON schema of a Go type by its json and jsonschema tags.
// Objects allow no additional properties, and nothing is null: a list that is
// empty is an empty list, what is not there is left out. extra are schemas of
// types that marshal to something else than they look like.
func SchemaOf[T any](extra map[reflect.Type]*jsonschema.Schema) json.RawMessage {
	types := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Effect](): Words("unknown", "destroy", "write", "read"),
	}
	for t, s := range extra {
		types[t] = s
	}
	schema, err := jsonschema.For[T](&jsonschema.ForOptions{TypeSchemas: types})
	if err != nil {
		panic(err) // a type of ours that has no schema is a mistake in the code
	}
	notNull(schema)
	data, err := json.Marshal(schema)
	if err != nil {
		panic(err)
	}
	return data
}

// Words is the schema of a string that is one of the words.
func Words(words ...string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "string"}
	for _, w := range words {
		s.Enum = append(s.Enum, w)
	}
	return s
}

// notNull takes null out of what a schema allows, all the way down.
func notNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if len(s.Types) == 2 && s.Types[0] == "null" {
		s.Type, s.Types = s.Types[1], nil
	}
	for _, p := range s.Properties {
		notNull(p)
	}
	notNull(s.Items)
	notNull(s.AdditionalProperties)
}
