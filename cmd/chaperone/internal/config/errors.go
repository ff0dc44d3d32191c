package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
)

// explain turns the library's error, which shows the lines around it and so may
// show a secret, into one line in the words of whoever wrote the file.
func (f *file) explain(err error) error {
	var known yaml.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &known) || known.GetToken() == nil:
		return fmt.Errorf("%s: %s", f.path, firstLine(err.Error()))
	}
	return fmt.Errorf("%s:%d: %s", f.path, known.GetToken().Position.Line, meaning(known))
}

// meaning says what is wrong. The value itself it does not show.
func meaning(err yaml.Error) string {
	var typed *yaml.TypeError
	if errors.As(err, &typed) {
		return fmt.Sprintf("%sthis must be %s, and is %s", field(err), kind(typed.DstType), kind(typed.SrcType))
	}
	text := firstLine(err.GetMessage())
	if strings.Contains(text, `'	'`) || strings.Contains(text, "'\t'") {
		return "a tab stands where YAML wants spaces"
	}
	for from, to := range map[string]string{"string": "text", "mapping": "a mapping", "sequence": "a list", "integer": "a number", "float": "a number"} {
		if rest, ok := strings.CutPrefix(text, from+" was used where "); ok {
			want, _ := strings.CutSuffix(rest, " is expected")
			return fmt.Sprintf("%sthis must be %s, and is %s", field(err), strings.NewReplacer("mapping", "a mapping", "sequence", "a list").Replace(want), to)
		}
	}
	return text
}

// field is the key whose value is at fault, if the value stands right behind it.
func field(err yaml.Error) string {
	colon := err.GetToken().Prev
	if colon == nil || colon.Value != ":" || colon.Prev == nil {
		return ""
	}
	return colon.Prev.Value + ": "
}

// kind is what YAML calls a type of ours.
func kind(t reflect.Type) string {
	if t == nil {
		return "nothing"
	}
	if t.String() == "time.Duration" {
		return "a time such as 10s"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping"
	case reflect.Pointer:
		return kind(t.Elem())
	}
	return "a number"
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
