package policy

import (
	"path/filepath"
	"strings"
	"testing"
)

const shop = `package chaperone

allow contains "reads" if input.action.effect == "read"

deny contains {"rule": "drop", "message": "m"} if {
	some t in input.sql.tables
	t.access == "drop"
}
`

func TestRunTests(t *testing.T) {
	dir := write(t, map[string]string{"shop.rego": shop, "shop_test.rego": `package chaperone_test

import data.chaperone

test_reads if "reads" in chaperone.allow with input as {"action": {"effect": "read"}}

test_writes if {
	print("looking")
	count(chaperone.allow) == 0 with input.action.effect as "write"
	count(chaperone.allow) == 1 with input.action.effect as "write"
}

test_fault if time.parse_rfc3339_ns(input.call.time) > 0 with input.call.time as "noon"

todo_test_later if false
`})
	report, err := RunTests(t.Context(), options(dir), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []TestResult{
		{Name: "test_reads", Line: 5, Outcome: "pass"},
		{Name: "test_writes", Line: 7, Outcome: "fail", Output: "looking\n", Stopped: &Stop{Line: 10}},
		{Name: "test_fault", Line: 13, Outcome: "error", Message: "time.parse_rfc3339_ns"},
		{Name: "todo_test_later", Line: 15, Outcome: "skip"},
	}
	if len(report.Tests) != len(want) || report.Passed() {
		t.Fatalf("got %+v", report)
	}
	for i, got := range report.Tests {
		w := want[i]
		if got.Name != w.Name || got.Line != w.Line || got.Outcome != w.Outcome || got.Output != w.Output ||
			!strings.Contains(got.Message, w.Message) || got.Package != "chaperone_test" || filepath.Base(got.File) != "shop_test.rego" {
			t.Errorf("got %+v, want %+v", got, w)
		}
		if (got.Stopped == nil) != (w.Stopped == nil) || (w.Stopped != nil && got.Stopped.Line != w.Stopped.Line) {
			t.Errorf("%s stopped at %+v", got.Name, got.Stopped)
		}
	}
	if len(report.Files) != 1 || report.Percent <= 0 || report.Percent >= 100 {
		t.Fatalf("got %+v", report)
	}
	if missed := report.Files[0].Missed; len(missed) == 0 || missed[len(missed)-1].To != 7 {
		t.Errorf("missed %+v", missed)
	}
}

func TestRunSomeTests(t *testing.T) {
	dir := write(t, map[string]string{"shop.rego": shop, "t_test.rego": "package t\ntest_a if true\ntest_b if false\n"})
	report, err := RunTests(t.Context(), options(dir), "test_a$")
	if err != nil || len(report.Tests) != 1 || !report.Passed() {
		t.Errorf("got %+v, %v", report, err)
	}
	if _, err := RunTests(t.Context(), options(dir), "("); err == nil {
		t.Error("takes any pattern")
	}
}

func TestTestsAreCheckedToo(t *testing.T) {
	tests := []struct{ name, test, want string }{
		{"field", `test_a if count(chaperone.deny) == 0 with input as {"sql": {"tabels": []}}`,
			`t_test.rego:3: input.sql has no field "tabels"; did you mean "tables"?`},
		{"element", `test_a if count(chaperone.deny) == 0 with input.sql.tables as [{"nmae": "x"}]`, `input.sql.tables[_] has no field "nmae"`},
		{"target", `test_a if count(chaperone.deny) == 0 with input.sql.tabels as []`, `input.sql has no field "tabels"`},
		{"type", `test_a if count(chaperone.deny) == 0 with input.sql.has_where as "no"`, `input.sql.has_where is of type boolean, not string`},
		{"word", `test_a if count(chaperone.deny) == 0 with input as {"action": {"effect": "drop"}}`, `input.action.effect is never "drop"`},
		{"rule", "test_a if count(chaperone.deny) == 0 with input as base\nbase := {\"sqll\": {}}", `t_test.rego:4: input has no field "sqll"`},
		{"function", "test_a if count(chaperone.deny) == 0 with input as of(1)\nof(x) := {\"sql\": {\"parms\": x}}", `t_test.rego:4: input.sql has no field "parms"`},
		{"local", `test_a if { i := {"sqll": {}}; count(chaperone.deny) == 0 with input as i }`, `input has no field "sqll"`},
		{"union", `test_a if count(chaperone.deny) == 0 with input as object.union({"sql": {}}, {"acton": {}})`, `input has no field "acton"; did you mean "action"?`},
		{"rule of the policy", "deny contains {\"rule\": \"r\", \"message\": \"m\"} if true\n", `t_test.rego:2: deny in a file of tests decides nothing`},
		{"syntax", `test_a if {`, `t_test.rego:4: `},
		{"function that is not there", `test_a if chaperone.foo(1)`, `t_test.rego:3: there is no function`},
	}
	for _, test := range tests {
		dir := write(t, map[string]string{"shop.rego": shop, "t_test.rego": "package t\nimport data.chaperone\n" + test.test + "\n"})
		if test.name == "rule of the policy" {
			writeFile(t, filepath.Join(dir, "t_test.rego"), "package chaperone\n"+test.test)
		}
		if got := lines(Check(t.Context(), options(dir))); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
		if _, err := RunTests(t.Context(), options(dir), ""); err == nil {
			t.Errorf("%s: runs", test.name)
		}
		if _, err := Load(t.Context(), options(dir)); err != nil {
			t.Errorf("%s: a test keeps the policy from loading: %v", test.name, err)
		}
	}
}

func TestCheckFindsNothing(t *testing.T) {
	dir := write(t, map[string]string{"shop.rego": shop, "t_test.rego": "package t\nimport data.chaperone\n" +
		`test_a if count(chaperone.deny) == 0 with input as {"sql": {"tables": [], "casts": []}} with data.x as 1`})
	if problems := Check(t.Context(), options(dir)); len(problems) > 0 {
		t.Errorf("got %s", lines(problems))
	}
}
