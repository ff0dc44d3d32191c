package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

func TestTheOrderOfStages(t *testing.T) {
	s := newStage(t)
	s.rules.decision.Limits.Rows = 7
	s.target.text = "done"
	for tool, want := range map[string]string{
		"fake_read":  "ready|describe|decide do|note session.opened received described decided started|run within 7 rows|mask|append finished|durable",
		"fake_write": "ready|describe|decide do|append session.opened received described decided started|durable|run within 7 rows|mask|append finished|durable",
	} {
		s.session = s.gateway.OpenSession(person("mira"), policy.Client{}, "stdio")
		s.trace.reset()
		r := s.call(tool)
		if got := strings.ReplaceAll(s.trace.String(), "\n", "|"); got != want {
			t.Errorf("%s went\n%s, want\n%s", tool, got, want)
		}
		if r.Status != OK || string(r.Result) != `{"text":"done"}` || r.Error() {
			t.Errorf("%s: %+v", tool, r)
		}
		if kinds := kindsOf(s.events(r.Call)); kinds != "received described decided started finished" {
			t.Errorf("%s is on record as %s", tool, kinds)
		}
	}
}

// TestAWritesIntentIsOnDiskBeforeItRuns reads the disk, as another process
// would, from within the run.
func TestAWritesIntentIsOnDiskBeforeItRuns(t *testing.T) {
	s := newStage(t)
	seen := ""
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
		seen = kindsOf(s.events(""))
		return s.target.result(), nil
	}
	s.call("fake_write")
	if seen != "session.opened received described decided started" {
		t.Errorf("when the write ran, %q was on disk", seen)
	}
}

// TestNoRecordNoRun lets the record fail at each step.
func TestNoRecordNoRun(t *testing.T) {
	for name, c := range map[string]struct {
		tool string
		set  func(*witness)
		ran  bool
		want Reply
	}{
		"it is not ready":       {"fake_read", func(w *witness) { w.ready = func() error { return errDisk } }, false, Reply{Status: Refused, Rule: "no-record-no-run", Later: true}},
		"it was closed":         {"fake_write", func(w *witness) { w.ready = func() error { return recorder.ErrClosed } }, false, Reply{Status: Refused, Rule: "no-record-no-run", Later: true}},
		"a write's intent":      {"fake_write", func(w *witness) { w.fail = failing(recorder.KindStarted, errDisk) }, false, Reply{Status: Refused, Rule: "no-record-no-run", Later: true}},
		"a read's intent":       {"fake_read", func(w *witness) { w.fail = failing(recorder.KindStarted, errDisk) }, false, Reply{Status: Refused, Rule: "no-record-no-run", Later: true}},
		"an intent, by a fault": {"fake_write", func(w *witness) { w.fail = failing(recorder.KindStarted, errInner) }, false, Reply{Status: Failed, Rule: "fault"}},
		"a write's outcome":     {"fake_write", func(w *witness) { w.fail = failing(recorder.KindFinished, errDisk) }, true, Reply{Status: Ambiguous, Rule: "no-record-no-result"}},
		"a read's outcome":      {"fake_read", func(w *witness) { w.fail = failing(recorder.KindFinished, errDisk) }, true, Reply{Status: Failed, Rule: "no-record-no-result", Later: true}},
		"an outcome, by a fault": {"fake_write", func(w *witness) { w.fail = failing(recorder.KindFinished, errInner) }, true,
			Reply{Status: Ambiguous, Rule: "no-record-no-result"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.target.text = "the result"
			c.set(s.record)
			r := s.call(c.tool)
			if r.Status != c.want.Status || r.Rule != c.want.Rule || r.Later != c.want.Later {
				t.Errorf("%+v", r)
			}
			if ran := strings.Contains(s.trace.String(), "run"); ran != c.ran {
				t.Errorf("it ran: %v", ran)
			}
			if !c.ran && c.want.Status == Refused && !strings.Contains(r.Message, "nothing ran") {
				t.Errorf("the caller is not told that nothing ran: %s", r.Message)
			}
			s.hidden("the result", r, "the result")
			s.hidden("the fault", r, "hunter2")
			// The record is there again, and the session's opening is on it.
			s.record.ready, s.record.fail = nil, nil
			if r := s.call("fake_read"); r.Status != OK {
				t.Errorf("afterwards: %+v", r)
			}
			if !strings.Contains(kindsOf(s.events("")), "session.opened") {
				t.Error("the session's opening was lost")
			}
		})
	}
}

