package console

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/server/gateway"
	"github.com/chaperone-dev/chaperone/tools"
)

// site is all of a gateway that serves HTTP, over a real record, with a fake
// target and a policy that holds every call.
type site struct {
	t       testing.TB
	url     string
	console *Console
	desk    *approval.Desk
	freezes *freeze.Board
	gateway *gateway.Gateway
	reader  *recorder.Reader
	target  *target
	rules   *policies
}

// people are those who have a token, by it.
var everybody = map[string]policy.Principal{
	"agent-token": person("agent", "mira@example.com", "Mira's agent", "agents"),
	// Mira herself is the same person as her agent, by her address.
	"mira-token": person("mira", "mira@example.com", "Mira Olsen", "dba", "ops"),
	"bo-token":   person("bo", "bo@example.com", "Bo Lindqvist", "dba"),
	"cy-token":   person("cy", "cy@example.com", "Cy Adeyemi", "dba"),
	"op-token":   person("op", "op@example.com", "Olu Okafor", "ops"),
	"ann-token":  person("ann", "ann@example.com", "Ann", "support"),
}

func person(subject, email, name string, groups ...string) policy.Principal {
	return policy.Principal{
		Subject: subject, Email: email, Name: name, Groups: groups, Issuer: "test", Method: policy.Token, Claims: map[string]string{},
	}
}

func verify(token string) (policy.Principal, error) {
	if p, ok := everybody[token]; ok {
		return p, nil
	}
	return policy.Principal{}, fmt.Errorf("nobody")
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func newSite(t testing.TB, set ...func(*Options)) *site {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	record := must(recorder.Open(t.Context(), recorder.Options{Dir: dir, Version: "test"}))(t)
	t.Cleanup(func() { _ = record.Close() })
	s := &site{t: t, target: &target{}, rules: &policies{}}
	s.rules.hold(obligation.Approve{Rule: "prod-writes", Message: "changes of production are agreed by a DBA", Groups: []string{"dba"}, Count: 1, Expires: "30m"})
	s.reader = must(recorder.OpenReader(t.Context(), dir))(t)
	t.Cleanup(func() { _ = s.reader.Close() })
	s.desk = must(approval.NewDesk(t.Context(), approval.Options{Record: record, Reader: s.reader}))(t)
	s.freezes = must(freeze.Open(t.Context(), record, s.reader, nil))(t)
	s.gateway = must(gateway.New(gateway.Config{
		Families: []tools.Family{s.target}, Record: record, Approvals: s.desk, History: s.reader, Frozen: s.freezes,
		Connections: []gateway.Connection{{
			Connection: policy.Connection{Name: "shop", Family: "fake", Labels: map[string]string{"env": "prod", "team": "shop"}}, Target: s.target,
		}},
		Policy: func() gateway.Decider { return s.rules },
	}))(t)
	o := Options{
		Verify: verify, Desk: s.desk, Calls: s.gateway, Freezes: s.freezes, Record: record, Operators: []string{"ops"},
	}
	for _, f := range set {
		f(&o)
	}
	s.console = must(New(o))(t)
	s.console.pause = 10 * time.Millisecond
	s.serve()
	return s
}

// serve serves until the test ends.
func (s *site) serve() {
	l := must(net.Listen("tcp", "127.0.0.1:0"))(s.t)
	s.url = "http://" + l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	edge := server.New(server.Options{Gateway: s.gateway, Version: "test"})
	var all sync.WaitGroup
	for _, run := range []func(context.Context){s.desk.Run, s.freezes.Run, s.gateway.Freezing, func(ctx context.Context) {
		_ = edge.ServeHTTP(ctx, l, server.HTTP{Verify: verify, Hosts: []string{"127.0.0.1", "localhost"}, Console: s.console})
	}} {
		all.Go(func() { run(ctx) })
	}
	s.t.Cleanup(func() {
		cancel()
		all.Wait()
	})
}

// ask puts a request on the desk, as the agent's call would.
func (s *site) ask(set ...func(*approval.Request)) approval.Request {
	s.t.Helper()
	r := approval.Request{
		Principal: everybody["agent-token"], Client: policy.Client{Name: "cursor", Version: "2.1"}, Session: "01S", Call: "01C",
		Connection: policy.Connection{Name: "shop", Family: "fake", Labels: map[string]string{"env": "prod"}}, Tool: "fake_write",
		Reason: "ticket 1187", Action: recorder.Action{Verb: "update", Effect: tools.Write, Display: "update orders set shipped = true where id = 40"},
		Rules: s.rules.approve(), Policy: "p", Key: fmt.Sprint(time.Now().UnixNano()),
	}
	for _, f := range set {
		f(&r)
	}
	r, _, err := s.desk.Ask(s.t.Context(), r, []byte("{}"))
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// target is a family and its one target.
type target struct {
	mu      sync.Mutex
	preview *tools.Preview
	// run is what a run does first.
	run func(context.Context) error
	ran int
}

const (
	fakeInput  = `{"type":"object","properties":{"do":{"type":"string"}},"required":["do"],"additionalProperties":false}`
	fakeOutput = `{"type":"object","properties":{"text":{"type":"string"}},"additionalProperties":false}`
)

func (f *target) Name() string { return "fake" }

func (f *target) Tools() []tools.Tool {
	return []tools.Tool{{Name: "fake_write", Title: "Write", Description: "Writes.", Ceiling: tools.Write, Input: json.RawMessage(fakeInput), Output: json.RawMessage(fakeOutput)}}
}

func (f *target) FactsSchema() json.RawMessage { return json.RawMessage(`{"type":"object"}`) }

func (f *target) Samples() []tools.Action { return nil }

func (f *target) Open(tools.ConnectionConfig) (tools.Connection, error) { return f, nil }

func (f *target) Check(context.Context) []tools.Finding { return nil }

func (f *target) Close() error { return nil }

func (f *target) Describe(_ context.Context, r tools.Request) (tools.Plan, error) {
	var args struct {
		Do string `json:"do"`
	}
	err := tools.DecodeArgs(r.Args, &args)
	return plan{f, args.Do}, err
}

type plan struct {
	target *target
	do     string
}

func (p plan) Action() tools.Action {
	return tools.Action{Verb: "update", Effect: tools.Write, Targets: []tools.Target{}, Display: p.do, Blank: p.do, Why: "it says so"}
}

func (p plan) Preview(context.Context, bool) (*tools.Preview, error) {
	p.target.mu.Lock()
	defer p.target.mu.Unlock()
	return p.target.preview, nil
}

func (p plan) HoldTo(*tools.Preview, float64) tools.Plan { return p }

func (p plan) Run(ctx context.Context, _ tools.Gate, _ tools.Limits) (tools.Result, error) {
	p.target.mu.Lock()
	p.target.ran++
	run := p.target.run
	p.target.mu.Unlock()
	if run != nil {
		if err := run(ctx); err != nil {
			return nil, &tools.Failure{Message: "it was broken off", Plain: "it was broken off"}
		}
	}
	return text("rows of " + p.do), nil
}

type text string

func (r text) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"text": string(r)})
}
func (text) Mask(tools.Masker, tools.Scrub) {}
func (text) Stats() tools.Stats             { return tools.Stats{} }
func (text) Next() string                   { return "" }

