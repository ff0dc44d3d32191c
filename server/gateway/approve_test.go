package gateway

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/tools"
)

const brief = 20 * time.Millisecond

func TestApprovedWithinTheWait(t *testing.T) {
	s := newStaffed(t, time.Minute)
	var answering sync.WaitGroup
	answering.Go(func() {
		if err := s.answer("ann", approval.Approve, s.asked()); err != nil {
			t.Error(err)
		}
	})
	r := s.call("fake_write")
	answering.Wait()
	if r.Status != OK || !strings.Contains(string(r.Result), "done") {
		t.Errorf("%+v", r)
	}
	s.ran(1)
	if got := kindsOf(s.events(r.Call)); got != "received described decided previewed approval.requested approval.answered approval.spent started finished" {
		t.Error(got)
	}
}

func TestPendingThenWait(t *testing.T) {
	s := newStaffed(t, brief)
	p := s.held()
	if p.Error() || p.Until == "" || !strings.Contains(p.Message, "approval_wait") || !strings.Contains(p.Message, "one person of dba (writes)") {
		t.Errorf("%+v", p)
	}
	if again := s.wait(s.session, p.Approval); again.Status != Pending || again.Approval != p.Approval {
		t.Errorf("%+v", again)
	}
	s.ran(0)
	if err := s.answer("ann", approval.Approve, p.Approval); err != nil {
		t.Fatal(err)
	}
	// The client may be another run of it by then.
	later := s.gateway.OpenSession(person("mira"), policy.Client{}, "http")
	first, second := s.wait(later, p.Approval), s.wait(s.session, p.Approval)
	if first.Status != OK || second.Status != OK || string(first.Result) != string(second.Result) || first.Call != second.Call {
		t.Errorf("%+v\n%+v", first, second)
	}
	s.ran(1)
	// The same call once more is a new one.
	if r := s.held(); r.Approval == p.Approval {
		t.Error("a spent approval holds for another call")
	}
	s.ran(1)
}

func TestAttaches(t *testing.T) {
	s := newStaffed(t, brief)
	p := s.held(`"do":"x"`)
	if r := s.held(`"do":"x"`, `"reason":"please"`); r.Approval != p.Approval {
		t.Error("the same call waits twice")
	}
	if r := s.held(`"do":"y"`); r.Approval == p.Approval {
		t.Error("another call waits for the same")
	}
	// Repeating the call does not make it run by a preview that nobody saw.
	if err := s.answer("ann", approval.Approve, p.Approval); err != nil {
		t.Fatal(err)
	}
	s.rows = 3000
	isRefused(t, s.call("fake_write", `"do":"x"`), "moved")
	if s.target.held.Rows != 3 {
		t.Errorf("it is held to %d rows", s.target.held.Rows)
	}
}

func TestNotApproved(t *testing.T) {
	s := newStaffed(t, brief)
	denied := s.held(`"do":"denied"`)
	if err := s.answer("ann", approval.Deny, denied.Approval); err != nil {
		t.Fatal(err)
	}
	r := s.wait(s.session, denied.Approval)
	isRefused(t, r, "approval-denied")
	if !strings.Contains(r.Message, "ann: so be it") {
		t.Errorf("%+v", r)
	}
	cancelled := s.held(`"do":"cancelled"`)
	if err := s.desk.Cancel(t.Context(), cancelled.Approval, "no longer"); err != nil {
		t.Fatal(err)
	}
	isRefused(t, s.wait(s.session, cancelled.Approval), "approval-cancelled")
	s.rules.decision.Approve[0].Expires = "2s"
	expired := s.held(`"do":"expired"`)
	for r = expired; r.Status == Pending; {
		r = s.wait(s.session, expired.Approval)
	}
	if r.Rule != "approval-expired" {
		t.Errorf("%+v", r)
	}
	other := s.gateway.OpenSession(person("eve"), policy.Client{}, "http")
	isRefused(t, s.wait(other, denied.Approval), "unknown-approval")
	isRefused(t, s.wait(s.session, "none"), "unknown-approval")
	s.ran(0)
}

func TestWhoMayApprove(t *testing.T) {
	s := newStaffed(t, brief)
	s.rules.decision.Approve[0].Count = 2
	p := s.held()
	if err := s.answer("mira", approval.Approve, p.Approval); err == nil {
		t.Error("the requester approves")
	}
	for _, name := range []string{"ann", "ann"} {
		_ = s.answer(name, approval.Approve, p.Approval)
	}
	if r := s.wait(s.session, p.Approval); r.Status != Pending || !strings.Contains(r.Message, "one person") {
		t.Errorf("%+v", r)
	}
	if err := s.answer("bob", approval.Approve, p.Approval); err != nil {
		t.Error(err)
	}
	if r := s.wait(s.session, p.Approval); r.Status != OK {
		t.Errorf("%+v", r)
	}
	s.ran(1)
}

