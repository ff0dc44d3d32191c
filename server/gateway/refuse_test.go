package gateway

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// TestRefusals takes every way to be refused. None runs anything, and each is
// on record as the caller was told it.
func TestRefusals(t *testing.T) {
	effect := func(e tools.Effect) func(*stage) {
		return func(s *stage) { s.target.action = func(a *tools.Action) { a.Effect = e } }
	}
	decides := func(d policy.Decision) func(*stage) { return func(s *stage) { s.rules.decision = d } }
	for name, c := range map[string]struct {
		tool string
		args []string
		set  func(*stage)
		// rule and stage are what refuses, says is in the message, hint in the hint.
		rule, stage, says, hint string
		later                   bool
	}{
		"nobody":                     {tool: "fake_read", set: func(s *stage) { s.session.Principal = policy.Principal{} }, rule: "identity", stage: "identity", says: "not known", hint: "sign in"},
		"a principal of no method":   {tool: "fake_read", set: func(s *stage) { s.session.Principal.Method = "" }, rule: "identity", stage: "identity", says: "not known"},
		"an unknown tool":            {tool: "psql", rule: "unknown-tool", stage: "describe", says: `"psql"`},
		"a tool with a long name":    {tool: strings.Repeat("é", 999), rule: "unknown-tool", stage: "describe", says: `é..."`},
		"an unknown connection":      {tool: "fake_read", args: []string{`"connection":"three"`}, rule: "arguments", stage: "describe", says: "given twice"},
		"an argument twice":          {tool: "fake_read", args: []string{`"do":"a","do":"b"`}, rule: "arguments", stage: "describe", says: "given twice"},
		"an argument of a long name": {tool: "access", args: []string{`"` + strings.Repeat("x", 1<<20) + `":1`}, rule: "arguments", stage: "describe", says: "xxx"},
		"an argument of another type": {tool: "fake_read", args: []string{`"reason":7`}, rule: "arguments", stage: "describe", says: `"reason" must be a string`,
			hint: "schema"},
		"a long reason":          {tool: "fake_read", args: []string{`"reason":"` + strings.Repeat("x", 2001) + `"`}, rule: "arguments", stage: "describe", says: "longer than 2000"},
		"a cursor of nobody":     {tool: "fake_read", args: []string{`"cursor":"AAAA"`}, rule: "cursor", stage: "describe", says: "does not belong"},
		"a cursor where none is": {tool: "fake_write", args: []string{`"cursor":"AAAA"`}, rule: "cursor", stage: "describe", says: "does not belong"},
		"the family refuses": {tool: "fake_read", set: func(s *stage) {
			s.target.describe = func(context.Context, tools.Request) error {
				return &tools.Refusal{Rule: "family", Reason: "no such thing.", Hint: "look first", Later: true}
			}
		}, rule: "family", stage: "describe", says: "no such thing. Instead: look first.", hint: "look first", later: true},
		"what is not understood":     {tool: "fake_write", set: effect(tools.Unknown), rule: "not-understood", stage: "describe", says: "not understood"},
		"a read of unknown effect":   {tool: "fake_read", set: effect(tools.Unknown), rule: "not-understood", stage: "describe", says: "not understood"},
		"an effect that is none":     {tool: "fake_write", set: effect(99), rule: "tool-ceiling", stage: "describe", says: "nothing worse"},
		"a write by the read tool":   {tool: "fake_read", set: effect(tools.Write), rule: "tool-ceiling", stage: "describe", says: "this is a write", hint: "use fake_write"},
		"worse than any tool may do": {tool: "fake_write", set: effect(tools.Destroy), rule: "tool-ceiling", stage: "describe", says: "this is a destroy"},
		"no decision":                {tool: "fake_read", set: decides(policy.Decision{}), rule: "default-deny", stage: "decide", says: "does not allow"},
		"a decision of another word": {tool: "fake_read", set: decides(policy.Decision{Outcome: 99}), rule: "default-deny", stage: "decide", says: "does not allow"},
		"policy denies": {tool: "fake_write", set: decides(policy.Decision{Rules: []policy.Rule{
			{Name: "no-where", Message: "it has no WHERE", Hint: "add one"}, {Name: "weekend", Message: "not today"},
		}}), rule: "no-where", stage: "decide", says: "it has no WHERE; weekend: not today. Instead: add one", hint: "add one"},
		"policy wants approval": {tool: "fake_write", set: decides(policy.Decision{
			Outcome: policy.Approve, Rules: []policy.Rule{{Name: "prod-writes"}},
			Approve: []obligation.Approve{{Rule: "prod-writes", Groups: []string{"dba", "lead"}, Count: 2}, {Rule: "b", Groups: []string{"sec"}}},
		}), rule: "prod-writes", stage: "approve", says: "2 people of dba or lead (prod-writes) and one person of sec (b)", hint: "ask them"},
		"policy wants confirmation": {tool: "fake_write", set: decides(policy.Decision{Outcome: policy.Confirm}), rule: "confirmation", stage: "confirm", says: "could not be asked", hint: "chaperone call", later: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			if c.set != nil {
				c.set(s)
			}
			var r Reply
			if c.tool == "access" {
				r = s.gateway.Call(t.Context(), s.session, Incoming{Tool: c.tool, Args: json.RawMessage("{" + c.args[0] + "}")})
			} else {
				r = s.call(c.tool, c.args...)
			}
			if strings.Contains(s.trace.String(), "run") {
				t.Error("it ran")
			}
			if r.Status != Refused || r.Rule != c.rule || r.Later != c.later || !strings.Contains(r.Message, c.says) || !strings.Contains(r.Hint, c.hint) {
				t.Errorf("%+v", r)
			}
			if strings.Contains(r.Message, "Do not repeat") == c.later || len(r.Message) > maxText+300 {
				t.Errorf("the message: %s", r.Message)
			}
			events := s.events(r.Call)
			end, ok := events[len(events)-1].Body.(recorder.Refused)
			if !ok || end.Rule != c.rule || end.Stage != c.stage || !strings.Contains(r.Message, strings.TrimRight(end.Reason, ".")) {
				t.Errorf("it ended as %+v", end)
			}
			if events[0].Body.Kind() != recorder.KindReceived {
				t.Errorf("it is on record as %s", kindsOf(events))
			}
			if s.session.totals.Calls != 1 || s.session.totals.Denied != 1 {
				t.Errorf("it counts as %+v", s.session.totals)
			}
		})
	}
}

