package policy

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mistakes are policies of one file, after its package line, with the message
// that must name the place and the remedy.
var mistakes = []struct{ name, rules, want string }{
	{"syntax", `allow contains "a" if {`, `p.rego:3: unexpected eof`},
	{"old syntax", `allow["a"] { true }`, `p.rego:2: `},

	{"field", `allow contains "a" if input.sql.tabels[_].name == "x"`,
		`p.rego:2: input.sql.tabels[_].name: there is no field "tabels" here; did you mean "tables"? (fields: analyze`},
	{"field at the root", `allow contains "a" if input.principle.subject == "x"`, `did you mean "principal"?`},
	{"field of an element", `allow contains "a" if { some t in input.sql.tables; t.nmae == "x" }`,
		`p.rego:2: t.nmae: there is no field "nmae" here; did you mean "name"?`},
	{"field under not", `allow contains "a" if not input.sql.has_whre`, `did you mean "has_where"?`},
	{"field in a comprehension", `allow contains "a" if count([1 | input.sql.colums[_]]) > 0`, `did you mean "columns"?`},
	{"field of what is no object", `allow contains "a" if input.sql.statement.kind == "x"`,
		`p.rego:2: input.sql.statement.kind: nothing can be looked up in string`},
	{"field in every", `allow contains "a" if { every t in input.sql.tables { t.acess == "read" } }`,
		`p.rego:2: t.acess: there is no field "acess" here; did you mean "access"?`},
	{"field in every in every", "allow contains \"a\" if {\n every t in input.sql.tables {\n every c in input.sql.columns {\n c.tabel == t.name } } }",
		`p.rego:5: c.tabel: there is no field "tabel"`},
	{"field in a function", "allow contains \"a\" if { some t in input.sql.tables; bad(t) }\nbad(t) if t.nmae == \"x\"",
		`p.rego:3: t.nmae: there is no field "nmae" here`},
	{"field in a function of a function",
		"allow contains \"a\" if bad(input.sql)\nbad(s) if { some t in s.tables; worse(t) }\nworse(t) if t.nmae == \"x\"",
		`p.rego:4: t.nmae: there is no field "nmae" here`},
	{"field in the else of a function", "allow contains \"a\" if { some t in input.sql.tables; bad(t) }\nbad(t) if t.name == \"x\"\nelse if t.nmae == \"y\"",
		`p.rego:4: t.nmae: there is no field`},
	{"field of what a function returns", "allow contains \"a\" if { some t in of(input.sql); t.nmae == \"x\" }\nof(s) := s.tables",
		`p.rego:2: t.nmae: there is no field`},
	{"field in every in a function", "allow contains \"a\" if ok(input.sql.tables)\nok(ts) if { every t in ts { t.acess == \"x\" } }",
		`p.rego:3: t.acess: there is no field`},
	{"field in a function in every", "allow contains \"a\" if { every t in input.sql.tables { bad(t) } }\nbad(t) if t.nmae == \"x\"",
		`p.rego:3: t.nmae: there is no field`},
	{"field through a set", "allow contains \"a\" if { some t in ts; t.nmae == \"x\" }\nts contains t if some t in input.sql.tables",
		`p.rego:2: t.nmae: there is no field`},
	{"field by object.get", `allow contains "a" if object.get(input.sql, "has_wher", true)`,
		`p.rego:2: object.get: input.sql has no field "has_wher"; did you mean "has_where"?`},
	{"field by the path of object.get", `allow contains "a" if object.get(input, ["sql", "has_wher"], true)`,
		`object.get: input.sql has no field "has_wher"`},
	{"field by object.get in a function", "allow contains \"a\" if get(input.sql)\nget(s) := object.get(s, \"has_wher\", true)",
		`p.rego:3: object.get: input.sql has no field "has_wher"`},
	{"field by a variable", `allow contains "a" if { k := "tabels"; input.sql[k] }`,
		`p.rego:2: input.sql by a variable: fields of the input must be named, as in input.sql.analyze`},
	{"field by a loop variable", `allow contains "a" if { some k in ["tabels"]; input.sql[k] }`, `input.sql by a variable`},
	{"field by a key that is compared", `allow contains "a" if { some k, v in input.session.totals; k == "cals"; v > 1 }`,
		`p.rego:2: input.session.totals by a variable`},
	{"field by a computed key", `allow contains "a" if input.sql[concat("", ["tab", "els"])]`, `input.sql by a variable`},
	{"field by a variable in a function", "allow contains \"a\" if of(input.sql, \"tabels\")\nof(s, k) if s[k]", `p.rego:3: input.sql by a variable`},
	{"field by object.get of a variable", `allow contains "a" if { k := "tabels"; object.get(input.sql, k, 1) == 1 }`,
		`object.get on input.sql: fields of the input must be named`},
	{"walk", `allow contains "a" if { walk(input.sql, [_, v]); v.tabels }`, `p.rego:2: walk on input.sql: fields of the input must be named`},
	{"walk in lists", `allow contains "a" if { walk(input.sql.tables, [_, v]); v.nmae }`, `as in input.sql.tables[_].access`},
	{"json.filter", `allow contains "a" if json.filter(input, ["sql/tabels"]) == {}`, `json.filter on input:`},
	{"object.keys", `allow contains "a" if "tabels" in object.keys(input.sql)`, `object.keys on input.sql:`},

	{"yaml", `allow contains "a" if yaml.unmarshal(yaml.marshal(input.sql)).tabels`, `yaml.marshal on input.sql:`},
	{"array.concat", `allow contains "a" if { some t in array.concat(input.sql.tables, []); t.nmae == "x" }`, `array.concat on input.sql.tables: fields of the input must be named, as in input.sql.tables[_].access`},
	{"sort", `allow contains "a" if sort(input.sql.tables)[0].nmae == "x"`, `sort on input.sql.tables`},
	{"set difference", `allow contains "a" if { some t in {x | some x in input.sql.tables} - {1}; t.nmae == "x" }`, `minus on input.sql.tables[_]`},
	{"import", "import input.sql as s\nallow contains \"a\" if s.tabels", `did you mean "tables"?`},
	{"import of the input", "import input as i\nallow contains \"a\" if i.sql.tabels", `did you mean "tables"?`},
	{"input in a variable", `allow contains "a" if { x := input; x.sql.tabels }`, `did you mean "tables"?`},
	{"input in a pattern", `allow contains "a" if { [x] := [input.sql]; x.tabels }`, `did you mean "tables"?`},
	{"input in a pattern of an object", `allow contains "a" if { {"k": x} := {"k": input.sql}; x.tabels }`, `did you mean "tables"?`},
	{"input in a list", `allow contains "a" if [s | s := input.sql][0].tabels`, `did you mean "tables"?`},
	{"input in a set", `allow contains "a" if { some s in {input.sql}; s.tabels }`, `did you mean "tables"?`},
	{"input beside an object", `allow contains "a" if { s := [input.sql, {"a": 1}][_]; s.tabels }`, `there is no field "tabels"`},
	{"input in an object", "allow contains \"a\" if o.s.tabels\no := {\"s\": input.sql}", `did you mean "tables"?`},
	{"input by name", "allow contains \"a\" if by.x.nmae\nby[t.name] := t if some t in input.sql.tables", `there is no field "nmae"`},
	{"input as data", "import data.chaperone as c\nallow contains \"a\" if c.s.tabels\ns := input.sql", `did you mean "tables"?`},

	{"types", `allow contains "a" if input.sql.has_where == "true"`, `p.rego:2: this can never be true: one side is boolean, the other string`},
	{"argument", `allow contains "a" if startswith(input.sql.has_where, "t")`, `p.rego:2: startswith: invalid argument`},
	{"word", `allow contains "a" if input.action.effect == "raed"`,
		`p.rego:2: input.action.effect is never "raed"; did you mean "read"? (words: destroy, read, unknown, write)`},
	{"word that is denied", `deny contains {"rule": "r", "message": "m"} if input.action.effect == "delete"`, `is never "delete"`},
	{"word unequal", `allow contains "a" if input.action.effect != "Write"`, `is never "Write"; did you mean "write"?`},
	{"word on the left", `allow contains "a" if "oicd" == input.principal.method`, `did you mean "oidc"?`},
	{"word in a set", `allow contains "a" if input.connection.family in {"sql", "kubctl"}`, `input.connection.family is never "kubctl"`},
	{"word in a list of a rule", "allow contains \"a\" if { some t in input.sql.tables; t.access in bad }\nbad := [\"write\", \"drp\"]",
		`p.rego:3: input.sql.tables[_].access is never "drp"; did you mean "drop"?`},
	{"word in a function", "allow contains \"a\" if { some t in input.sql.tables; bad(t) }\nbad(t) if t.access == \"wirte\"", `p.rego:3: `},
	{"word as an argument", "allow contains \"a\" if is(input.action.effect)\nis(e) if e == \"wirte\"", `p.rego:3: input.action.effect is never "wirte"`},
	{"word in every", `allow contains "a" if { every t in input.sql.tables { t.access != "wirte" } }`, `is never "wirte"`},
	{"word of a tool", `allow contains "a" if input.call.tool == "sql_wriet"`, `did you mean "sql_write"?`},

	{"data", `allow contains "a" if data.window.from == 9`, `p.rego:2: data.window.from: no data file and no rule holds data.window`},
	{"data of a package", `allow contains "a" if data.chaperone.alow`, `data.chaperone.alow; did you mean`},
	{"imported data", "import data.windw\nallow contains \"a\" if windw.from == 9", `p.rego:3: data.windw.from: no data file`},

	{"name of a set", `alow contains "a" if true`, `p.rego:2: nothing asks for alow; did you mean "allow"? (sets that decide: allow, deny,`},
	{"name of deny", "allow contains \"a\" if true\ndenny contains {\"rule\": \"r\", \"message\": \"m\"} if true", `p.rego:3: nothing asks for denny; did you mean "deny"?`},
	{"set asked for by a lost one", "allow contains \"a\" if true\ndenny contains x if some x in bad\nbad contains 1 if true", `nothing asks for denny`},
	{"boolean allow", `allow if true`, "p.rego:2: allow is a set that rules add to; write `allow contains"},
	{"default allow", "default allow := false\nallow contains \"a\" if true", "p.rego:2: allow is a set that rules add to"},
	{"value", `deny := {"a"}`, "p.rego:2: deny is a set that rules add to; write `deny contains {\"rule\":"},
	{"object", `mask["a"] := 1`, "p.rego:2: mask is a set"},
	{"function", `limit(x) := x`, "p.rego:2: limit is a set"},
	{"nested", `deny.sql contains {"rule": "r", "message": "m"} if true`, "p.rego:2: deny is a set"},

	{"name that is no string", `allow contains 1 if true`, `p.rego:2: allow: must be a string, not 1`},
	{"name that is empty", `allow contains " " if true`, `p.rego:2: allow: name the rule`},
	{"name that is an object", `allow contains {"rule": "a"} if true`, `p.rego:2: allow: must be a string`},
	{"label", `label contains "" if true`, `p.rego:2: label: label "" must have 1 to 64 characters`},
	{"deny as a string", `deny contains "no" if true`, `p.rego:2: deny: must be an object like {"rule":`},
	{"unknown key", `deny contains {"rule": "r", "mesage": "m"} if true`, `p.rego:2: deny: unknown key "mesage"; the keys are rule, message, hint`},
	{"unknown key with a variable", `deny contains {"rule": "r", "message": "m", "hnt": input.action.verb} if true`, `unknown key "hnt"`},
	{"key that is missing", `deny contains {"message": sprintf("%s", [input.action.verb])} if true`, `p.rego:2: deny: "rule" is missing`},
	{"key by a variable", `deny contains {"rule": "r", k: "m"} if k := "message"`, `must be written out as a string`},
	{"type in a head", `deny contains {"rule": 1, "message": "m"} if true`, `deny: "rule" must be a string, not a number`},
	{"element in a variable", `deny contains d if d := {"rule": "r", "message": ["m"]}`, `p.rego:2: deny: "message" must be a string, not a list`},
	{"groups", `approve contains {"rule": "r"} if true`, `approve: "groups" is missing or empty; name who may approve`},
	{"groups with a constant", `approve contains {"rule": "r", "groups": [input.principal.groups[0], 1]} if true`, `"groups" at position 0 must be a string`},
	{"expiry", `approve contains {"rule": "r", "groups": ["a"], "expires": "30"} if true`, `"30" is not a duration; write it like "30s"`},
	{"mask word", `mask contains {"columns": ["a.b.c"], "with": "hide"} if true`, `mask: "with": "hide" is no way to mask; use one of`},
	{"mask column", `mask contains {"columns": ["users.email"], "with": "null"} if true`, `not of the form schema.table.column`},
	{"limit", `limit contains {"rows": -1} if true`, `limit: "rows": -1 must be more than zero`},
	{"limit of nothing", `limit contains {} if true`, `limit: bounds nothing`},
	{"null", `limit contains {"rows": null} if true`, `limit: "rows" is null`},

	{"clock", `allow contains "a" if time.now_ns() > 0`, `p.rego:2: time.now_ns is not for policies: decisions must not depend on the clock, or a replay would differ; use input.call.time`},
	{"chance", `allow contains "a" if rand.intn("x", 2) == 1`, `rand.intn is not for policies: decisions must not depend on chance`},
	{"network", `allow contains "a" if http.send({"url": "x", "method": "get"}).status_code == 200`, `http.send is not for policies: policies don't reach the network; put what they need into data.json`},
	{"names", `allow contains "a" if count(net.lookup_ip_addr("x")) > 0`, `net.lookup_ip_addr is not for policies`},
	{"environment", `allow contains "a" if opa.runtime().env.X == "1"`, `opa.runtime is not for policies`},
	{"function that is not there", `allow contains "a" if writs(input.sql)`, `p.rego:2: there is no function writs here`},
	{"with", `allow contains "a" if ok with input.action.effect as "read"` + "\nok if input.action.effect == \"read\"", "p.rego:2: `with` belongs in tests"},
	{"later keywords", "import future.keywords.or\nallow contains \"a\" if true", `p.rego:2: `},
	{"later version", "import rego.v2\nallow contains \"a\" if true", `p.rego:2: `},
	{"unused variable", `allow contains "a" if { x := 1; true }`, `p.rego:2: assigned var x unused`},
	{"unused import", "import data.foo\nallow contains \"a\" if true", `p.rego:2: `},
	{"recursion", "allow contains \"a\" if x\nx if y\ny if x", `p.rego:3: `},
}

