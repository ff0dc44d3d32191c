package obligation

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// decode reads an element strictly into T, whose JSON names are the keys that
// the element may have.
func decode[T any](element []byte) (T, error) {
	var into T
	if err := refuseNull(element); err != nil {
		return into, err
	}
	err := json.Unmarshal(element, &into, json.RejectUnknownMembers(true))
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		err = explain(semantic, reflect.TypeFor[T]())
	}
	return into, err
}

// refuseNull looks for nulls, which decode to zero values and would leave a
// bound open.
func refuseNull(element []byte) error {
	if !bytes.Contains(element, []byte("null")) {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(element))
	for {
		token, err := d.ReadToken()
		switch {
		case err != nil:
			return nil // the end, or a fault that decoding reports
		case token.Kind() == 'n' && d.StackDepth() > 0:
			return fmt.Errorf("%q is null; give it a value or leave it out", d.StackPointer().LastToken())
		}
	}
}

func explain(err *json.SemanticError, into reflect.Type) error {
	key := err.JSONPointer.LastToken()
	switch {
	case errors.Is(err.Err, json.ErrUnknownName):
		return fmt.Errorf("unknown key %q; the keys are %s", key, strings.Join(keys(into), ", "))
	case key == "":
		return fmt.Errorf("must be an object with the keys %s", strings.Join(keys(into), ", "))
	}
	if want := want(err.GoType); want != have(err.JSONKind) {
		return fmt.Errorf("%s must be %s, not %s", place(err.JSONPointer), want, have(err.JSONKind))
	}
	return fmt.Errorf("%s: %s can't be used", place(err.JSONPointer), err.JSONValue)
}

// place names the key, or the key of the list, that a pointer leads to.
func place(pointer jsontext.Pointer) string {
	key, rest, nested := strings.Cut(strings.TrimPrefix(string(pointer), "/"), "/")
	if nested {
		return fmt.Sprintf("%q at position %s", key, rest)
	}
	return fmt.Sprintf("%q", key)
}

func keys(t reflect.Type) []string {
	var names []string
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func want(t reflect.Type) string {
	switch {
	case t == nil:
		return "something else"
	case t.Kind() == reflect.Pointer:
		return want(t.Elem())
	case t.Kind() == reflect.Bool:
		return "a boolean"
	case t.Kind() == reflect.Int:
		return "a number"
	case t.Kind() == reflect.Slice:
		return "a list of strings"
	}
	return "a string"
}

func have(kind jsontext.Kind) string {
	switch kind {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '[':
		return "a list"
	case '{':
		return "an object"
	}
	return "a boolean"
}

// required refuses an element that lacks one of its keys or leaves it empty.
func required(key, value string) error {
	if strings.TrimSpace(value) == "" {
		return fmt.Errorf("%q is missing or empty", key)
	}
	return nil
}

// duration reads a positive Go duration.
func duration(key, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q: %q is not a duration; write it like \"30s\" or \"10m\"", key, text)
	}
	if d <= 0 {
		return 0, fmt.Errorf("%q: %q must be more than zero", key, text)
	}
	return d, nil
}

func oneOf(key, word string, words ...string) error {
	if slices.Contains(words, word) {
		return nil
	}
	return fmt.Errorf("%q: %q is not one of %s", key, word, strings.Join(words, ", "))
}

// share reads a share of a whole, as in "10%".
func share(key, text string) (float64, error) {
	digits, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !percent || !(n >= 0 && n <= 100) {
		return 0, fmt.Errorf("%q: %q is not a share from 0%% to 100%%; write it like \"10%%\"", key, text)
	}
	return n / 100, nil
}