// TestRefusalsNeedTheRecordToo refuses without a word of why while that can't
// be recorded.
func TestRefusalsNeedTheRecordToo(t *testing.T) {
	s := newStage(t)
	s.record.fail = failing(recorder.KindRefused, errDisk)
	s.rules.decision = policy.Decision{}
	if r := s.call("fake_write"); r.Rule != "no-record-no-run" || r.Status != Refused {
		t.Errorf("%+v", r)
	}
	s.record.fail = failing(recorder.KindFinished, errDisk)
	s.rules.decision.Outcome = policy.Allow
	if r := s.call("fake_write", `"dry_run":true`); r.Rule != "no-record-no-run" || len(r.Result) != 0 {
		t.Errorf("a dry run: %+v", r)
	}
}

// TestTheOutcomeIsOnDiskBeforeTheReply makes calls end in every way.
func TestTheOutcomeIsOnDiskBeforeTheReply(t *testing.T) {
	fails := func(err error) func(*stage) {
		return func(s *stage) {
			s.target.run = func(context.Context, tools.Gate) (tools.Result, error) { return nil, err }
		}
	}
	for name, c := range map[string]struct {
		tool string
		set  func(*stage)
		want Status
		kind recorder.Kind
	}{
		"a read":               {"fake_read", func(*stage) {}, OK, recorder.KindFinished},
		"a write":              {"fake_write", func(*stage) {}, OK, recorder.KindFinished},
		"a failure":            {"fake_write", fails(&tools.Failure{Code: "42", Message: "no", Plain: "no"}), Failed, recorder.KindFailed},
		"an unsure failure":    {"fake_write", fails(&tools.Failure{Message: "lost", Plain: "lost", Unsure: true}), Ambiguous, recorder.KindAmbiguous},
		"a refusal by the run": {"fake_write", fails(&tools.Refusal{Rule: "late", Reason: "no"}), Refused, recorder.KindRefused},
		"a target that moved":  {"fake_write", fails(tools.ErrMoved), Refused, recorder.KindRefused},
		"a fault in a read":    {"fake_read", fails(errInner), Failed, recorder.KindFailed},
		"a fault in a write":   {"fake_write", fails(errInner), Ambiguous, recorder.KindAmbiguous},
		// A plan that was cut off and does not say how it ended.
		"a cancelled read":  {"fake_read", fails(context.Canceled), Failed, recorder.KindFailed},
		"a cancelled write": {"fake_write", fails(context.Canceled), Ambiguous, recorder.KindAmbiguous},
		"a write too long":  {"fake_write", fails(context.DeadlineExceeded), Ambiguous, recorder.KindAmbiguous},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			c.set(s)
			r := s.call(c.tool)
			if r.Status != c.want || r.Error() != (c.want != OK) {
				t.Errorf("%+v", r)
			}
			lines := strings.Split(s.trace.String(), "\n")
			if lines[len(lines)-1] != "durable" {
				t.Errorf("the last thing before the reply was %q", lines[len(lines)-1])
			}
			if end := s.end(r); end.Kind() != c.kind {
				t.Errorf("it ended as %+v", end)
			}
			s.hidden("a fault", r, "hunter2")
		})
	}
}

func TestADryRunRunsNothing(t *testing.T) {
	s := newStage(t)
	s.target.action = func(a *tools.Action) { a.Facts = facts{"rows": 3} }
	r := s.call("fake_write", `"dry_run":true`)
	if strings.Contains(s.trace.String(), "run") || r.Status != Described || r.Error() || !strings.Contains(r.Message, "Nothing ran") {
		t.Errorf("%+v", r)
	}
	var out dryRunOutput
	if err := json.Unmarshal(r.Result, &out); err != nil || out.Description.Effect != tools.Write || out.Description.Facts["rows"] != 3.0 {
		t.Errorf("%s, %v", r.Result, err)
	}
	if kinds := kindsOf(s.events(r.Call)); kinds != "received described decided finished" {
		t.Errorf("it is on record as %s", kinds)
	}
	if !s.target.request.DryRun || !s.target.request.Wants("anything") {
		t.Errorf("the family was asked for %+v", s.target.request)
	}
	// What policy denies, it denies here too.
	s.rules.decision = policy.Decision{}
	if r := s.call("fake_write", `"dry_run":true`); r.Status != Refused {
		t.Errorf("a denied one: %+v", r)
	}
	if r := s.call("fake_read", `"dry_run":true`); r.Rule != "arguments" {
		t.Errorf("one of a tool that only reads: %+v", r)
	}
}

