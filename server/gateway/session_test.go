package gateway

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// TestLabelsStick to the session: a call is judged by those before it, and only
// a call that runs leaves any.
func TestLabelsStick(t *testing.T) {
	s := newStage(t)
	label := func(outcome policy.Outcome, labels ...string) {
		s.rules.decision = policy.Decision{Outcome: outcome, Labels: labels}
	}
	seen := func() string {
		return strings.Join(s.rules.asked[len(s.rules.asked)-1].Session.Labels, " ")
	}
	label(policy.Deny, "denied")
	s.call("fake_read")
	label(policy.Allow, "pii", "a")
	s.call("fake_write", `"dry_run":true`)
	s.call("fake_read")
	if seen() != "" {
		t.Errorf("the first call that runs is judged with %s", seen())
	}
	label(policy.Allow, "pii")
	s.call("fake_read")
	if seen() != "a pii" {
		t.Errorf("the second is judged with %s", seen())
	}
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) { return nil, errInner }
	label(policy.Allow, "z")
	s.call("fake_read")
	if s.call("fake_read"); seen() != "a pii z" {
		t.Errorf("after a call that failed: %s", seen())
	}
	s.session = s.gateway.OpenSession(person("mira"), policy.Client{}, "stdio")
	if s.call("fake_read"); seen() != "" {
		t.Errorf("another session has %s", seen())
	}
}

// TestLabelsComeWithAStoredResult: whoever reads what an approved call yielded is
// judged as its own session is.
func TestLabelsComeWithAStoredResult(t *testing.T) {
	s := newStaffed(t, brief)
	s.rules.decision.Labels = []string{"pii"}
	p := s.approved()
	if r := s.wait(s.session, p.Approval); r.Status != OK {
		t.Fatalf("%+v", r)
	}
	later := s.gateway.OpenSession(person("mira"), policy.Client{}, "http")
	if r := s.wait(later, p.Approval); r.Status != OK || len(r.Result) == 0 {
		t.Fatalf("%+v", r)
	}
	if labels := strings.Join(later.labels, " "); labels != "pii" {
		t.Errorf("the session that reads it has the labels %q", labels)
	}
}

// TestConcurrentCallsAreBounded per principal, over all of its sessions.
func TestConcurrentCallsAreBounded(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Concurrent = 2 })
	begun, release := make(chan struct{}, 8), make(chan struct{})
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
		begun <- struct{}{}
		<-release
		return s.target.result(), nil
	}
	in := Incoming{Tool: "fake_read", Args: []byte(`{"connection":"one"}`)}
	var all sync.WaitGroup
	for range 2 {
		session := s.gateway.OpenSession(person("mira"), policy.Client{}, "http")
		all.Go(func() { s.gateway.Call(t.Context(), session, in) })
		<-begun
	}
	r := s.call("fake_read")
	if end, ok := s.end(r).(recorder.Refused); r.Rule != "busy" || !r.Later || !ok || end.Stage != "identity" {
		t.Errorf("one too many: %+v ended as %+v", r, end)
	}
	bo := s.gateway.OpenSession(person("bo"), policy.Client{}, "http")
	all.Go(func() { s.gateway.Call(t.Context(), bo, in) })
	<-begun // another principal has places of its own
	close(release)
	all.Wait()
	if r := s.call("fake_read"); r.Status != OK {
		t.Errorf("afterwards: %+v", r)
	}
	if len(s.gateway.busy.inside) != 0 {
		t.Errorf("%v are still inside", s.gateway.busy.inside)
	}
}

// TestSessionsOnRecord: opened with the first call, once, and closed if opened.
func TestSessionsOnRecord(t *testing.T) {
	s := newStage(t)
	silent := s.gateway.OpenSession(person("bo"), policy.Client{}, "http")
	s.gateway.CloseSession(silent, "gone")
	s.session = s.gateway.OpenSession(person("mira"), policy.Client{Name: strings.Repeat("é", 100), Version: "1"}, "http")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { s.call("fake_read") })
	}
	all.Wait()
	s.gateway.CloseSession(s.session, "gone")
	last := s.call("fake_read") // makes what was noted durable
	opened, closed := 0, 0
	for _, e := range s.events("") {
		switch b := e.Body.(type) {
		case recorder.SessionOpened:
			opened++
			if b.Principal.Subject != "mira" || b.Transport != "http" || !strings.HasPrefix(b.Client.Name, "éé") || strings.ContainsRune(b.Client.Name, '\uFFFD') || len(b.Client.Name) > 140 {
				t.Errorf("opened as %+v", b)
			}
		case recorder.SessionClosed:
			closed++
		}
	}
	if opened != 1 || closed != 1 || last.Status != OK {
		t.Errorf("opened %d times, closed %d times", opened, closed)
	}
	s.record.fail = failing(recorder.KindSessionClosed, errDisk)
	s.gateway.CloseSession(s.session, "gone")
	if !strings.Contains(s.log.String(), "could not be recorded") {
		t.Error("the operator does not learn that a session's end is not on record")
	}
}

// TestTotals are what policy can count by.
func TestTotals(t *testing.T) {
	s := newStage(t)
	s.target.text = "0123456789"
	s.call("fake_read")
	s.call("fake_write", `"dry_run":true`)
	s.rules.decision = policy.Decision{}
	s.call("fake_read")
	s.rules.decision.Outcome = policy.Allow
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
		return nil, &tools.Failure{Message: "no", Plain: "no"}
	}
	s.call("fake_read")
	got := s.session.totals
	if got.Calls != 4 || got.Denied != 1 || got.RowsRead != 3 || got.BytesOut < 20 {
		t.Errorf("%+v", got)
	}
}

