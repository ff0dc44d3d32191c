package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// stage is a gateway over a real record, with a family and a policy that do
// what a test says. What happens to it is written down in order.
type stage struct {
	t       testing.TB
	gateway *Gateway
	session *Session
	record  *witness
	target  *target
	rules   *rules
	dir     string
	trace   *trace
	log     *trace
}

func newStage(t testing.TB, set ...func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, dir: filepath.Join(t.TempDir(), "state"), trace: &trace{}, log: &trace{}}
	r, err := recorder.Open(t.Context(), recorder.Options{Dir: s.dir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	s.record = &witness{Recorder: r, trace: s.trace, dir: s.dir}
	s.target = &target{trace: s.trace}
	s.rules = &rules{trace: s.trace, decision: policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "all"}}, Policy: "p"}}
	connect := func(name string) Connection {
		return Connection{policy.Connection{Name: name, Family: "fake", Labels: map[string]string{}}, s.target}
	}
	c := Config{
		Families: []tools.Family{s.target}, Connections: []Connection{connect("one"), connect("two")}, Record: s.record,
		Policy: func() Decider { return s.rules }, Log: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, f := range set {
		f(&c)
	}
	if s.gateway, err = New(c); err != nil {
		t.Fatal(err)
	}
	s.session = s.gateway.OpenSession(person("mira"), policy.Client{Name: "test"}, "stdio")
	return s
}

func person(name string) policy.Principal {
	return policy.Principal{Subject: name, Groups: []string{"dev"}, Issuer: "test", Method: policy.Token, Claims: map[string]string{}}
}

// call makes a call on the connection one, with more arguments as JSON members.
func (s *stage) call(tool string, more ...string) Reply {
	s.t.Helper()
	return s.callIn(s.t.Context(), tool, more...)
}

func (s *stage) callIn(ctx context.Context, tool string, more ...string) Reply {
	s.t.Helper()
	args := "{" + strings.Join(append([]string{`"connection":"one"`}, more...), ",") + "}"
	return s.gateway.Call(ctx, s.session, Incoming{Tool: tool, Args: json.RawMessage(args)})
}

// events reads the call's events, or all with "", from the disk.
func (s *stage) events(call string) (events []recorder.Event) {
	s.t.Helper()
	r, err := recorder.OpenReader(s.t.Context(), s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	sessions, err := r.Sessions(s.t.Context(), recorder.SessionFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, session := range sessions {
		for e, err := range r.Events(s.t.Context(), session.ID) {
			if err != nil {
				s.t.Fatal(err)
			}
			if call == "" || e.Call == call {
				events = append(events, e)
			}
		}
	}
	return events
}

// end is the last event of a call on disk.
func (s *stage) end(r Reply) recorder.Body {
	s.t.Helper()
	events := s.events(r.Call)
	if len(events) == 0 {
		s.t.Fatalf("the call is not on record: %+v", r)
	}
	return events[len(events)-1].Body
}

// kindsOf are the kinds of events, without what they have in common.
func kindsOf(events []recorder.Event) string {
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, strings.TrimPrefix(string(e.Body.Kind()), "call."))
	}
	return strings.Join(kinds, " ")
}

// trace is what happened, in order. It is an io.Writer for the log.
type trace struct {
	mu    sync.Mutex
	lines []string
}

func (t *trace) add(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

func (t *trace) Write(data []byte) (int, error) {
	t.add("%s", data)
	return len(data), nil
}

func (t *trace) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

// count is in how many lines a text is.
func (t *trace) count(text string) (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, line := range t.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (t *trace) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = nil
}

// witness is a record that writes down when it was asked for what, and that a
// test can make fail.
type witness struct {
	*recorder.Recorder
	trace *trace
	dir   string
	// ready and fail, when they are set, are asked first.
	ready func() error
	fail  func(how string, events []recorder.Event) error
}

var errDisk = fmt.Errorf("%w: the disk is full", recorder.ErrUnavailable)

// failing fails what holds an event of the kind.
func failing(kind recorder.Kind, err error) func(string, []recorder.Event) error {
	return func(_ string, events []recorder.Event) error {
		if strings.Contains(" "+kindsOf(events)+" ", " "+strings.TrimPrefix(string(kind), "call.")+" ") {
			return err
		}
		return nil
	}
}

func (w *witness) Ready() error {
	w.trace.add("ready")
	if w.ready != nil {
		if err := w.ready(); err != nil {
			return err
		}
	}
	return w.Recorder.Ready()
}

func (w *witness) Append(ctx context.Context, events ...recorder.Event) error {
	if err := w.note("append", events); err != nil {
		return err
	}
	err := w.Recorder.Append(ctx, events...)
	w.trace.add("durable")
	return err
}

func (w *witness) Note(events ...recorder.Event) error {
	if err := w.note("note", events); err != nil {
		return err
	}
	return w.Recorder.Note(events...)
}

func (w *witness) Change(ctx context.Context, set []recorder.Standing, events ...recorder.Event) error {
	if err := w.note("change", events); err != nil {
		return err
	}
	return w.Recorder.Change(ctx, set, events...)
}

func (w *witness) note(how string, events []recorder.Event) error {
	w.trace.add("%s %s", how, kindsOf(events))
	if w.fail != nil {
		return w.fail(how, events)
	}
	return nil
}

// secretOrigin is the column that tests mask.
var secretOrigin = tools.Origins{Known: []tools.Origin{"public.people.card"}}

// masksSecret is the policy's mask on it.
var masksSecret = obligation.Masks{{Rule: "cards", Columns: []string{"public.people.card"}, With: "redact"}}

// rules is a policy that answers what a test says.
type rules struct {
	trace    *trace
	decision policy.Decision
	decide   func(*policy.Input) policy.Decision
	reads    bool

	mu    sync.Mutex
	asked []policy.Input
}

func (r *rules) Decide(_ context.Context, in *policy.Input) policy.Decision {
	r.trace.add("decide %s", in.Action.Verb)
	r.mu.Lock()
	r.asked = append(r.asked, *in)
	r.mu.Unlock()
	if r.decide != nil {
		return r.decide(in)
	}
	return r.decision
}

func (r *rules) Reads(...string) bool { return r.reads }

// innerText is what no caller may read.
const innerText = "postgres://admin:hunter2@db.internal/shop"

var errInner = errors.New(innerText)

// hidden fails if a reply, or the record, holds the text.
func (s *stage) hidden(name string, r Reply, text string) {
	s.t.Helper()
	if data := string(r.JSON()); strings.Contains(data, text) {
		s.t.Errorf("%s: the reply tells %q: %s", name, text, data)
	}
	for _, e := range s.events("") {
		data, err := json.Marshal(e)
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(string(data), text) {
			s.t.Errorf("%s: the record tells %q: %s", name, text, data)
		}
	}
}
