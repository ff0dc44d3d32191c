package policy

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

func TestInputJSON(t *testing.T) {
	in := &Input{
		Principal:  Principal{Subject: "ann", Issuer: "local", Method: Local},
		Connection: Connection{Name: "shop", Family: "sql"},
		Call:       Call{Tool: "sql_read", Time: time.Date(2026, 3, 4, 11, 0, 0, 0, time.FixedZone("CET", 3600))},
		Action:     tools.Action{Verb: "select", Effect: tools.Read, Facts: sqlFacts{Statement: "select"}},
	}
	got, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"groups":[]`, `"claims":{}`, `"labels":{}`, `"targets":[]`, `"tables":[]`, `"method":"local"`,
		`"effect":"read"`, `"time":"2026-03-04T10:00:00Z"`, `"sql":{"statement":"select"`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
	for _, refused := range []string{"null", "estimated_rows", "Facts", "Blank"} {
		if strings.Contains(string(got), refused) {
			t.Errorf("%s has %s", got, refused)
		}
	}
}

// odd are facts whose JSON is not what the family's schema says.
type odd struct{ text string }

func (odd) Family() string                 { return "sql" }
func (o odd) MarshalJSON() ([]byte, error) { return []byte(o.text), nil }

type stranger struct{}

func (stranger) Family() string { return "principal" }

func TestInputMustMatchItsSchema(t *testing.T) {
	p := loaded(t, `allow contains "all" if true`)
	facts := `{"statement":"select","explains":"","analyze":false,"tables":[],"columns":[],"functions":[],"operators":[],` +
		`"casts":[],"commands":[],"objects":[],"has_where":true,"where_is_constant":false,"returning":false,` +
		`"locking":false,"limit":false,"rules":false,"opaque":false,` +
		`"fingerprint":"","normalized":"","params":0}`
	replace := func(before, after string) tools.Facts {
		if !strings.Contains(facts, before) {
			t.Fatalf("no %s in the facts", before)
		}
		return odd{strings.Replace(facts, before, after, 1)}
	}
	tests := []struct {
		name  string
		facts tools.Facts
		want  string
	}{
		{"as the schema says", odd{facts}, ""},
		{"misspelt", replace(`"tables":[]`, `"tabels":[]`), `input.sql has a field "tabels"`},
		{"missing", replace(`"has_where":true,`, ``), `input.sql lacks a field`},
		{"other type", replace(`"has_where":true`, `"has_where":"true"`), `input.sql.has_where is string; its schema says boolean`},
		{"null", replace(`"has_where":true`, `"has_where":null`), `input.sql.has_where is null`},
		{"repeated", replace(`"params":0`, `"params":0,"params":1`), `duplicate`},
		{"unknown word", replace(`"tables":[]`,
			`"tables":[{"schema":"a","name":"b","kind":"table","access":"borrow"}]`),
			`input.sql.tables[_].access is "borrow"`},
		{"no object", odd{`[]`}, `input.sql is [`},
		{"no JSON", odd{`{`}, `writing the facts`},
		{"takes a place that is taken", stranger{}, `no place for facts of the family "principal"`},
	}
	for _, test := range tests {
		in := aRead()
		in.Action.Facts = test.facts
		d := p.Decide(t.Context(), in)
		if ok := d.Outcome == Allow; ok != (test.want == "") || !strings.Contains(d.Fault, test.want) {
			t.Errorf("%s: got %v, fault %q; want %q", test.name, d.Outcome, d.Fault, test.want)
		}
	}
}

// What is on record is judged like what was judged then.
func TestInputReadsBack(t *testing.T) {
	p := loaded(t, `allow contains t.name if { some t in input.sql.tables; input.principal.claims.dept == "web" }`)
	in := aRead()
	text, err := in.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadInput(text)
	if err != nil {
		t.Fatal(err)
	}
	if one, two := p.Decide(t.Context(), in), p.Decide(t.Context(), again); one.Outcome != Allow || !reflect.DeepEqual(one, two) {
		t.Errorf("got %+v, then %+v", one, two)
	}
}

// A misspelt member is not taken for the facts of a family.
func TestInputTakesNoOtherMembers(t *testing.T) {
	text, err := aRead().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		before, after string
		want          []string
	}{
		{`"sql":{`, `"sqll":{`, []string{`"sqll"`, `connection.family has ("sql")`}},
		{`"call":{`, `"note":1,"mongo":{},"call":{`, []string{`"mongo", "note"`}},
		{`"family":"sql"`, `"family":""`, []string{`no place for "sql"`}},
	} {
		if !strings.Contains(string(text), c.before) {
			t.Fatalf("no %s in %s", c.before, text)
		}
		_, err := ReadInput([]byte(strings.Replace(string(text), c.before, c.after, 1)))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", c.after, err, want)
			}
		}
	}
	if in, err := ReadInput([]byte(`{"call":{"tool":"access"}}`)); err != nil || in.Action.Facts != nil {
		t.Errorf("an input without facts: %+v, %v", in, err)
	}
}

func TestInputWordsAreChecked(t *testing.T) {
	p := loaded(t, `allow contains "all" if true`)
	for name, change := range map[string]func(*Input){
		"method":    func(in *Input) { in.Principal.Method = "trust-me" },
		"transport": func(in *Input) { in.Session.Transport = "pigeon" },
		"family":    func(in *Input) { in.Connection.Family = "mongo" },
		"tool":      func(in *Input) { in.Call.Tool = "sql_reed" },
		"subject":   func(in *Input) { in.Principal.Subject = "" },
		"utf-8":     func(in *Input) { in.Call.Reason = "\xff" },
	} {
		in := aRead()
		change(in)
		if d := p.Decide(t.Context(), in); d.Outcome != Deny {
			t.Errorf("%s: got %v", name, d.Outcome)
		}
	}
}