// TestTheClock is the gateway's, not the machine's.
func TestTheClock(t *testing.T) {
	now := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	s := newStage(t, func(c *Config) { c.Now = func() time.Time { return now } })
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
		now = now.Add(90 * time.Second)
		return s.target.result(), nil
	}
	r := s.call("fake_read")
	s.target.describe = func(context.Context, tools.Request) error { return &tools.Failure{Message: "no", Plain: "no"} }
	failed, ok := s.end(s.call("fake_read")).(recorder.Failed)
	if !ok || failed.Duration != 0 {
		t.Errorf("what never ran took %v", failed.Duration)
	}
	events := s.events(r.Call)
	if end, ok := events[len(events)-1].Body.(recorder.Finished); !ok || end.Duration != 90*time.Second {
		t.Errorf("it took %v", end.Duration)
	}
	if in := s.rules.asked[0]; !in.Call.Time.Equal(events[0].Time) || in.Session.AgeSeconds != 0 || events[0].Time.Year() != 2031 {
		t.Errorf("%v, %v", in.Call.Time, events[0].Time)
	}
}

// TestAccess says what policy says of each connection, and leaves out those of
// which nothing is allowed.
func TestAccess(t *testing.T) {
	s := newStage(t)
	s.rules.decide = func(in *policy.Input) policy.Decision {
		d := policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "all"}}, Masks: masksSecret}
		if in.Connection.Name == "two" || in.Action.Verb == "drop" {
			d = policy.Decision{Rules: []policy.Rule{{Name: "no"}}}
		}
		return d
	}
	r := s.gateway.Call(t.Context(), s.session, Incoming{Tool: "access"})
	want := `{"you":{"subject":"mira","groups":["dev"],"method":"token"},"connections":[{"name":"one","family":"fake","labels":{},` +
		`"tools":["fake_read","fake_write"],"actions":[{"verb":"look","effect":"read","outcome":"allow","rules":[{"rule":"all"}]},` +
		`{"verb":"drop","effect":"write","outcome":"deny","rules":[{"rule":"no"}]}],"masked":["public.people.card"]}]}`
	if string(r.Result) != want {
		t.Errorf("%s", r.Result)
	}
	if tool := s.rules.asked[1].Call.Tool + " " + s.rules.asked[2].Call.Tool; tool != "fake_read fake_write" {
		t.Errorf("policy was asked about the tools %s", tool)
	}
}

// TestExplain runs nothing and records nothing.
func TestExplain(t *testing.T) {
	s := newStage(t)
	in, err := s.gateway.Explain(t.Context(), s.session, Incoming{Tool: "fake_write", Args: []byte(`{"connection":"two","reason":"why"}`)})
	if err != nil || in.Connection.Name != "two" || in.Call.Reason != "why" || in.Action.Effect != tools.Write {
		t.Errorf("%+v, %v", in, err)
	}
	if _, err := s.gateway.Explain(t.Context(), s.session, Incoming{Tool: "psql"}); err == nil {
		t.Error("an unknown tool is explained")
	}
	if s.trace.String() != "describe" {
		t.Errorf("%s", s.trace)
	}
}

// TestNewRefuses a configuration that could not be told apart later.
func TestNewRefuses(t *testing.T) {
	s := newStage(t)
	taken := func(in, out string) *named { return &named{target: s.target, in: in, out: out} }
	for want, c := range map[string]Config{
		`two connections named "one"`:            {Connections: []Connection{s.gateway.connections["one"], s.gateway.connections["one"]}},
		"the input schema of t":                  {Families: []tools.Family{taken("{", "{}")}},
		"the output schema of t":                 {Families: []tools.Family{taken("{}", "[]")}},
		`the name "reason" is the gateway's own`: {Families: []tools.Family{taken(`{"type":"object","properties":{"reason":{"type":"string"}}}`, `{}`)}},
		`the name "status" is the gateway's own`: {Families: []tools.Family{taken(`{}`, `{"type":"object","properties":{"status":{"type":"string"}}}`)}},
	} {
		c.Record, c.Policy = s.record, func() Decider { return s.rules }
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, without %q", err, want)
		}
	}
}

// named is a family with one tool of these schemas.
type named struct {
	*target
	in, out string
}

func (n *named) Tools() []tools.Tool {
	return []tools.Tool{{Name: "t", Ceiling: tools.Write, Input: []byte(n.in), Output: []byte(n.out)}}
}

// TestReplies are one JSON object, whatever they hold.
func TestReplies(t *testing.T) {
	for want, r := range map[string]Reply{
		`{"status":"ok","call":"1"}`:                    {Status: OK, Call: "1", Result: []byte(`{}`)},
		`{"status":"refused","call":"1"}`:               {Status: Refused, Call: "1"},
		`{"status":"ok","call":"1","text":"a","n":[1]}`: {Status: OK, Call: "1", Result: []byte(`{"text":"a","n":[1]}`)},
	} {
		if got := string(r.JSON()); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if (Reply{}).Error() != true {
		t.Error("the zero reply is no error")
	}
}
