// Package toolstest is the suite that every family of tools must pass. A family
// calls [Run] from a test of its own.
package toolstest

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/chaperone-dev/chaperone/tools"
)

// Suite says what the suite needs to know of a family.
type Suite struct {
	Family tools.Family
	// Connection is one that is open, to a real target.
	Connection tools.Connection
	// Reads are requests that only read and succeed; Changes are requests that
	// change the target and succeed; Refused are such that must not be described
	// as anything that may run. None may be empty.
	Reads, Changes, Refused []tools.Request
	// State is a digest of the target's whole state.
	State func(t *testing.T) string
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Run("tools", s.testTools)
	t.Run("facts", s.testFacts)
	t.Run("arguments", s.testArguments)
	t.Run("describing changes nothing", s.testDescribe)
	t.Run("reads change nothing", s.testReads)
	t.Run("refused", s.testRefused)
	t.Run("previews change nothing", s.testPreviews)
	t.Run("changes", s.testChanges)
	t.Run("cancelled", s.testCancelled)
}

var toolName = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

func (s Suite) testTools(t *testing.T) {
	list := s.Family.Tools()
	if len(list) == 0 || !reflect.DeepEqual(names(list), names(s.Family.Tools())) {
		t.Error("the list of tools is empty, or not always in the same order")
	}
	for _, tool := range list {
		if !toolName.MatchString(tool.Name) || tool.Title == "" || tool.Description == "" || tool.Ceiling == tools.Unknown {
			t.Errorf("%+v lacks a proper name, a title, a description or a ceiling", tool.Name)
		}
		for _, schema := range []json.RawMessage{tool.Input, tool.Output} {
			if resolved(t, schema).Schema().Type != "object" {
				t.Errorf("%s: a schema is not of an object", tool.Name)
			}
		}
	}
}

func names(list []tools.Tool) []string {
	out := make([]string, len(list))
	for i, tool := range list {
		out[i] = tool.Name
	}
	return out
}

func resolved(t *testing.T, data json.RawMessage) *jsonschema.Resolved {
	t.Helper()
	var schema jsonschema.Schema
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	r, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// testFacts holds what the family says to its own schema.
func (s Suite) testFacts(t *testing.T) {
	schema := resolved(t, s.Family.FactsSchema())
	check := func(a tools.Action) {
		t.Helper()
		if a.Facts == nil || a.Facts.Family() != s.Family.Name() {
			t.Fatalf("%s: the facts are not the family's", a.Verb)
		}
		data, err := json.Marshal(a.Facts)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: the facts do not fit their schema: %v", a.Display, err)
		}
	}
	for _, a := range s.Family.Samples() {
		check(a)
	}
	for _, r := range append(append([]tools.Request{}, s.Reads...), s.Changes...) {
		check(s.describe(t, r).Action())
	}
}

func (s Suite) describe(t *testing.T, r tools.Request) tools.Plan {
	t.Helper()
	plan, err := s.Connection.Describe(t.Context(), r)
	if err != nil {
		t.Fatalf("%s: %v", r.Args, err)
	}
	return plan
}

// testArguments gives each tool what is none of its arguments.
func (s Suite) testArguments(t *testing.T) {
	for _, tool := range s.Family.Tools() {
		for _, args := range []string{
			`{"no_such_argument": 1}`, `[]`, `null`, `1`, `"x"`, `{"SQL": "x", "Args": []}`, `{"sql": 1, "args": 1, "pattern": 1}`,
			`{"sql": "", "args": []}`, `{"sql": "x", "sql": "y"}`, `{`,
		} {
			plan, err := s.Connection.Describe(t.Context(), tools.Request{Tool: tool.Name, Args: json.RawMessage(args)})
			if err == nil && (args == `{"no_such_argument": 1}` || plan.Action().Effect != tools.Read) {
				t.Errorf("%s took %s", tool.Name, args)
			}
			if err != nil && !errors.As(err, new(*tools.Refusal)) {
				t.Errorf("%s, %s: %v is not a refusal", tool.Name, args, err)
			}
		}
	}
}

