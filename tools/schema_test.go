package tools_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/chaperone-dev/chaperone/tools"
)

type shape struct {
	Name   string           `json:"name" jsonschema:"what it is called"`
	Effect tools.Effect     `json:"effect"`
	Count  *int64           `json:"count,omitempty"`
	List   []part           `json:"list"`
	Map    map[string]part  `json:"map,omitempty"`
	Many   [][]string       `json:"many,omitempty"`
	Colour colour           `json:"colour,omitempty"`
	Any    any              `json:"any,omitempty"`
	Hidden string           `json:"-"`
	Parts  map[string][]int `json:"parts,omitempty"`
}

type (
	part struct {
		X int `json:"x"`
	}
	colour int
)

func TestSchemaOf(t *testing.T) {
	data := tools.SchemaOf[shape](map[reflect.Type]*jsonschema.Schema{reflect.TypeFor[colour](): tools.Words("red", "blue")})
	var schema jsonschema.Schema
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	if schema.Type != "object" || schema.Properties["name"].Description != "what it is called" || schema.Properties["Hidden"] != nil {
		t.Errorf("the schema is %s", data)
	}
	for _, c := range []struct {
		value string
		fits  bool
	}{
		{`{"name":"n","effect":"read","list":[]}`, true},
		{`{"name":"n","effect":"destroy","list":[{"x":1}],"count":3,"map":{"k":{"x":2}},"many":[["a"],[]],"colour":"red","any":{"a":null},"parts":{"a":[1]}}`, true},
		{`{"name":"n","effect":"read","list":[],"more":1}`, false},
		{`{"name":"n","effect":"read","list":[{"x":1,"y":2}]}`, false},
		{`{"name":"n","effect":"read","list":[],"map":{"k":{"x":2,"y":3}}}`, false},
		{`{"name":"n","effect":"reads","list":[]}`, false},
		{`{"name":"n","effect":1,"list":[]}`, false},
		{`{"name":"n","effect":"read","list":null}`, false},
		{`{"name":null,"effect":"read","list":[]}`, false},
		{`{"name":"n","effect":"read","list":[],"count":null}`, false},
		{`{"name":"n","effect":"read","list":[null]}`, false},
		{`{"name":"n","effect":"read","list":[],"many":[null]}`, false},
		{`{"name":"n","effect":"read","list":[],"parts":{"a":null}}`, false},
		{`{"name":"n","effect":"read","list":[],"colour":"green"}`, false},
		{`{"effect":"read","list":[]}`, false},
		{`{"name":"n","effect":"read"}`, false},
	} {
		var v any
		if err := json.Unmarshal([]byte(c.value), &v); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(v); (err == nil) != c.fits {
			t.Errorf("%s: %v, fits should be %v", c.value, err, c.fits)
		}
	}
	if again := tools.SchemaOf[shape](map[reflect.Type]*jsonschema.Schema{reflect.TypeFor[colour](): tools.Words("red", "blue")}); string(again) != string(data) {
		t.Error("the schema is not the same each time")
	}
}
