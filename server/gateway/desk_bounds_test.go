package gateway

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
)

// TestPolicyChangedWhileItWaits: what policy said before the wait does not hold
// after it, though the answer comes in time.
func TestPolicyChangedWhileItWaits(t *testing.T) {
	s := newStaffed(t, time.Minute)
	decide := s.rules.decision
	var now atomic.Pointer[policy.Decision]
	now.Store(&decide)
	s.rules.decide = func(*policy.Input) policy.Decision { return *now.Load() }
	var answering sync.WaitGroup
	answering.Go(func() {
		id := s.asked()
		now.Store(&policy.Decision{Policy: "q", Rules: []policy.Rule{{Name: "closed"}}})
		if err := s.answer("ann", approval.Approve, id); err != nil {
			t.Error(err)
		}
	})
	r := s.call("fake_write")
	answering.Wait()
	isRefused(t, r, "policy-changed")
	s.ran(0)
}

// TestTooManyOpen: one principal can't fill the approvers' desk.
func TestTooManyOpen(t *testing.T) {
	s := newStaffed(t, brief)
	for i := range mostOpen {
		s.held(fmt.Sprintf(`"do":"%d"`, i))
	}
	r := s.call("fake_write", `"do":"one more"`)
	isRefused(t, r, "approvals-open")
	if !strings.Contains(r.Message, "you have 20") || !r.Later {
		t.Errorf("%+v", r)
	}
	if got := kindsOf(s.events(r.Call)); got != "received described decided previewed refused" {
		t.Error(got)
	}
	// What waits already is found, and others have room of their own.
	s.held(`"do":"3"`)
	other := s.gateway.OpenSession(person("eve"), policy.Client{}, "http")
	if r := s.gateway.Call(t.Context(), other, Incoming{Tool: "fake_write", Args: []byte(`{"connection":"one"}`)}); r.Status != Pending {
		t.Errorf("%+v", r)
	}
}

// forgetful is a history from which retention has taken something.
type forgetful struct {
	History
	events, contents bool
}

func (f forgetful) Events(ctx context.Context, session string) iter.Seq2[recorder.Event, error] {
	if !f.events {
		return f.History.Events(ctx, session)
	}
	return f.History.Events(ctx, "none")
}

func (f forgetful) Content(ctx context.Context, c recorder.Content) ([]byte, error) {
	if !f.contents {
		return f.History.Content(ctx, c)
	}
	return nil, fmt.Errorf("%w: content", recorder.ErrNotFound)
}

// TestResultGone: what retention took is said to be gone, and nothing runs again.
func TestResultGone(t *testing.T) {
	for name, f := range map[string]forgetful{"the result": {contents: true}, "the session": {events: true}} {
		t.Run(name, func(t *testing.T) {
			s := newStaffed(t, brief)
			p := s.approved()
			ran := s.wait(s.session, p.Approval)
			if ran.Status != OK {
				t.Fatalf("%+v", ran)
			}
			f.History = s.gateway.config.History
			s.gateway.config.History = f
			r := s.wait(s.session, p.Approval)
			isRefused(t, r, "result-gone")
			if !strings.Contains(r.Message, ran.Call) {
				t.Errorf("%+v", r)
			}
			s.ran(1)
		})
	}
}

// TestTwins: the same call waits twice, as when a client broke off and came back.
// It runs once, and both get what came of it.
func TestTwins(t *testing.T) {
	s := newStaffed(t, time.Minute)
	replies, waits := make([]Reply, 4), make(chan int, 100)
	var all sync.WaitGroup
	for i := range replies {
		// Who waits for people says so.
		in := Incoming{Tool: "fake_write", Args: []byte(`{"connection":"one"}`), Progress: func(n int, _ string) {
			if n == 1 {
				waits <- i
			}
		}}
		all.Go(func() { replies[i] = s.gateway.Call(t.Context(), s.session, in) })
	}
	for range replies {
		<-waits
	}
	id := s.asked()
	if err := s.answer("ann", approval.Approve, id); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	for _, r := range replies {
		if r.Status != OK || r.Call != replies[0].Call || string(r.Result) != string(replies[0].Result) {
			t.Errorf("%+v", r)
		}
	}
	s.ran(1)
}