func (s Suite) testDescribe(t *testing.T) {
	before := s.State(t)
	for _, r := range append(append([]tools.Request{}, s.Reads...), s.Changes...) {
		plan := s.describe(t, r)
		if a, b := plan.Action(), plan.Action(); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: the action changes from one look to the next", r.Args)
		}
		if a := plan.Action(); a.Verb == "" || a.Display == "" || a.Blank == "" || a.Effect == tools.Unknown {
			t.Errorf("%s: the action %+v is not described in full", r.Args, a)
		}
	}
	if s.State(t) != before {
		t.Error("describing changed the target")
	}
}

func (s Suite) testReads(t *testing.T) {
	before := s.State(t)
	for _, r := range s.Reads {
		plan := s.describe(t, r)
		if plan.Action().Effect != tools.Read {
			t.Errorf("%s is not a read: %s", r.Args, plan.Action().Why)
			continue
		}
		result, err := plan.Run(t.Context(), openGate{}, tools.Limits{})
		if err != nil {
			t.Errorf("%s: %v", r.Args, err)
			continue
		}
		result.Mask(noMask{}, func(text string) string { return text })
		if data, err := result.MarshalJSON(); err != nil || !json.Valid(data) || data[0] != '{' {
			t.Errorf("%s: the result is not a JSON object: %v", r.Args, err)
		}
	}
	if s.State(t) != before {
		t.Error("a read changed the target")
	}
}

func (s Suite) testRefused(t *testing.T) {
	before := s.State(t)
	for _, r := range s.Refused {
		plan, err := s.Connection.Describe(t.Context(), r)
		if err != nil {
			if !errors.As(err, new(*tools.Refusal)) {
				t.Errorf("%s: %v is not a refusal", r.Args, err)
			}
			continue
		}
		if e := plan.Action().Effect; e != tools.Unknown {
			t.Errorf("%s: the effect is %s", r.Args, e)
		}
		if _, err := plan.Run(t.Context(), openGate{}, tools.Limits{}); err == nil {
			t.Errorf("%s ran", r.Args)
		}
	}
	if s.State(t) != before {
		t.Error("what was refused changed the target")
	}
}

func (s Suite) testChanges(t *testing.T) {
	for _, r := range s.Changes {
		before := s.State(t)
		plan := s.describe(t, r)
		if plan.Action().Effect == tools.Read || plan.Action().Why == "" {
			t.Errorf("%s: the effect is %s, because %q", r.Args, plan.Action().Effect, plan.Action().Why)
		}
		if _, err := plan.Run(t.Context(), openGate{}, tools.Limits{}); err != nil {
			t.Errorf("%s: %v", r.Args, err)
		}
		if s.State(t) == before {
			t.Errorf("%s changed nothing", r.Args)
		}
	}
}

// testPreviews looks at what every change would do, both ways. A plan that is
// held to what it was previewed as runs, as long as nothing else happens.
func (s Suite) testPreviews(t *testing.T) {
	before := s.State(t)
	for _, r := range s.Changes {
		plan, ok := s.describe(t, r).(tools.Rehearsed)
		if !ok {
			continue
		}
		for _, measure := range []bool{true, false} {
			p, err := plan.Preview(t.Context(), measure)
			if err != nil || p == nil {
				t.Errorf("%s: the preview: %v", r.Args, err)
			} else if p.Measured && !measure {
				t.Errorf("%s was rehearsed where only an estimate was wanted", r.Args)
			}
		}
	}
	if s.State(t) != before {
		t.Error("a preview changed the target")
	}
}

// testCancelled runs everything in a context that has ended.
func (s Suite) testCancelled(t *testing.T) {
	before := s.State(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range append(append([]tools.Request{}, s.Reads...), s.Changes...) {
		if _, err := s.describe(t, r).Run(ended, openGate{}, tools.Limits{}); err == nil {
			t.Errorf("%s ran in a context that had ended", r.Args)
		}
	}
	if s.State(t) != before {
		t.Error("a cancelled call changed the target")
	}
}

// openGate allows everything.
type openGate struct{}

func (openGate) Judge(_ context.Context, actions []tools.Action) ([]tools.Verdict, error) {
	verdicts := make([]tools.Verdict, len(actions))
	for i := range verdicts {
		verdicts[i] = tools.Verdict{Allowed: true, Masker: noMask{}}
	}
	return verdicts, nil
}

func (openGate) Masker() tools.Masker { return noMask{} }

func (openGate) Stream(string, string) error { return nil }

type noMask struct{}

func (noMask) Mask(tools.Origins) tools.Mask { return nil }
