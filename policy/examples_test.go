package policy

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

const examples = "../examples/policies"

// exampleOptions are those of the examples, which speak of every family.
func exampleOptions(t testing.TB) Options {
	t.Helper()
	schema, err := os.ReadFile("testdata/kubectl.json")
	if err != nil {
		t.Fatal(err)
	}
	o := options(examples)
	o.Families = append(o.Families, clusters{oddFamily{name: "kubectl", schema: string(schema)}})
	return o
}

// clusters stands in for the family of that name.
type clusters struct{ oddFamily }

func (clusters) Tools() []tools.Tool {
	return []tools.Tool{{Name: "kubectl_read"}, {Name: "kubectl_write"}}
}

func TestExamplesAreInOrder(t *testing.T) {
	o := exampleOptions(t)
	if problems := Check(t.Context(), o); len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	report, err := RunTests(t.Context(), o, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range report.Tests {
		if test.Outcome != "pass" {
			t.Errorf("%s: %s %s %+v", test.Name, test.Outcome, test.Message, test.Stopped)
		}
	}
	if report.Percent < 100 {
		t.Errorf("tests reach %.1f %% of the lines: %+v", report.Percent, report.Files)
	}
}

// change returns the input of a change to orders, on a Wednesday noon.
func aChange(statement string, effect tools.Effect, change func(*sqlFacts)) *Input {
	in := aRead()
	in.Principal.Groups = []string{"on-call"}
	in.Call.Tool = "sql_write"
	in.Action.Verb, in.Action.Effect = statement, effect
	facts := sqlFacts{Statement: statement, HasWhere: true, Tables: []sqlTable{
		{Schema: "public", Name: "orders", Kind: "table", Access: "write"}}}
	change(&facts)
	in.Action.Facts = facts
	return in
}

func TestExamplesDecide(t *testing.T) {
	p, err := Load(t.Context(), exampleOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	reading := func(change func(*Input)) *Input {
		in := aRead()
		in.Principal.Groups = []string{"on-call"}
		change(in)
		return in
	}
	nothing := func(*sqlFacts) {}
	late := aChange("update", tools.Write, nothing)
	late.Call.Time = time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC) // a Saturday
	stranger := aChange("update", tools.Write, nothing)
	stranger.Principal.Groups = []string{"developers"}
	touching := func(in *Input, rows int64) *Input {
		in.Preview = &tools.Impact{Measured: true, Rows: rows}
		return in
	}
	staging := func(in *Input) *Input {
		in.Principal.Groups, in.Connection.Labels = []string{"developers"}, map[string]string{"env": "staging"}
		return in
	}
	developing := func(in *Input) *Input {
		in = staging(in)
		in.Connection.Labels = map[string]string{"env": "dev"}
		return in
	}
	tests := []struct {
		name  string
		in    *Input
		want  Outcome
		rules string
	}{
		{"read", reading(func(*Input) {}), Allow, "on-call and dba read production"},
		{"read by others", reading(func(in *Input) { in.Principal.Groups = []string{"sales"} }), Deny, RuleDefault},
		{"read without reason", reading(func(in *Input) { in.Call.Reason = "" }), Deny, "production-needs-a-reason"},
		{"update", aChange("update", tools.Write, nothing), Approve, "production-changes"},
		{"update of ten rows", touching(aChange("update", tools.Write, nothing), 10), Allow, "small changes by on-call and dba"},
		{"update of eleven", touching(aChange("update", tools.Write, nothing), 11), Approve, "production-changes"},
		{"delete", touching(aChange("delete", tools.Destroy, nothing), 1), Approve, "two-for-destruction"},
		{"update on staging", staging(aChange("update", tools.Write, nothing)), Deny, "staging-is-read-only"},
		{"update in development", developing(aChange("update", tools.Write, nothing)), Confirm, "development-changes"},
		{"delete in development", developing(aChange("delete", tools.Destroy, nothing)), Deny, "development-keeps-its-rows"},
		{"delete on staging", staging(aChange("delete", tools.Destroy, nothing)), Deny, "staging-is-read-only"},
		{"update by others", stranger, Deny, RuleDefault},
		{"update at night", late, Deny, "outside-the-change-window"},
		{"update of all", aChange("update", tools.Write, func(f *sqlFacts) { f.HasWhere = false }), Deny, "change-without-where"},
		{"delete where true", aChange("delete", tools.Destroy, func(f *sqlFacts) { f.WhereIsConstant = true }), Deny, "change-with-constant-where"},
		{"truncate", aChange("truncate", tools.Destroy, nothing), Deny, "no-drop"},
		{"drop", aChange("drop_table", tools.Destroy, nothing), Deny, "no-drop"},
		{"update by a function", aChange("update", tools.Write, func(f *sqlFacts) {
			f.Functions = []sqlFunction{{Schema: "app", Name: "ship", Volatility: "volatile"}}
		}), Approve, "functions-in-changes production-changes"},
		{"access", reading(func(in *Input) {
			in.Principal.Groups = nil
			in.Connection = Connection{Name: Own, Family: Own}
			in.Call.Tool, in.Action = "access", tools.Action{Verb: "access", Effect: tools.Read}
		}), Allow, "everyone may ask for access"},
	}
	for _, test := range tests {
		d := p.Decide(t.Context(), test.in)
		var names []string
		for _, rule := range d.Rules {
			names = append(names, rule.Name)
		}
		if got := strings.Join(names, " "); d.Outcome != test.want || got != test.rules {
			t.Errorf("%s: got %v by %s, want %v by %s; %s", test.name, d.Outcome, got, test.want, test.rules, d.Fault)
		}
	}
}