func TestPolicyChangedSince(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*policy.Decision)
		rule   string
		runs   int
		phase  approval.Phase
	}{
		"another digest": {func(d *policy.Decision) { d.Policy = "q" }, "policy-changed", 0, approval.Cancelled},
		"stricter rules": {func(d *policy.Decision) {
			d.Approve = obligation.Approvals{{Rule: "w", Groups: []string{"dba"}, Count: 2}}
		}, "policy-changed", 0, approval.Cancelled},
		"denies now":      {func(d *policy.Decision) { *d = policy.Decision{Policy: "q"} }, "default-deny", 0, approval.Approved},
		"lets it run now": {func(d *policy.Decision) { *d = policy.Decision{Outcome: policy.Allow, Policy: "q"} }, "", 1, approval.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStaffed(t, brief)
			p := s.approved()
			c.change(&s.rules.decision)
			if r := s.wait(s.session, p.Approval); r.Rule != c.rule || (r.Status == OK) != (c.runs == 1) {
				t.Errorf("%+v", r)
			}
			if r, err := s.desk.Get(t.Context(), p.Approval); err != nil || r.Phase != c.phase {
				t.Errorf("%s %v", r.Phase, err)
			}
			if r := s.wait(s.session, p.Approval); r.Status == OK {
				t.Errorf("once more: %+v", r)
			}
			s.ran(c.runs)
		})
	}
}

// TestDrift: what moved since is told, and the approval is gone.
func TestDrift(t *testing.T) {
	s := newStaffed(t, brief)
	p := s.approved()
	s.rows = 4
	for range 2 {
		r := s.wait(s.session, p.Approval)
		isRefused(t, r, "moved")
		if !strings.Contains(r.Message, "3 rows were approved, and it is 4 now") {
			t.Errorf("%+v", r)
		}
	}
	if r, err := s.desk.Get(t.Context(), p.Approval); err != nil || r.Phase != approval.Spent {
		t.Errorf("%s %v", r.Phase, err)
	}
	s.ran(1)
}

func TestReasonDemanded(t *testing.T) {
	s := newStaffed(t, brief)
	s.rules.decision.Approve[0].Reason = true
	r := s.call("fake_write", `"reason":"  "`)
	isRefused(t, r, "writes")
	if !strings.Contains(r.Hint, "reason") {
		t.Errorf("%+v", r)
	}
	s.held(`"reason":"it is needed"`)
}

// TestRestart: another gateway on the same record goes on with the call, once.
func TestRestart(t *testing.T) {
	s := newStaffed(t, brief)
	p := s.approved()
	g, err := New(s.gateway.config)
	if err != nil {
		t.Fatal(err)
	}
	before := s.gateway
	s.gateway = g
	if r := s.wait(g.OpenSession(person("mira"), policy.Client{}, "http"), p.Approval); r.Status != OK {
		t.Errorf("%+v", r)
	}
	s.gateway = before
	if r := s.wait(s.session, p.Approval); r.Status != OK {
		t.Errorf("%+v", r)
	}
	s.ran(1)
}

// TestManyClaims: of many who go on with it at once, one runs it.
func TestManyClaims(t *testing.T) {
	for name, outcome := range map[string]policy.Outcome{"approved": policy.Approve, "waived": policy.Allow} {
		t.Run(name, func(t *testing.T) {
			s := newStaffed(t, brief)
			p := s.approved()
			s.rules.decision.Outcome = outcome
			var all sync.WaitGroup
			for range 12 {
				all.Go(func() {
					if r := s.wait(s.session, p.Approval); r.Status != OK && r.Status != Refused {
						t.Errorf("%+v", r)
					}
				})
			}
			all.Wait()
			s.ran(1)
		})
	}
}

// TestWaitingTakesNoRoom: the 17th call is not one too many while 16 wait.
func TestWaitingTakesNoRoom(t *testing.T) {
	s := newStaffed(t, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all sync.WaitGroup
	for i := range 17 {
		all.Go(func() { s.callIn(ctx, "fake_write", `"do":"`+strings.Repeat("x", i)+`"`) })
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if list, _ := s.desk.List(t.Context()); len(list) == i+1 {
				break
			}
		}
	}
	s.rules.mu.Lock()
	s.rules.decision.Outcome = policy.Allow
	s.rules.mu.Unlock()
	if r := s.call("fake_read"); r.Status != OK {
		t.Errorf("%+v", r)
	}
	cancel()
	all.Wait()
	if inside := s.gateway.busy.inside; len(inside) != 0 {
		t.Errorf("%v are still inside", inside)
	}
}

// TestKilledWhileItRuns: nobody knows what came of it, and it never runs again.
func TestKilledWhileItRuns(t *testing.T) {
	s := newStaffed(t, brief)
	p := s.approved()
	s.record.fail = failing(recorder.KindFinished, errDisk)
	if r := s.wait(s.session, p.Approval); r.Status != Ambiguous {
		t.Errorf("%+v", r)
	}
	s.record.fail = nil
	isRefused(t, s.wait(s.session, p.Approval), "approval-running")
	if err := s.record.Close(); err != nil {
		t.Fatal(err)
	}
	next, err := recorder.Open(t.Context(), recorder.Options{Dir: s.dir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.Close() })
	s.record.Recorder = next
	if r := s.wait(s.session, p.Approval); r.Status != Ambiguous {
		t.Errorf("%+v", r)
	}
	s.ran(1)
}

