package policy

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/tools"
)

const (
	ruleAllow   = `allow contains "reads" if true` + "\n"
	ruleDeny    = `deny contains {"rule": "no", "message": "because", "hint": "try"} if true` + "\n"
	ruleApprove = `approve contains {"rule": "ask", "groups": ["dba"], "message": "big"} if true` + "\n"
	ruleConfirm = `confirm contains {"rule": "sure", "message": "really?"} if true` + "\n"
)

func TestDenyBeatsApproveBeatsConfirmBeatsAllow(t *testing.T) {
	tests := []struct {
		rules string
		want  Outcome
		rule  Rule
	}{
		{"", Deny, Rule{RuleDefault, "no rule allows sql_read on connection shop (select, effect read)",
			"call the `access` tool to see what you can reach, and what needs approval"}},
		{"allow contains \"x\" if input.action.effect == \"write\"\n", Deny, Rule{Name: RuleDefault}},
		{ruleAllow, Allow, Rule{Name: "reads"}},
		{ruleConfirm, Confirm, Rule{"sure", "really?", ""}},
		{ruleApprove, Approve, Rule{"ask", "big", ""}},
		{ruleDeny, Deny, Rule{"no", "because", "try"}},
		{ruleAllow + ruleConfirm, Confirm, Rule{Name: "sure"}},
		{ruleAllow + ruleConfirm + ruleApprove, Approve, Rule{Name: "ask"}},
		{ruleAllow + ruleConfirm + ruleApprove + ruleDeny, Deny, Rule{Name: "no"}},
		{ruleConfirm + ruleDeny, Deny, Rule{Name: "no"}},
	}
	for _, test := range tests {
		d := loaded(t, test.rules).Decide(t.Context(), aRead())
		if d.Outcome != test.want || len(d.Rules) != 1 || d.Rules[0].Name != test.rule.Name || d.Fault != "" {
			t.Errorf("%s: got %v %v %s", test.rules, d.Outcome, d.Rules, d.Fault)
		}
		if test.rule.Message != "" && d.Rules[0] != test.rule {
			t.Errorf("%s: got %+v", test.rules, d.Rules[0])
		}
		if (len(d.Approve) > 0) != (d.Outcome == Approve) || (len(d.Confirm) > 0) != (d.Outcome == Confirm) {
			t.Errorf("%s: %v carries %v %v", test.rules, d.Outcome, d.Approve, d.Confirm)
		}
	}
}

