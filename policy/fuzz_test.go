package policy

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// open is a policy whose sets hold whatever the input says.
const open = `
allow contains x if some x in json.unmarshal(input.principal.claims.allow)
deny contains x if some x in json.unmarshal(input.principal.claims.deny)
approve contains x if some x in json.unmarshal(input.principal.claims.approve)
confirm contains x if some x in json.unmarshal(input.principal.claims.confirm)
mask contains x if some x in json.unmarshal(input.principal.claims.mask)
limit contains x if some x in json.unmarshal(input.principal.claims.limit)
label contains x if some x in json.unmarshal(input.principal.claims.label)
`

// Whatever the sets hold, a call is only allowed when every element is
// well-formed, some rule allows it and none speaks against it.
func FuzzAnswer(f *testing.F) {
	p := loaded(f, open)
	f.Add(`["a"]`, `[]`, `[]`, `[]`, `[]`, `[]`, `[]`)
	f.Add(`["a", "b"]`, `null`, `{}`, `1`, `[{"columns":["a.b.c"],"with":"null"}]`, `[{"rows":1}]`, `["x"]`)
	f.Add(`[true]`, `[]`, `[]`, `[]`, `[]`, `[]`, `[]`)
	f.Add(`["a"]`, `[{}]`, `[]`, `[]`, `[]`, `[]`, `[]`)
	f.Add(`["a"]`, `[]`, `["ask"]`, `[]`, `[]`, `[]`, `[]`)
	f.Add(`["a"]`, `[]`, `[]`, `[{"rule":"r"}]`, `[]`, `[]`, `[]`)
	f.Add(`["a"]`, `[]`, `[]`, `[]`, `[{"columns":[],"with":"null"}]`, `[{"rows":0}]`, `[""]`)
	f.Add(`["a"]`, `[]`, `[]`, `[]`, `[{"columns":["*"],"with":"null","if":1}]`, `[{"timeout":"1s","rows":1e3}]`, `[]`)
	f.Add(`{"x":"a"}`, `[null]`, `[]`, `[]`, `[]`, `[]`, `[]`)
	f.Fuzz(func(t *testing.T, allow, deny, approve, confirm, mask, limit, label string) {
		in := aRead()
		in.Principal.Claims = map[string]string{"allow": allow, "deny": deny, "approve": approve, "confirm": confirm,
			"mask": mask, "limit": limit, "label": label}
		d := p.Decide(t.Context(), in)
		if d.Outcome != Deny && d.Fault != "" {
			t.Fatalf("%v with a fault: %s", d.Outcome, d.Fault)
		}
		if d.Outcome != Allow {
			return
		}
		names := elementsOf(t, allow)
		if len(names) == 0 || !all(names, isName) {
			t.Fatalf("allowed by %s", allow)
		}
		if n := len(elementsOf(t, deny)) + len(elementsOf(t, approve)) + len(elementsOf(t, confirm)); n > 0 {
			t.Fatalf("allowed against deny %s, approve %s, confirm %s", deny, approve, confirm)
		}
		if !all(elementsOf(t, mask), isMask) || !all(elementsOf(t, limit), isLimit) || !all(elementsOf(t, label), isName) {
			t.Fatalf("allowed with mask %s, limit %s, label %s", mask, limit, label)
		}
	})
}

// elementsOf are the values that `some x in` finds.
func elementsOf(t *testing.T, text string) []any {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("allowed although %q does not read: %v", text, err)
	}
	switch v := value.(type) {
	case []any:
		return v
	case map[string]any:
		return slices.Collect(maps.Values(v))
	}
	return nil
}

func all(list []any, is func(any) bool) bool {
	return !slices.ContainsFunc(list, func(v any) bool { return !is(v) })
}

func isName(v any) bool {
	name, ok := v.(string)
	return ok && strings.TrimSpace(name) != ""
}

func isMask(v any) bool {
	m, ok := v.(map[string]any)
	columns, isList := m["columns"].([]any)
	if rule, named := m["rule"]; named {
		if _, isText := rule.(string); !isText {
			return false
		}
		delete(m, "rule")
	}
	return ok && isList && len(columns) > 0 && all(columns, isName) && len(m) == 2 &&
		slices.Contains([]any{"null", "redact", "hash", "partial"}, m["with"])
}

func isLimit(v any) bool {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		return false
	}
	for key, value := range m {
		n, isNumber := value.(float64)
		text, _ := value.(string)
		d, err := time.ParseDuration(text)
		switch {
		case key == "timeout" && err == nil && d > 0:
		case (key == "rows" || key == "bytes") && isNumber && n >= 1 && n == float64(int(n)):
		default:
			return false
		}
	}
	return true
}
