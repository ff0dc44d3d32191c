package kubectl

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pmezard/go-difflib/difflib"
	"sigs.k8s.io/yaml"
)

// maxCompared bounds lines before times lines after: what it takes to compare
// them grows faster than that, and nothing ends it.
const maxCompared = 16 << 20

// unified is what differs between two texts, as diff -u shows it; "" where
// nothing does.
func unified(before, after, from, to string) (string, error) {
	a, b := lines(before), lines(after)
	if len(a)*len(b) > maxCompared {
		return "", fmt.Errorf("too long to compare: %d lines before, %d after", len(a), len(b))
	}
	return difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: a, B: b, FromFile: from, ToFile: to, Context: 3})
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return difflib.SplitLines(strings.TrimSuffix(text, "\n"))
}

// asBefore stands in a list for what does not differ.
const asBefore = "(as before)"

// apart are two values without what is the same in both.
func apart(a, b any) (onlyA, onlyB any) {
	x, xIs := a.(map[string]any)
	y, yIs := b.(map[string]any)
	if xIs && yIs {
		before, after := maps.Clone(x), maps.Clone(y)
		for name := range x {
			inner, both := y[name]
			switch {
			case !both || name == "name": // by which elements of lists are told apart
			case reflect.DeepEqual(x[name], inner):
				delete(before, name)
				delete(after, name)
			default:
				before[name], after[name] = apart(x[name], inner)
			}
		}
		return before, after
	}
	v, vIs := a.([]any)
	w, wIs := b.([]any)
	if !vIs || !wIs || len(v) != len(w) {
		return a, b
	}
	before, after := slices.Clone(v), slices.Clone(w)
	for i := range v {
		if reflect.DeepEqual(v[i], w[i]) {
			before[i], after[i] = asBefore, asBefore
		} else {
			before[i], after[i] = apart(v[i], w[i])
		}
	}
	return before, after
}

// text is an object as YAML, without what changes by itself, but for fields that are
// named.
func text(object map[string]any, but ...string) string {
	if object == nil {
		return ""
	}
	return asYAML(plainObject(object, but...))
}

// asYAML is what was read from JSON, which always marshals. What can't be said in YAML
// is said in JSON: it must not look like nothing.
func asYAML(value any) string {
	data, _ := json.MarshalIndent(value, "", "  ")
	out, err := yaml.JSONToYAML(unreadable.ReplaceAllFunc(data, escape))
	if err != nil {
		return string(data) + "\n"
	}
	return string(out)
}

// unreadable are the letters that a YAML reader does not take as they are.
// https://yaml.org/spec/1.2.2/#51-character-set
var unreadable = regexp.MustCompile(`[\x{7f}-\x{9f}\x{feff}\x{fffe}\x{ffff}]`)

// escape is a letter as JSON says it otherwise.
func escape(letter []byte) []byte {
	r, _ := utf8.DecodeRune(letter)
	return fmt.Appendf(nil, `\u%04x`, r)
}
