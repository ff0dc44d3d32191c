package policy

import (
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	p := loaded(t, `allow contains "dev reads" if {
	input.action.effect == "read"
	"dev" in input.principal.groups
}

allow contains "staging" if {
	input.action.effect == "read"
	input.connection.labels.env == "staging"
}

deny contains {"rule": "writes", "message": "m"} if {
	some t in input.sql.tables
	t.name == "orders"
	t.access == "write"
}

mask contains {"columns": ["a.b.c"], "with": "null"} if not cleared

cleared if "pii" in input.principal.groups
`)
	e := p.Explain(t.Context(), aRead())
	if e.Decision.Outcome != Allow || e.Decision.Policy != p.Digest() {
		t.Errorf("got %+v", e.Decision)
	}
	want := []struct {
		set       string
		line      int
		fired     bool
		stoppedAt int
		text      string
	}{
		{"allow", 2, true, 0, ""},
		{"allow", 7, false, 9, `input.connection.labels.env == "staging"`},
		{"deny", 12, false, 15, `t.access == "write"`},
		{"mask", 18, true, 0, ""},
	}
	if len(e.Rules) != len(want) {
		t.Fatalf("got %+v", e.Rules)
	}
	for i, rule := range e.Rules {
		w := want[i]
		if rule.Set != w.set || rule.Line != w.line || rule.Fired != w.fired || !strings.HasSuffix(rule.File, "p.rego") {
			t.Errorf("got %+v, want %+v", rule, w)
		}
		if (rule.Stopped != nil) != (w.stoppedAt > 0) {
			t.Errorf("line %d: stopped at %v", w.line, rule.Stopped)
		} else if s := rule.Stopped; s != nil && (s.Line != w.stoppedAt || s.Text != w.text) {
			t.Errorf("line %d: stopped at %+v", w.line, s)
		}
	}
	if !strings.HasPrefix(e.Rules[0].Text, `allow contains "dev reads" if`) {
		t.Errorf("got %q", e.Rules[0].Text)
	}
}