func TestConnections(t *testing.T) {
	s := newStage(t)
	call := func(args string) Reply {
		return s.gateway.Call(t.Context(), s.session, Incoming{Tool: "fake_read", Args: json.RawMessage(args)})
	}
	for args, rule := range map[string]string{
		`{"connection":"three"}`: "unknown-connection", `{"connection":"chaperone"}`: "unknown-connection", `{"connection":"ONE"}`: "unknown-connection",
		`{}`: "arguments", ``: "arguments", `null`: "arguments", `[]`: "arguments", `{"connection":"two"}`: "",
	} {
		if r := call(args); r.Rule != rule {
			t.Errorf("%s: %+v", args, r)
		}
	}
	// Where there is one, it need not be named.
	delete(s.gateway.connections, "two")
	if r := call(`{}`); r.Status != OK || s.rules.asked[len(s.rules.asked)-1].Connection.Name != "one" {
		t.Errorf("%+v", r)
	}
}

// TestWhatPolicyIsAsked: about whom, about what, and with what the caller said.
func TestWhatPolicyIsAsked(t *testing.T) {
	s := newStage(t)
	s.call("fake_read")
	s.call("fake_write", `"reason":"token ghp_`+strings.Repeat("a", 36)+` leaked"`)
	in := s.rules.asked[1]
	if in.Principal.Subject != "mira" || in.Session.ID != s.session.ID || in.Session.Totals.Calls != 1 || in.Session.Totals.RowsRead != 3 ||
		in.Connection.Name != "one" || in.Call.Tool != "fake_write" || in.Action.Verb != "do" || in.Call.Time.IsZero() || in.Session.Labels == nil {
		t.Errorf("%+v", in)
	}
	if strings.Contains(in.Call.Reason, "ghp_") || !strings.Contains(in.Call.Reason, "leaked") {
		t.Errorf("the reason is %q", in.Call.Reason)
	}
}

// TestTheFamilyGetsItsOwnArguments: what the gateway took is not among them.
func TestTheFamilyGetsItsOwnArguments(t *testing.T) {
	s := newStage(t)
	s.call("fake_write", `"reason":"r"`, `"do":"x"`, `"dry_run":false`)
	if args := string(s.target.request.Args); args != `{"do":"x"}` {
		t.Errorf("%s", args)
	}
	s.call("fake_write")
	if args := string(s.target.request.Args); args != `{}` {
		t.Errorf("%s", args)
	}
}
