package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// confirming is a stage whose policy wants the caller's own word.
func confirming(t *testing.T) *staffed {
	t.Helper()
	s := newStaffed(t, brief)
	s.rules.decision = policy.Decision{
		Outcome: policy.Confirm, Rules: []policy.Rule{{Name: "sure"}}, Confirm: []obligation.Confirm{{Rule: "sure", Message: "Are you sure?"}}, Policy: "p",
	}
	return s
}

// says makes a write whose client answers as it is told.
func (s *staffed) says(do string, answer Answer, ticket Ticket) Reply {
	s.t.Helper()
	return s.gateway.Call(s.t.Context(), s.session, Incoming{
		Tool: "fake_write", Args: json.RawMessage(`{"connection":"one","do":"` + do + `"}`), Ticket: ticket,
		Confirm: func(context.Context, string) (Answer, error) { return answer, nil },
	})
}

func TestConfirmation(t *testing.T) {
	s := confirming(t)
	if r := s.says("x", Accepted, Ticket{}); r.Status != OK {
		t.Errorf("%+v", r)
	}
	s.ran(1)
	for _, answer := range []Answer{Declined, Dismissed, "", "ACCEPT", "yes"} {
		isRefused(t, s.says("x", answer, Ticket{}), "sure")
	}
	r := s.call("fake_write")
	isRefused(t, r, "sure")
	if !strings.Contains(r.Message, "could not be asked") || !r.Later {
		t.Errorf("%+v", r)
	}
	s.ran(1)
}

// TestQuestionHidesNothing of what is to be confirmed, whatever the caller wrote
// before it.
func TestQuestionHidesNothing(t *testing.T) {
	for display, want := range map[string]string{
		"delete from a\u202E from b":                               "delete from a[U+202E] from b",
		"/* " + strings.Repeat("good ", 1000) + "*/ delete from a": "bytes are not shown here] ...",
		strings.Repeat("good ", 1000) + "delete from a":            "delete from a",
	} {
		s := confirming(t)
		s.target.action = func(a *tools.Action) { a.Display = display }
		var question string
		s.gateway.Call(t.Context(), s.session, Incoming{
			Tool: "fake_write", Args: json.RawMessage(`{"connection":"one"}`),
			Confirm: func(_ context.Context, q string) (Answer, error) {
				question = q
				return Declined, nil
			},
		})
		if !strings.Contains(question, want) || strings.Contains(question, "\u202E") {
			t.Errorf("%q is not in %q", want, question)
		}
	}
}

func TestSilentPerson(t *testing.T) {
	s := confirming(t)
	s.gateway.confirmTime = brief
	var question string
	// The edge's own context is cancelled when the time is over.
	r := s.gateway.Call(t.Context(), s.session, Incoming{
		Tool: "fake_write", Args: json.RawMessage(`{"connection":"one"}`),
		Confirm: func(ctx context.Context, q string) (Answer, error) {
			question = q
			<-ctx.Done()
			return "", context.Canceled
		},
	})
	isRefused(t, r, "sure")
	if !strings.Contains(r.Message, "did not answer in time") || !strings.Contains(question, "Are you sure? On one: do 'it'") {
		t.Errorf("%+v %s", r, question)
	}
	// Who breaks off meanwhile does not confirm.
	ctx, cancel := context.WithCancel(t.Context())
	r = s.gateway.Call(ctx, s.session, Incoming{
		Tool: "fake_write", Args: json.RawMessage(`{"connection":"one"}`),
		Confirm: func(context.Context, string) (Answer, error) { cancel(); return Accepted, nil },
	})
	isRefused(t, r, "cancelled")
	isRefused(t, s.gateway.Call(t.Context(), s.session, Incoming{
		Tool: "fake_write", Args: json.RawMessage(`{"connection":"one"}`),
		Confirm: func(context.Context, string) (Answer, error) { return Accepted, errors.New("gone") },
	}), "sure")
	s.ran(0)
}

// TestTickets: an answer that the client brings counts for the call that it was
// asked about, once, and for a while.
func TestTickets(t *testing.T) {
	s := confirming(t)
	ticket := func() Ticket {
		t.Helper()
		r := s.says("x", Later, Ticket{})
		if r.Status != Asking || r.Ticket == "" || r.Error() {
			t.Fatalf("%+v", r)
		}
		return Ticket{Sealed: r.Ticket, Answer: Accepted}
	}
	good := ticket()
	isRefused(t, s.says("y", Later, good), "confirmation")
	if r := s.says("x", Later, good); r.Status != OK {
		t.Errorf("%+v", r)
	}
	isRefused(t, s.says("x", Later, good), "confirmation")
	isRefused(t, s.says("x", Later, Ticket{Sealed: "forged", Answer: Accepted}), "confirmation")
	if r := s.says("x", Later, Ticket{Answer: Accepted}); r.Status != Asking {
		t.Errorf("an answer without a ticket: %+v", r)
	}
	declined := ticket()
	declined.Answer = Declined
	isRefused(t, s.says("x", Later, declined), "sure")
	// Another caller, another state of the target, another policy.
	mine, moved, changed := ticket(), ticket(), ticket()
	s.session = s.gateway.OpenSession(person("eve"), policy.Client{}, "http")
	isRefused(t, s.says("x", Later, mine), "confirmation")
	s.session = s.gateway.OpenSession(person("mira"), policy.Client{}, "http")
	s.rows++
	isRefused(t, s.says("x", Later, moved), "confirmation")
	s.rows--
	s.rules.decision.Policy = "q"
	isRefused(t, s.says("x", Later, changed), "confirmation")
	s.rules.decision.Policy = "p"
	s.gateway.confirmTime = time.Nanosecond
	late := ticket()
	time.Sleep(time.Millisecond)
	isRefused(t, s.says("x", Later, late), "confirmation")
	s.ran(1)
}

// TestAConfirmationIsNoApproval, however it comes.
func TestAConfirmationIsNoApproval(t *testing.T) {
	s := confirming(t)
	asked := s.says("x", Later, Ticket{})
	s.rules.decision = holding(obligation.Approve{Rule: "writes", Groups: []string{"dba"}, Count: 1})
	s.rules.decision.Confirm = []obligation.Confirm{{Rule: "sure", Message: "Are you sure?"}}
	for _, ticket := range []Ticket{{}, {Sealed: asked.Ticket, Answer: Accepted}} {
		if r := s.says("x", Accepted, ticket); r.Status != Pending {
			t.Errorf("%+v", r)
		}
	}
	s.ran(0)
	if end, ok := s.end(asked).(recorder.Confirmed); !ok || end.Answer != "asked" {
		t.Errorf("%+v", end)
	}
}
