package gateway

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/tools"
)

// TestFrozen refuses new calls, and breaks off those that run or wait.
func TestFrozen(t *testing.T) {
	s := newStaffed(t, time.Minute)
	go s.gateway.Freezing(t.Context())
	begun := make(chan struct{}, 1)
	s.rules.decide = func(in *policy.Input) policy.Decision {
		if in.Action.Effect == tools.Read {
			return policy.Decision{Outcome: policy.Allow, Policy: "p"}
		}
		return s.rules.decision
	}
	s.target.run = func(ctx context.Context, _ tools.Gate) (tools.Result, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return nil, &tools.Failure{Message: "cancelled by us", Plain: "cancelled by us"}
	}
	for _, f := range []freeze.Freeze{
		{Scope: freeze.Everything}, {Scope: freeze.Principal, Name: "mira"},
		{Scope: freeze.Session, Name: s.session.ID}, {Scope: freeze.Connection, Name: "one"},
	} {
		f.By, f.Why = person("ann"), "look at this"
		runs, waits := make(chan Reply, 1), make(chan Reply, 1)
		go func() { runs <- s.call("fake_read") }()
		go func() { waits <- s.call("fake_write") }()
		<-begun
		id := s.asked()
		if err := s.board.Set(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if r := <-runs; r.Status != Failed || !strings.Contains(r.Message, "look at this") {
			t.Errorf("%s: what ran: %+v", f.Scope, r)
		}
		isRefused(t, <-waits, "frozen")
		isRefused(t, s.call("fake_read"), "frozen")
		if err := s.answer("ann", approval.Approve, id); err != nil {
			t.Error(err)
		}
		isRefused(t, s.wait(s.session, id), "frozen")
		if err := s.board.Lift(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if err := s.desk.Cancel(t.Context(), id, "test"); err != nil {
			t.Error(err)
		}
	}
	if got := s.trace.count("run within"); got != 4 {
		t.Errorf("it ran %d times", got)
	}
}

// TestFreezesAreAboutTheirOwn: the others go on.
func TestFreezesAreAboutTheirOwn(t *testing.T) {
	s := newStaffed(t, brief)
	s.rules.decision.Outcome = policy.Allow
	for _, f := range []freeze.Freeze{
		{Scope: freeze.Principal, Name: "eve"}, {Scope: freeze.Session, Name: "another"}, {Scope: freeze.Connection, Name: "two"},
	} {
		if err := s.board.Set(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.call("fake_read"); r.Status != OK {
		t.Errorf("%+v", r)
	}
}

func TestStop(t *testing.T) {
	s := newStaffed(t, brief)
	s.rules.decision.Outcome = policy.Allow
	begun := make(chan struct{}, 1)
	s.target.run = func(ctx context.Context, _ tools.Gate) (tools.Result, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	done := make(chan Reply, 1)
	go func() { done <- s.call("fake_read") }()
	<-begun
	list := s.gateway.Running()
	if len(list) != 1 || list[0].Tool != "fake_read" || list[0].Connection != "one" || list[0].Doing != "do ?" {
		t.Fatalf("%+v", list)
	}
	if found, err := s.gateway.Stop(t.Context(), list[0].ID, person("ann"), "too slow"); !found || err != nil {
		t.Errorf("%v %v", found, err)
	}
	r := <-done
	if r.Status != Failed || !strings.Contains(r.Message, "stopped by ann: too slow") {
		t.Errorf("%+v", r)
	}
	if kinds := kindsOf(s.events(r.Call)); !strings.Contains(kinds, strings.TrimPrefix(string(recorder.KindStopped), "call.")) {
		t.Error(kinds)
	}
	if found, _ := s.gateway.Stop(t.Context(), list[0].ID, person("ann"), ""); found || len(s.gateway.Running()) != 0 {
		t.Error("it still runs")
	}
}