// facts are facts of the fake family.
type facts map[string]any

func (facts) Family() string { return "fake" }

func TestACallThatIsCancelledBeforeItStartsDoesNotRun(t *testing.T) {
	for name, set := range map[string]func(*stage, context.CancelFunc){
		"before it came":  func(_ *stage, cancel context.CancelFunc) { cancel() },
		"while described": func(s *stage, cancel context.CancelFunc) { s.target.action = func(*tools.Action) { cancel() } },
		"while decided": func(s *stage, cancel context.CancelFunc) {
			s.rules.decide = func(*policy.Input) policy.Decision { cancel(); return s.rules.decision }
		},
		"by the description": func(s *stage, _ context.CancelFunc) {
			s.target.describe = func(context.Context, tools.Request) error { return context.Canceled }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			set(s, cancel)
			s.rules.decision.Labels = []string{"seen"}
			r := s.callIn(ctx, "fake_write")
			if r.Status != Refused || r.Rule != "cancelled" || !r.Later || !strings.Contains(r.Message, "nothing ran") {
				t.Errorf("%+v", r)
			}
			if strings.Contains(s.trace.String(), "run") || len(s.session.labels) != 0 {
				t.Errorf("it ran:\n%s\nand left %v", s.trace, s.session.labels)
			}
			if kinds := kindsOf(s.events(r.Call)); !strings.HasPrefix(kinds, "received") || !strings.HasSuffix(kinds, "refused") {
				t.Errorf("it is on record as %s", kinds)
			}
		})
	}
}

// TestTheOutcomeOfACancelledRunIsRecorded cancels in the middle of a run, one
// that stops and one that comes to its end all the same.
func TestTheOutcomeOfACancelledRunIsRecorded(t *testing.T) {
	s := newStage(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.target.run = func(ctx context.Context, _ tools.Gate) (tools.Result, error) {
		cancel()
		<-ctx.Done()
		return nil, &tools.Failure{Code: "57014", Message: "stopped", Plain: "stopped"}
	}
	r := s.callIn(ctx, "fake_write")
	if end, ok := s.end(r).(recorder.Failed); !ok || end.Code != "57014" || r.Status != Failed {
		t.Errorf("%+v ended as %+v", r, s.end(r))
	}
	ctx, cancel = context.WithCancel(t.Context())
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) { cancel(); return s.target.result(), nil }
	r = s.callIn(ctx, "fake_write")
	if _, ok := s.end(r).(recorder.Finished); !ok || r.Status != OK {
		t.Errorf("%+v ended as %+v", r, s.end(r))
	}
}

// TestCallsHaveADeadline: no target keeps a call for ever.
func TestCallsHaveADeadline(t *testing.T) {
	s := newStage(t)
	check := func(what string, ctx context.Context, most time.Duration) {
		if end, ok := ctx.Deadline(); !ok || time.Until(end) > most {
			t.Errorf("%s may take until %v", what, end)
		}
	}
	s.target.describe = func(ctx context.Context, _ tools.Request) error { check("describing", ctx, describeTime); return nil }
	s.target.run = func(ctx context.Context, _ tools.Gate) (tools.Result, error) {
		check("running", ctx, runTime)
		return s.target.result(), nil
	}
	s.callIn(context.Background(), "fake_write")
	s.target.describe = func(context.Context, tools.Request) error { return context.DeadlineExceeded }
	if r := s.call("fake_write"); r.Status != Refused || r.Rule != "deadline" {
		t.Errorf("%+v", r)
	}
}