// policies hold every call for people, or let it run where there are none.
type policies struct {
	mu   sync.Mutex
	held obligation.Approvals
}

func (r *policies) hold(list ...obligation.Approve) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = list
}

func (r *policies) approve() obligation.Approvals {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held
}

func (r *policies) Decide(context.Context, *policy.Input) policy.Decision {
	d := policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "all"}}, Policy: "p", Approve: r.approve()}
	if len(d.Approve) > 0 {
		d.Outcome = policy.Approve
	}
	return d
}

func (r *policies) Reads(...string) bool { return false }

// agent is an MCP client, as small as it gets.
type agent struct {
	s       *site
	session string
}

func (s *site) agent() *agent {
	a := &agent{s: s}
	a.send(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"cursor","version":"2.1"}}}`)
	a.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return a
}

// call calls the tool, and gives what came of it to the channel.
func (a *agent) call(do, reason string) <-chan string {
	args, _ := json.Marshal(map[string]string{"connection": "shop", "do": do, "reason": reason})
	out := make(chan string, 1)
	go func() {
		out <- a.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"fake_write","arguments":%s}}`, args))
	}()
	return out
}

func (a *agent) send(message string) string {
	request, err := http.NewRequest(http.MethodPost, a.s.url+"/mcp", bytes.NewReader([]byte(message)))
	if err != nil {
		return err.Error()
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer agent-token", "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
	} {
		request.Header.Set(name, value)
	}
	if a.session != "" {
		request.Header.Set("Mcp-Session-Id", a.session)
		request.Header.Set("Mcp-Protocol-Version", "2025-06-18")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	if id := response.Header.Get("Mcp-Session-Id"); id != "" {
		a.session = id
	}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		data, _ := io.ReadAll(response.Body)
		return string(data)
	}
	var all strings.Builder
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			all.WriteString(data)
		}
	}
	return all.String()
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("in 20 s it did not happen that %s", what)
}

// open waits for the one request that is open, and returns it.
func (s *site) open() approval.Request {
	s.t.Helper()
	var found []approval.Request
	eventually(s.t, "a request is open", func() bool {
		found, _ = s.desk.List(s.t.Context())
		return len(found) == 1
	})
	return found[0]
}
