package kubectl

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// managers hides what the list of who manages which fields quotes: the items of a
// set, and what the items of a list are told apart by.
func (w walker) managers(object map[string]any) {
	meta, _ := object["metadata"].(map[string]any)
	entries, _ := meta["managedFields"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		if owned, ok := entry["fieldsV1"].(map[string]any); ok && w.policy {
			w.owned(owned, nil)
		}
	}
}

// owned hides masked values in the names of owned fields. What it puts in their place
// can't be read as such a name, so that nobody writes it back.
func (w walker) owned(fields map[string]any, at []string) {
	for _, name := range slices.Collect(maps.Keys(fields)) {
		inner, below := fields[name], at
		kind, rest, _ := strings.Cut(name, ":")
		if kind == "f" {
			below = append(slices.Clone(at), rest)
		}
		if nested, ok := inner.(map[string]any); ok {
			w.owned(nested, below)
		}
		if w.quoted(kind, rest, at) {
			delete(fields, name)
			fields[kind+":"+redacted] = inner
		}
	}
}

// quoted reports whether the name of an owned field quotes what is masked.
func (w walker) quoted(kind, text string, at []string) bool {
	switch kind {
	case "v":
		return w.hides(at)
	case "k":
		var keys map[string]any
		if json.Unmarshal([]byte(text), &keys) != nil {
			return true
		}
		for key := range keys {
			if w.hides(slices.Concat(at, []string{key})) {
				return true
			}
		}
	}
	return false
}

func (w walker) hides(at []string) bool {
	return w.masker.Mask(tools.Origins{Known: []tools.Origin{origin(w.resource, at)}}) != nil
}