func TestMistakes(t *testing.T) {
	for _, test := range mistakes {
		t.Run(test.name, func(t *testing.T) {
			dir := write(t, map[string]string{"p.rego": "package chaperone\n" + test.rules + "\n"})
			_, err := Load(t.Context(), options(dir))
			if err == nil {
				t.Fatalf("loads:\n%s", test.rules)
			}
			problems := strings.ReplaceAll(lines(reject(err).Problems), dir+string(filepath.Separator), "")
			if !strings.Contains(problems, test.want) {
				t.Errorf("%s\ngot  %s\nwant %s", test.rules, problems, test.want)
			}
			for _, p := range reject(err).Problems {
				if strings.Contains(p.Message, "__local") || strings.Contains(p.Message, "\n") {
					t.Errorf("not for people: %q", p.Message)
				}
			}
		})
	}
}

// The checks write functions out; their cost must stay bounded.
func TestDeepPolicies(t *testing.T) {
	var twice, nested strings.Builder
	twice.WriteString("allow contains \"a\" if f0(input.sql)\n")
	nested.WriteString("allow contains \"a\" if count(f0(input.sql)) > 0\n")
	for i := range 40 {
		fmt.Fprintf(&twice, "f%d(x) if { f%d(x); f%d(x) }\n", i, i+1, i+1)
		fmt.Fprintf(&nested, "f%d(x) := [y | some y in f%d(x)]\n", i, i+1)
	}
	twice.WriteString("f40(x) if x.has_where\n")
	nested.WriteString("f40(x) := x.tables\n")
	for name, rules := range map[string]string{"twice": twice.String(), "nested": nested.String()} {
		_, err := Load(t.Context(), options(write(t, map[string]string{"p.rego": "package chaperone\n" + rules})))
		if err == nil || !strings.Contains(err.Error(), "nest too deeply") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func lines(problems []Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, p.String())
	}
	return strings.Join(all, "\n")
}