// TestNoRecordNoSpend: what can't be recorded neither runs nor uses up the approval.
func TestNoRecordNoSpend(t *testing.T) {
	s := newStaffed(t, brief)
	p := s.approved()
	s.record.fail = failing(recorder.KindStarted, errDisk)
	isRefused(t, s.wait(s.session, p.Approval), "no-record-no-run")
	s.ran(0)
	s.record.fail = nil
	if r := s.wait(s.session, p.Approval); r.Status != OK {
		t.Errorf("%+v", r)
	}
	s.ran(1)
}

// TestPreviews are made when somebody looks at them, and decide again.
func TestPreviews(t *testing.T) {
	s := newStaffed(t, brief)
	s.rules.decide = func(in *policy.Input) policy.Decision {
		if in.Preview != nil && in.Preview.Rows <= 10 {
			return policy.Decision{Outcome: policy.Allow, Policy: "p"}
		}
		return holding(obligation.Approve{Rule: "many", Groups: []string{"dba"}, Count: 1, Tolerance: "10%", Preview: obligation.PreviewEstimate})
	}
	if r := s.call("fake_write"); r.Status != OK || s.trace.count("held to 3 rows within 0.1") != 1 || s.trace.count("measured: false") != 1 {
		t.Errorf("few rows: %+v\n%s", r, s.trace)
	}
	s.rows = 11
	s.held()
	// A deny rule looks at the preview of what would be allowed without one.
	s.rules.reads = true
	// By another policy: the call that waits is not this one.
	s.rules.decide = func(in *policy.Input) policy.Decision {
		if in.Preview != nil && in.Preview.Rows > 10 {
			return policy.Decision{Rules: []policy.Rule{{Name: "too-many"}}}
		}
		return policy.Decision{Outcome: policy.Allow, Policy: "q"}
	}
	isRefused(t, s.call("fake_write"), "too-many")
	s.rows = 2
	if r := s.call("fake_write"); r.Status != OK {
		t.Errorf("%+v", r)
	}
	s.rules.reads, s.rules.decide = false, nil
	r := s.call("fake_write", `"dry_run":true`)
	if r.Status != Described || !strings.Contains(string(r.Result), `"rows":2`) || !strings.HasPrefix(r.Message, "Nothing ran. Policy would hold it for approval by ") ||
		!strings.HasSuffix(r.Message, ").") || strings.Contains(r.Message, ") (") {
		t.Errorf("%+v %s", r, r.Result)
	}
	s.ran(2)
}

// TestPreviewsAreMasked wherever they go.
func TestPreviewsAreMasked(t *testing.T) {
	s := newStaffed(t, brief)
	s.rules.decision.Masks = masksSecret
	s.target.rehearse = func() *tools.Preview {
		return &tools.Preview{Impact: tools.Impact{Rows: 1}, State: "a-state", Warnings: []string{"ghp_" + strings.Repeat("a", 36)}, Samples: []tools.Sample{{
			Columns: []string{"card"}, Before: [][]string{{"4111-secret"}}, After: [][]string{{"4222-secret"}}, Origins: secretOrigin.Known,
		}}}
	}
	for _, r := range []Reply{s.held(), s.call("fake_write", `"dry_run":true`)} {
		s.hidden("a preview", r, "-secret")
		s.hidden("a preview", r, "ghp_")
	}
	if r := s.call("fake_write", `"dry_run":true`); strings.Contains(string(r.JSON()), "a-state") {
		t.Errorf("a dry run tells the digest of rows: %s", r.JSON())
	}
	list, err := s.desk.List(t.Context())
	if err != nil || len(list) != 1 || strings.Contains(list[0].Preview.Samples[0].Before[0][0], "secret") {
		t.Errorf("%+v %v", list, err)
	}
}

// swapped gives out another call than the one that waits for a request.
type swapped struct {
	*approval.Desk
	call string
}

func (s swapped) Call(approval.Request) ([]byte, error) { return []byte(s.call), nil }

// TestApprovedForAnotherCall: an approval lets the call run that it is for, also
// where somebody who can write to the record put another in its place.
func TestApprovedForAnotherCall(t *testing.T) {
	s := newStaffed(t, brief)
	p := s.approved(`"do":"x"`)
	s.gateway.config.Approvals = swapped{s.desk, `{"Tool":"fake_write","Args":{"connection":"one","do":"y"}}`}
	if r := s.wait(s.session, p.Approval); r.Status != Refused || r.Rule != "approval-other" {
		t.Errorf("%+v", r)
	}
	s.ran(0)
	s.gateway.config.Approvals = s.desk
	if r := s.wait(s.session, p.Approval); r.Status != OK {
		t.Errorf("the test proves nothing: %+v", r)
	}
}
