package tools

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DecodeArgs reads a tool's arguments into a struct by its json tags. Names are
// exact; an unknown or repeated one is an error, as is text that is not UTF-8.
// The error is for the caller and quotes no value.
func DecodeArgs(data json.RawMessage, into any) error {
	err := jsonv2.Unmarshal(data, into, jsonv2.RejectUnknownMembers(true))
	var meaning *jsonv2.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &meaning):
		return plainly(meaning)
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("an argument is given twice")
	}
	return errors.New("the arguments are not a JSON object")
}

func plainly(err *jsonv2.SemanticError) error {
	// The tokens of a pointer are the names as they were written (RFC 6901).
	name := strings.Join(slices.Collect(err.JSONPointer.Tokens()), "/")
	switch {
	case errors.Is(err, jsonv2.ErrUnknownName):
		return fmt.Errorf("the argument %q is not known", name)
	case err.GoType != nil && name != "":
		return fmt.Errorf("the argument %q must be %s", name, wordFor(err.GoType))
	case name != "":
		return fmt.Errorf("the argument %q can't be read", name)
	}
	return errors.New("the arguments are not a JSON object")
}

func wordFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	}
	return "of another type"
}
