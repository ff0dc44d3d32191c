package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/tools"
)

// mostOpen is how many requests of one principal the desk takes in tests.
const mostOpen = 20

// staffed is a stage with a desk, a policy that holds every write, and a target
// whose writes can be rehearsed.
type staffed struct {
	*stage
	desk   *approval.Desk
	board  *freeze.Board
	reader *recorder.Reader
	// rows is how many a rehearsal finds, and a run touches.
	rows int64
}

func newStaffed(t testing.TB, hold time.Duration) *staffed {
	t.Helper()
	s := &staffed{rows: 3}
	s.stage = newStage(t, func(c *Config) { s.staff(t, c, hold) })
	s.rules.decision = holding(obligation.Approve{Rule: "writes", Groups: []string{"dba"}, Count: 1})
	s.target.rehearse = func() *tools.Preview {
		return &tools.Preview{Impact: tools.Impact{Measured: true, Rows: s.rows}}
	}
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
		if held := s.target.held; held != nil && held.Rows != s.rows {
			return nil, &tools.Refusal{Rule: "moved", Reason: fmt.Sprintf("%d rows were approved, and it is %d now", held.Rows, s.rows)}
		}
		return s.target.result(), nil
	}
	s.target.text = "done"
	return s
}

func (s *staffed) staff(t testing.TB, c *Config, hold time.Duration) {
	t.Helper()
	r := c.Record.(*witness)
	var err error
	if s.reader, err = recorder.OpenReader(t.Context(), s.dirOf(r)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.reader.Close() })
	if s.desk, err = approval.NewDesk(t.Context(), approval.Options{Record: r, Reader: s.reader, Open: mostOpen}); err != nil {
		t.Fatal(err)
	}
	if s.board, err = freeze.Open(t.Context(), r, s.reader, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.desk.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	c.Approvals, c.History, c.Frozen, c.Hold = s.desk, s.reader, s.board, hold
}

func (s *staffed) dirOf(r *witness) string { return r.dir }

func holding(rules ...obligation.Approve) policy.Decision {
	return policy.Decision{Outcome: policy.Approve, Rules: []policy.Rule{{Name: "writes"}}, Approve: rules, Policy: "p"}
}

// wait calls approval_wait in a session.
func (s *staffed) wait(in *Session, id string) Reply {
	s.t.Helper()
	args, _ := json.Marshal(map[string]string{"approval_id": id})
	return s.gateway.Call(s.t.Context(), in, Incoming{Tool: waitName, Args: args})
}

// answer lets somebody of the group dba say something.
func (s *staffed) answer(name string, v approval.Verdict, id string) error {
	s.t.Helper()
	p := person(name)
	p.Groups = []string{"dba"}
	r, err := s.desk.Get(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = s.desk.Answer(s.t.Context(), id, approval.Answer{By: p, Verdict: v, Comment: "so be it", Via: "test", Seen: r.Preview.Digest()})
	return err
}

// held makes a write that waits, and returns its pending reply.
func (s *staffed) held(more ...string) Reply {
	s.t.Helper()
	r := s.call("fake_write", more...)
	if r.Status != Pending || r.Approval == "" {
		s.t.Fatalf("it does not wait: %+v", r)
	}
	return r
}

// approved makes a write that waits and is approved.
func (s *staffed) approved(more ...string) Reply {
	s.t.Helper()
	r := s.held(more...)
	if err := s.answer("ann", approval.Approve, r.Approval); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// asked waits until a request is on the desk.
func (s *staffed) asked() string {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if list, err := s.desk.List(s.t.Context()); err == nil && len(list) > 0 {
			return list[0].ID
		}
	}
	s.t.Fatal("nobody is asked")
	return ""
}

// ran fails unless plans ran as often as it says.
func (s *staffed) ran(want int) {
	s.t.Helper()
	if got := s.trace.count("run within"); got != want {
		s.t.Errorf("it ran %d times, not %d", got, want)
	}
}

// isRefused fails unless the reply is a refusal by the rule.
func isRefused(t testing.TB, r Reply, rule string) {
	t.Helper()
	if r.Status != Refused || r.Rule != rule {
		t.Errorf("not refused by %s: %+v", rule, r)
	}
}