func TestDutiesAddUp(t *testing.T) {
	p := loaded(t, ruleAllow+`
allow contains "also" if true
mask contains {"columns": ["a.b.c"], "with": "hash"} if true
mask contains {"rule": "x", "columns": {"a.b.c", "a.b.d"}, "with": "null"} if true
limit contains {"rows": 10, "timeout": "1m"} if true
limit contains {"rows": 20, "bytes": 1000, "timeout": "30s"} if true
label contains "pii" if true
label contains "dba" if true
`)
	d := p.Decide(t.Context(), aRead())
	want := Decision{
		Outcome: Allow, Policy: p.Digest(),
		Rules: []Rule{{Name: "also"}, {Name: "reads"}},
		Masks: obligation.Masks{
			{Columns: []string{"a.b.c"}, With: "hash"}, {Rule: "x", Columns: []string{"a.b.c", "a.b.d"}, With: "null"},
		},
		Limits: tools.Limits{Rows: 10, Bytes: 1000, Timeout: 30 * time.Second},
		Labels: []string{"dba", "pii"},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
}

func TestDutiesHoldWhateverTheOutcomeIs(t *testing.T) {
	d := loaded(t, ruleDeny+`mask contains {"columns": ["a.b.c"], "with": "hash"} if true`+"\nlabel contains \"seen\" if true").
		Decide(t.Context(), aRead())
	if d.Outcome != Deny || len(d.Masks) != 1 || len(d.Labels) != 1 {
		t.Errorf("got %+v", d)
	}
}

// Elements that are only known when a rule fires.
func TestMalformedElementsDeny(t *testing.T) {
	for _, rules := range []string{
		`allow contains input.principal.claims if true`,
		`allow contains x if x := count(input.principal.groups)`,
		`allow contains trim(input.action.verb, input.action.verb) if true`,
		`deny contains input.action.verb if true`,
		`deny contains object.union({"rule": "r", "message": "m"}, input.principal.claims) if true`,
		`approve contains object.union({"rule": "r"}, {"groups": input.session.labels}) if true`,
		`approve contains {"rule": "r", "groups": ["a"], "count": input.session.totals.calls} if true`,
		`approve contains {"rule": "r", "groups": ["a"], "expires": input.action.verb} if true`,
		`confirm contains {"rule": "r", "message": input.session.totals.calls} if true`,
		`mask contains {"columns": ["a.b.c"], "with": input.action.verb} if true`,
		`mask contains {"columns": input.session.labels, "with": "null"} if true`,
		`mask contains {"columns": [input.action.verb], "with": "null"} if true`,
		`limit contains {"rows": input.session.totals.calls} if true`,
		`limit contains {"rows": input.session.totals.calls - 1} if true`,
		`limit contains {"rows": 7 / 2} if true`,
		`limit contains {"timeout": input.action.verb} if true`,
		`label contains input.action.display if true`,
		`label contains input.session.totals.calls if true`,
	} {
		d := loaded(t, ruleAllow+rules).Decide(t.Context(), aRead())
		if d.Outcome != Deny || d.Rules[0].Name != RuleFault || d.Fault == "" {
			t.Errorf("%s: got %v %v, fault %q", rules, d.Outcome, d.Rules, d.Fault)
		}
	}
}

func TestErrorsDeny(t *testing.T) {
	for name, rules := range map[string]string{
		"builtin":             `deny contains {"rule": "r", "message": "m"} if time.parse_rfc3339_ns(input.action.verb) > 0`,
		"builtin under not":   `deny contains {"rule": "r", "message": "m"} if not time.parse_rfc3339_ns(input.action.verb)`,
		"number":              `deny contains {"rule": "r", "message": "m"} if 1 / input.session.totals.calls > 0`,
		"time zone":           `deny contains {"rule": "r", "message": "m"} if time.clock([0, "Mars/Olympus"])[0] > 7`,
		"two values":          "deny contains {\"rule\": \"r\", \"message\": \"m\"} if x == \"dev\"\nx := g if some g in input.principal.groups",
		"two function values": "deny contains {\"rule\": \"r\", \"message\": \"m\"} if f(1) == \"dev\"\nf(y) := g if { some g in input.principal.groups; y == 1 }",
	} {
		d := loaded(t, ruleAllow+rules).Decide(t.Context(), aRead())
		if d.Outcome != Deny || d.Rules[0].Name != RuleFault || d.Fault == "" {
			t.Errorf("%s: got %v %v, fault %q", name, d.Outcome, d.Rules, d.Fault)
		}
		if hidden := d.Masks.Masker([32]byte{}).Mask(tools.Origins{Known: []tools.Origin{"any.thing.here"}}); hidden == nil {
			t.Errorf("%s: when it is not known what to hide, all must be hidden", name)
		}
		for _, text := range []string{d.Rules[0].Message, d.Rules[0].Hint} {
			if strings.Contains(text, "rego") {
				t.Errorf("%s: the caller is told %q", name, text)
			}
		}
	}
}

func TestRunawayPolicyDenies(t *testing.T) {
	o := options(write(t, map[string]string{"p.rego": "package chaperone\n" + ruleAllow +
		`deny contains {"rule": "r", "message": "m"} if { some x in numbers.range(1, 100000); some y in numbers.range(1, 100000); x * y == 0 }`}))
	o.Deadline = 20 * time.Millisecond
	p, err := Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	d := p.Decide(context.Background(), aRead())
	if d.Outcome != Deny || !strings.Contains(d.Fault, "did not decide within 20ms") {
		t.Errorf("got %v, fault %q", d.Outcome, d.Fault)
	}
}

func TestEndedContextDenies(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := loaded(t, ruleAllow+`deny contains {"rule": "r", "message": "m"} if { some x in numbers.range(1, 1000000); x == 0 }`)
	if d := p.Decide(ctx, aRead()); d.Outcome != Deny {
		t.Errorf("got %v", d.Outcome)
	}
}

type panics struct{}

func (panics) Family() string               { return "sql" }
func (panics) MarshalJSON() ([]byte, error) { panic("facts") }

func TestWhatCanNotBeJudgedIsDenied(t *testing.T) {
	p := loaded(t, ruleAllow)
	tests := []struct {
		name   string
		change func(*Input)
		rule   string
	}{
		{"nobody", func(in *Input) { in.Principal = Principal{} }, RuleIdentity},
		{"no issuer", func(in *Input) { in.Principal.Issuer = "" }, RuleIdentity},
		{"unknown effect", func(in *Input) { in.Action.Effect = tools.Unknown }, RuleUnknown},
		{"effect out of range", func(in *Input) { in.Action.Effect = 77 }, RuleUnknown},
		{"zero", func(in *Input) { *in = Input{} }, RuleIdentity},
		{"panic", func(in *Input) { in.Action.Facts = panics{} }, RuleFault},
		{"facts of no family", func(in *Input) { in.Action.Facts = foreign{} }, RuleFault},
	}
	for _, test := range tests {
		in := aRead()
		test.change(in)
		if d := p.Decide(t.Context(), in); d.Outcome != Deny || d.Rules[0].Name != test.rule || d.Policy != p.Digest() {
			t.Errorf("%s: got %v %v", test.name, d.Outcome, d.Rules)
		}
	}
	if d := p.Decide(t.Context(), nil); d.Outcome != Deny {
		t.Errorf("no input: got %v", d.Outcome)
	}
}

type foreign struct{}

func (foreign) Family() string { return "mongo" }

func TestReads(t *testing.T) {
	tests := []struct {
		rules string
		want  bool
	}{
		{`allow contains "a" if input.sql.has_where`, false},
		{`allow contains "a" if input.sql.estimated_rows < 10`, true},
		{`allow contains "a" if object.get(input.sql, "estimated_rows", 0) < 10`, true},
		{"allow contains \"a\" if small(input.sql)\nsmall(s) if s.estimated_rows < 10", true},
		{`allow contains "a" if input.action.verb == "x"`, false},
		{`allow contains "a" if { some t in input.sql.tables; t.name == "estimated_rows" }`, false},
	}
	for _, test := range tests {
		if got := loaded(t, test.rules).Reads("sql", "estimated_rows"); got != test.want {
			t.Errorf("%s: got %v", test.rules, got)
		}
	}
}