// TestPanics panics in every part that is not ours. The caller gets an id, by
// which the log has the rest.
func TestPanics(t *testing.T) {
	raise := func() { panic(innerText) }
	for name, c := range map[string]struct {
		tool string
		set  func(*stage)
		want Status
	}{
		"describe":   {"fake_write", func(s *stage) { s.target.describe = func(context.Context, tools.Request) error { raise(); return nil } }, Failed},
		"the action": {"fake_write", func(s *stage) { s.target.action = func(*tools.Action) { raise() } }, Failed},
		"the facts":  {"fake_write", func(s *stage) { s.target.action = func(a *tools.Action) { a.Facts = badFacts{} } }, Failed},
		"the decider": {"fake_write", func(s *stage) {
			s.rules.decide = func(*policy.Input) policy.Decision { raise(); return policy.Decision{} }
		}, Failed},
		"a read": {"fake_read", func(s *stage) {
			s.target.run = func(context.Context, tools.Gate) (tools.Result, error) { raise(); return nil, nil }
		}, Failed},
		"a write": {"fake_write", func(s *stage) {
			s.target.run = func(context.Context, tools.Gate) (tools.Result, error) { raise(); return nil, nil }
		}, Ambiguous},
		"masking a read":  {"fake_read", func(s *stage) { s.target.mask = raise }, Failed},
		"masking a write": {"fake_write", func(s *stage) { s.target.mask = raise }, Ambiguous},
		"no result at all": {"fake_write", func(s *stage) {
			s.target.run = func(context.Context, tools.Gate) (tools.Result, error) { return nil, nil }
		}, Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			c.set(s)
			r := s.call(c.tool)
			_, fault, ok := strings.Cut(r.Message, "fault id ")
			if fault = strings.TrimSuffix(fault, "."); !ok || r.Status != c.want || r.Rule != "fault" {
				t.Fatalf("%+v", r)
			}
			switch end := s.end(r).(type) {
			case recorder.Failed:
				if end.Fault != fault || c.want != Failed {
					t.Errorf("it ended as %+v", end)
				}
			case recorder.Ambiguous:
				if !strings.Contains(end.Why, fault) || c.want != Ambiguous {
					t.Errorf("it ended as %+v", end)
				}
			default:
				t.Errorf("it ended as %+v", end)
			}
			if log := s.log.String(); !strings.Contains(log, fault) || !strings.Contains(log, ".go:") {
				t.Errorf("the log does not say what happened:\n%s", log)
			}
			s.hidden(name, r, "hunter2")
			// Its place is free again, and it counts.
			if len(s.gateway.busy.inside) != 0 || s.session.totals.Calls != 1 {
				t.Errorf("%d calls are under way, and %d count", len(s.gateway.busy.inside), s.session.totals.Calls)
			}
		})
	}
}

// badFacts panic whenever they are written.
type badFacts struct{}

func (badFacts) Family() string { return "fake" }

func (badFacts) MarshalJSON() ([]byte, error) { panic(innerText) }

// TestFactsThatCanNotBeWritten are left out of the record; the rest is there.
func TestFactsThatCanNotBeWritten(t *testing.T) {
	s := newStage(t)
	s.target.action = func(a *tools.Action) { a.Facts = facts{"f": func() {}} }
	r := s.call("fake_write")
	for _, e := range s.events(r.Call) {
		if d, ok := e.Body.(recorder.Described); ok && d.Action.Display != "do ?" {
			t.Errorf("described as %+v", d)
		}
	}
	if r.Status != OK || !strings.Contains(s.log.String(), "could not be recorded in full") {
		t.Errorf("%+v\n%s", r, s.log)
	}
	if r := s.call("fake_write", `"dry_run":true`); r.Rule != "fault" {
		t.Errorf("a dry run that can't show them: %+v", r)
	}
}

// TestOnePolicyPerCall swaps the policy between the stages: the one that said
// which facts are wanted is the one that decides.
func TestOnePolicyPerCall(t *testing.T) {
	s := newStage(t)
	old, later := s.rules, &rules{trace: s.trace, reads: true}
	s.gateway.config.Policy = func() Decider { return s.rules }
	s.target.describe = func(_ context.Context, r tools.Request) error {
		s.rules = later
		if r.Wants("estimated_rows") {
			return errors.New("a fact is wanted that the policy does not look at")
		}
		return nil
	}
	if r := s.call("fake_read"); r.Status != OK || len(old.asked) != 1 || len(later.asked) != 0 {
		t.Errorf("%+v: the old policy was asked %d times, the new one %d times", r, len(old.asked), len(later.asked))
	}
	if r := s.call("fake_read"); r.Rule != "fault" {
		t.Errorf("the next call: %+v", r)
	}
}
