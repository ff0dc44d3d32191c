package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// discovering lets a run ask about further actions, and end as it is told.
func (s *stage) discovering(actions []tools.Action, then func([]tools.Verdict, error) (tools.Result, error)) {
	s.target.run = func(ctx context.Context, gate tools.Gate) (tools.Result, error) {
		verdicts, err := gate.Judge(ctx, actions)
		s.trace.add("judged")
		return then(verdicts, err)
	}
}

func TestFurtherActionsAreJudged(t *testing.T) {
	s := newStage(t)
	flow := tools.Flow{From: secretOrigin}
	actions := []tools.Action{
		{Verb: "get", Effect: tools.Read}, {Verb: "put", Effect: tools.Write}, {Verb: "drop", Effect: tools.Destroy}, {Verb: "guess"},
		{Verb: "denied", Effect: tools.Read}, {Verb: "held", Effect: tools.Read}, {Verb: "copy", Effect: tools.Write, Flows: []tools.Flow{flow}},
		{Verb: "peek", Effect: tools.Read, Display: "peek " + card, Blank: "peek ?", Origins: secretOrigin},
	}
	s.rules.decide = func(in *policy.Input) policy.Decision {
		d := policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "all"}}, Labels: []string{in.Action.Verb}}
		switch in.Action.Verb {
		case "denied":
			d.Outcome, d.Rules = policy.Deny, []policy.Rule{{Name: "not-this", Message: "it is not for you", Hint: "take that"}}
		case "held":
			d.Outcome = policy.Approve
		case "copy", "peek":
			d.Masks = masksSecret
		}
		return d
	}
	var got []tools.Verdict
	s.discovering(actions, func(v []tools.Verdict, err error) (tools.Result, error) {
		got = v
		return nil, errors.Join(err, &tools.Failure{Message: "found " + card, Plain: "found"})
	})
	r := s.call("fake_write")
	// What is not allowed says by which rule; "" is allowed.
	want := []string{"", "", "tool-ceiling", "tool-ceiling", "not-this", "all", "mask", ""}
	for i, v := range got {
		if v.Allowed != (want[i] == "") || v.Masker == nil || v.Allowed != (v.Refusal == nil) || !v.Allowed && v.Refusal.Rule != want[i] {
			t.Errorf("%s: %+v, %+v", actions[i].Verb, v, v.Refusal)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d verdicts", len(got))
	}
	// What a rule denies is refused in the rule's words.
	if r := got[4].Refusal; r == nil || r.Rule != "not-this" || r.Reason != "it is not for you" || r.Hint != "take that" {
		t.Errorf("%+v", got)
	}
	// What was not allowed leaves no label, and the masked value no trace.
	if labels := strings.Join(s.session.labels, " "); labels != "do get peek put" {
		t.Errorf("the session has the labels %s", labels)
	}
	s.hidden("a masked value", r, card)
	judged, ok := s.events(r.Call)[4].Body.(recorder.Judged)
	if !ok || len(judged.Actions) != len(actions) || judged.Actions[7].Action.Display != "peek ?" {
		t.Errorf("on record: %+v", judged)
	}
}

// TestVerdictsAreRecordedFirst: those that may change something durably. There
// are none when the record fails.
func TestVerdictsAreRecordedFirst(t *testing.T) {
	for effect, want := range map[tools.Effect]string{tools.Read: "note judged|judged", tools.Write: "append judged|durable|judged"} {
		s := newStage(t)
		s.discovering([]tools.Action{{Verb: "more", Effect: effect}}, func(_ []tools.Verdict, err error) (tools.Result, error) { return s.target.result(), err })
		if r := s.call("fake_write"); r.Status != OK || !strings.Contains(strings.ReplaceAll(s.trace.String(), "\n", "|"), want) {
			t.Errorf("a %s: %+v\n%s", effect, r, s.trace)
		}
		s.record.fail = failing(recorder.KindJudged, errDisk)
		s.discovering([]tools.Action{{Verb: "more", Effect: effect}}, func(v []tools.Verdict, err error) (tools.Result, error) {
			if v != nil || err == nil {
				t.Errorf("a %s has the verdicts %+v, %v", effect, v, err)
			}
			return nil, &tools.Failure{Message: "stopped", Plain: "stopped"}
		})
		s.call("fake_write")
	}
}

// TestDescribingIsJudged: what a family asks of its target before a call can be
// described is judged as well, and is on record with the call. What people will
// be asked about may be tried; what is denied may not.
func TestDescribingIsJudged(t *testing.T) {
	s := newStage(t)
	outcome := policy.Allow
	s.rules.decide = func(in *policy.Input) policy.Decision {
		d := policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "all"}}}
		if in.Action.Verb == "try" {
			d.Outcome = outcome
		}
		return d
	}
	var allowed []bool
	s.target.describe = func(ctx context.Context, r tools.Request) error {
		if r.Caller.Subject != s.session.Principal.Subject {
			t.Errorf("the target is told of %+v", r.Caller)
		}
		v, err := r.Gate.Judge(ctx, []tools.Action{
			{Verb: "try", Effect: tools.Read, Display: "look", Blank: "look"}, {Verb: "try", Effect: tools.Write, Display: "try it", Blank: "try"},
		})
		if err != nil {
			return err
		}
		if v[0].Allowed != (outcome == policy.Allow) {
			t.Errorf("outcome %v: a read is allowed %v", outcome, v[0].Allowed)
		}
		allowed = append(allowed, v[1].Allowed)
		return nil
	}
	for _, outcome = range []policy.Outcome{policy.Allow, policy.Confirm, policy.Approve, policy.Deny} {
		r := s.call("fake_write")
		if got, want := allowed[len(allowed)-1], outcome != policy.Deny; got != want {
			t.Errorf("outcome %v: allowed %v", outcome, got)
		}
		kinds := kindsOf(s.events(r.Call))
		if !strings.HasPrefix(kinds, "received judged described") {
			t.Errorf("on record: %s", kinds)
		}
	}
	// A tool that only reads may not try changes.
	_ = s.call("fake_read")
	if allowed[len(allowed)-1] {
		t.Error("a read may try a change")
	}
}