// What is right must load, without a warning.
func TestHonestPolicies(t *testing.T) {
	for _, rules := range []string{
		`allow contains "a" if { some t in input.sql.tables; t.access == "read" }`,
		`allow contains "a" if { every i, t in input.sql.tables { t.name != "x"; i < 10 } }`,
		`allow contains "a" if input.session.totals[_] > 3`,
		`allow contains "a" if { some v in input.session.totals; v > 3 }`,
		`allow contains "a" if input.connection.labels[_] == "prod"`,
		`allow contains "a" if { some k, v in input.connection.labels; startswith(k, "team"); v == "web" }`,
		`allow contains "a" if { k := "dept"; input.principal.claims[k] == "web" }`,
		`allow contains "a" if object.get(input.principal.claims, "dept", "") == "web"`,
		`allow contains "a" if object.get(input.connection, ["labels", "env"], "") == "prod"`,
		`allow contains "a" if object.get(input, ["sql", "has_where"], true)`,
		`allow contains "a" if "dba" in input.principal.groups`,
		`allow contains "a" if input.principal.groups[0] == "dba"`,
		"allow contains \"a\" if weight[input.action.effect] > 1\nweight := {\"read\": 1, \"write\": 2}",
		"allow contains \"a\" if is(input.action.verb, \"x\")\nis(a, b) if a == b",
		"allow contains \"a\" if { some t in input.sql.tables; of(t) == \"other\" }\nof(t) := t.access if t.name == \"x\"\nelse := \"other\"",
		`allow contains "a" if { {"kind": "table", "name": "x"} in input.action.targets }`,
		`allow contains "a" if { some {"kind": k, "name": "x"} in input.action.targets; k != "view" }`,
		`allow contains "a" if { xs := {t.name | some t in input.sql.tables}; xs & {"a"} == set() }`,
		`allow contains "a" if { o := {"a": 1, "b": 2}; some k in object.keys(o); o[k] == 1 }`,
		`allow contains "a" if { walk(["a"], [_, v]); v == input.action.verb }`,
		`allow contains sprintf("rule of %s", [input.action.verb]) if true`,
		`allow contains $"rule of {input.action.verb}" if true`,
		"allow contains name if some name in names\nnames := {\"a\", \"b\"}",
		`mask contains {"columns": cs, "with": "null"} if cs := {c | c := concat(".", ["a", "b", input.sql.columns[_].column])}` + "\nallow contains \"a\" if true",
		`limit contains {"rows": n} if n := count(input.principal.groups) * 10` + "\nallow contains \"a\" if true",
		`approve contains {"rule": "r", "groups": [g]} if g := input.principal.groups[0]`,
		`confirm contains {"rule": "r", "message": input.action.display} if true`,
		`allow contains "a" if { time.clock(time.parse_rfc3339_ns(input.call.time))[0] > 8 }`,
	} {
		p, err := Load(t.Context(), options(write(t, map[string]string{"p.rego": "package chaperone\n" + rules + "\n"})))
		if err != nil {
			t.Errorf("%s\n%s", rules, lines(reject(err).Problems))
		} else if w := p.Warnings(); len(w) > 0 {
			t.Errorf("%s\n%s", rules, lines(w))
		}
	}
}

