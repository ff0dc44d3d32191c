package policy

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/open-policy-agent/opa/v1/ast"
)

// A field is a place in the input's schema: what policies are checked against
// when they load, and what an input is held to when it is judged.
type field struct {
	// path is how Rego reaches it: "input.sql.tables[_].name".
	path string
	// kind is "string", "number", "integer", "boolean", "array" or "object".
	kind string
	// words are those that a string may be; nil allows any.
	words map[string]*ast.Term
	// items are the members of an array, or of an object whose keys are not
	// known beforehand.
	items *field
	// members are those of an object whose keys are known, else nil.
	members map[string]*member
	// required counts the members that must be there.
	required int
}

// member is a field of an object, with its key as Rego holds it.
type member struct {
	*field
	key      *ast.Term
	required bool
}

// closed reports whether the field is an object whose keys are known.
func (f *field) closed() bool { return f != nil && f.members != nil }

// holdsClosed reports whether the field is, or is a list of, closed objects.
func (f *field) holdsClosed() bool {
	return f != nil && (f.closed() || f.items.holdsClosed())
}

// names lists the members of a closed object, sorted.
func (f *field) names() []string {
	var names []string
	for name := range f.members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// newField reads the part of JSON schema that leaves nothing open: typed
// values, lists, objects with known members, objects from string to one type.
func newField(path string, s *jsonschema.Schema) (*field, error) {
	if s == nil || s.Ref != "" || s.AnyOf != nil || s.AllOf != nil || s.OneOf != nil || s.PatternProperties != nil ||
		s.PrefixItems != nil {
		return nil, fmt.Errorf("schema of %s: write its type out; $ref, anyOf and the like are not followed", path)
	}
	f := &field{path: path, kind: s.Type}
	var err error
	switch s.Type {
	case "string":
		err = f.readWords(s)
	case "number", "integer", "boolean":
	case "array":
		f.items, err = newField(path+"[_]", s.Items)
	case "object":
		err = f.readMembers(s)
	default:
		err = fmt.Errorf("schema of %s: it must have one type, not %q %q", path, s.Type, s.Types)
	}
	return f, err
}

func (f *field) readWords(s *jsonschema.Schema) error {
	if s.Enum == nil {
		return nil
	}
	f.words = map[string]*ast.Term{}
	for _, value := range s.Enum {
		word, ok := value.(string)
		if !ok {
			return fmt.Errorf("schema of %s: enum holds %v, which is no string", f.path, value)
		}
		f.words[word] = ast.StringTerm(word)
	}
	return nil
}

func (f *field) readMembers(s *jsonschema.Schema) error {
	if len(s.Properties) == 0 {
		var err error
		f.items, err = newField(f.path+"[_]", s.AdditionalProperties)
		return err
	}
	if !refusesAll(s.AdditionalProperties) {
		return fmt.Errorf("schema of %s: it must have \"additionalProperties\": false", f.path)
	}
	f.members, f.required = map[string]*member{}, len(s.Required)
	var faults []error
	for name, property := range s.Properties {
		child, err := newField(f.path+"."+name, property)
		faults = append(faults, err)
		f.members[name] = &member{child, ast.StringTerm(name), slices.Contains(s.Required, name)}
	}
	return errors.Join(faults...)
}

func refusesAll(s *jsonschema.Schema) bool {
	return s != nil && s.Not != nil && reflect.DeepEqual(s.Not, &jsonschema.Schema{})
}

// step returns the field that a constant key, or any key, leads to; nil when
// there is none or it is not known.
func (f *field) step(key ast.Value) *field {
	if f == nil {
		return nil
	}
	if name, ok := key.(ast.String); ok && f.closed() {
		if m := f.members[string(name)]; m != nil {
			return m.field
		}
	}
	return f.items
}
