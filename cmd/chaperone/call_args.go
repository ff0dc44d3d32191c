package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/tools"
)

// text is an argument, or standard input for "-".
func (o *options) text(argument string) (string, error) {
	if argument != "-" {
		return argument, nil
	}
	data, err := io.ReadAll(io.LimitReader(o.in, 1<<20))
	return string(data), err
}

// main puts what stands behind a tool's name into its main argument: the words of
// a command, or one text.
func (o *options) main(all map[string]any, tool string, words []string) error {
	name, list := mainArgument(tool)
	if list {
		if slices.ContainsFunc(words, func(w string) bool { return !utf8.ValidString(w) }) {
			return errNotUTF8
		}
		all[name] = words
		return nil
	}
	if len(words) > 1 {
		return usageError{fmt.Errorf("%s takes one argument, and these are %d: put it into quotes", tool, len(words))}
	}
	text, err := o.text(words[0])
	all[name] = text
	return err
}

var errNotUTF8 = usageError{errors.New("an argument is not valid UTF-8")}

// mainArgument is the argument that a tool can't do without, or its first, and
// whether that is a list.
func mainArgument(tool string) (name string, list bool) {
	if tool == waitTool {
		return waitArgument, false
	}
	for _, family := range app.Families() {
		for _, t := range family.Tools() {
			if t.Name == tool {
				return firstArgument(t)
			}
		}
	}
	return "argument", false
}

func firstArgument(t tools.Tool) (name string, list bool) {
	var schema struct {
		Required   []string `json:"required"`
		Properties map[string]struct {
			Type json.RawMessage `json:"type"`
		} `json:"properties"`
	}
	if json.Unmarshal(t.Input, &schema) != nil {
		return "argument", false
	}
	for _, name := range append(schema.Required, slices.Sorted(maps.Keys(schema.Properties))...) {
		return name, string(schema.Properties[name].Type) == `"array"`
	}
	return "argument", false
}