func TestWarnings(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"nothing is allowed", map[string]string{"p.rego": "package chaperone\ndeny contains {\"rule\": \"r\", \"message\": \"m\"} if true"},
			"no rule adds to allow, approve or confirm: every call is denied"},
		{"no rules", map[string]string{"p.rego": "package chaperone"}, "every call is denied"},
		{"helper", map[string]string{"p.rego": "package chaperone\nallow contains \"a\" if true\nhelper if true"},
			"p.rego:3: warning: nothing asks for helper"},
		{"library", map[string]string{"p.rego": "package chaperone\nallow contains \"a\" if true", "lib/l.rego": "package lib\nf(x) := x"},
			"l.rego:2: warning: package chaperone does not use f of package lib"},
	}
	for _, test := range tests {
		p, err := Load(t.Context(), options(write(t, test.files)))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		} else if got := lines(p.Warnings()); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestPackages(t *testing.T) {
	const ok = "package chaperone\nallow contains \"a\" if true\n"
	for name, test := range map[string]struct{ file, want string }{
		"misspelt":         {"package chaperon\ndeny contains {\"rule\": \"r\", \"message\": \"m\"} if true", "x.rego:2: deny in package chaperon decides nothing"},
		"below":            {"package chaperone.prod\ndeny contains {\"rule\": \"r\", \"message\": \"m\"} if true", "x.rego:2: deny in package chaperone.prod decides nothing"},
		"in the way":       {"package chaperone.mask\na := 1", "x.rego:1: package chaperone.mask would hide the set mask"},
		"field in library": {"package lib\nf(x) if x.nmae == 1\ng if { some t in input.sql.tables; f(t) }", `x.rego:2: t.nmae`},
	} {
		dir := write(t, map[string]string{"p.rego": ok, "x.rego": test.file})
		_, err := Load(t.Context(), options(dir))
		if err == nil {
			t.Errorf("%s: loads", name)
		} else if got := lines(reject(err).Problems); !strings.Contains(got, strings.ReplaceAll(test.want, "t.nmae", "x.nmae")) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

func TestDataFiles(t *testing.T) {
	const rules = "package chaperone\nallow contains \"a\" if { data.window.from == 9; data.teams.web.lead == \"ann\" }"
	tests := []struct {
		name  string
		files map[string]string
		want  string // "" where the policy must load
	}{
		{"JSON, YAML and folders", map[string]string{"data.json": `{"window":{"from":9}}`, "teams/data.yaml": "web:\n  lead: ann\n"}, ""},
		{"merged", map[string]string{"data.json": `{"window":{"from":9},"teams":{}}`, "teams/web/data.json": `{"lead":"ann"}`}, ""},
		{"missing key", map[string]string{"data.json": `{"window":{"form":9},"teams":{"web":{"lead":"ann"}}}`},
			`p.rego:2: data.window.from: no data file and no rule holds data.window.from; did you mean "form"?`},
		{"conflict", map[string]string{"data.json": `{"window":{"from":9},"teams":{"web":{"lead":"ann"}}}`, "data.yaml": "window: 1"},
			"data.yaml: data.window stands in another data file too"},
		{"syntax", map[string]string{"data.json": "{\n\"window\": {\"from\": 9},\n}"}, "data.json:3: not valid JSON"},
		{"repeated key", map[string]string{"data.json": "{\"window\": 1,\n\"window\": 2}"}, "data.json:2: not valid JSON: duplicate"},
		{"two values", map[string]string{"data.json": "{}\n{}"}, "data.json:2: not valid JSON: there is more"},
		{"repeated key in YAML", map[string]string{"data.yaml": "window: 1\nwindow: 2"}, "data.yaml:2: not valid YAML"},
		{"a list", map[string]string{"data.json": "[1]"}, "data.json:1: a data file holds one object"},
		{"in the way of rules", map[string]string{"data.json": `{"chaperone":{"allow":["everything"]}}`}, "data.json: data.chaperone belongs to the rules"},
		{"in the way of rules by a folder", map[string]string{"chaperone/data.json": `{"allow":["everything"]}`}, "data.chaperone belongs to the rules"},
	}
	for _, test := range tests {
		test.files["p.rego"] = rules
		_, err := Load(t.Context(), options(write(t, test.files)))
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && err == nil:
			t.Errorf("%s: loads", test.name)
		case test.want != "" && !strings.Contains(lines(reject(err).Problems), test.want):
			t.Errorf("%s: got %s, want %s", test.name, lines(reject(err).Problems), test.want)
		}
	}
}

// The functions that policies may call are a deliberate list: a new version of
// OPA that adds one must be looked at.
func TestBuiltins(t *testing.T) {
	var names []string
	for _, builtin := range capabilities().Builtins {
		names = append(names, builtin.Name)
	}
	slices.Sort(names)
	golden(t, "testdata/builtins.txt", strings.Join(names, "\n")+"\n")
}

var update = flag.Bool("update", false, "write golden files anew")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		writeFile(t, path, got)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}
