package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/gateway"
	"github.com/chaperone-dev/chaperone/tools"
)

// patience is how long a test waits for what must happen. It is no measure of
// anything: a test that is right never uses it up.
const patience = 30 * time.Second

// testSite is an edge over a real gateway and a real record, with a fake target.
type testSite struct {
	t      testing.TB
	edge   *Edge
	fake   *fake
	dir    string
	record *recorder.Recorder
	log    *logBuffer
}

func newTestSite(t testing.TB) *testSite {
	t.Helper()
	s := &testSite{t: t, fake: newFake(), dir: filepath.Join(t.TempDir(), "state"), log: &logBuffer{}}
	var err error
	if s.record, err = recorder.Open(t.Context(), recorder.Options{Dir: s.dir, Version: "test"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.record.Close() })
	log := slog.New(slog.NewTextHandler(s.log, nil))
	reader, err := recorder.OpenReader(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	desk, err := approval.NewDesk(t.Context(), approval.Options{Record: s.record, Reader: reader})
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{
		Approvals: desk, History: reader, Hold: 200 * time.Millisecond,
		Families:    []tools.Family{s.fake},
		Connections: []gateway.Connection{{Connection: policy.Connection{Name: "target", Family: "fake", Labels: map[string]string{}}, Target: s.fake}},
		Record:      s.record, Log: log, Policy: func() gateway.Decider { return rules{} },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.edge = New(Options{Gateway: g, Version: "test", Log: log})
	return s
}

// wrap lets a test see the context that mcp-go gives a tool's handler.
func (s *testSite) wrap(tool string, see func(context.Context)) {
	for _, t := range s.edge.gateway.Tools() {
		if t.Name == tool {
			s.edge.mcp.AddTool(definition(t.Tool), func(ctx context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				see(ctx)
				return s.edge.handle(ctx, r)
			})
		}
	}
}

// logBuffer is what the operator reads.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(data)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// verify knows whoever has a token that ends in "-token", by what comes before:
// a name, and after a + a group.
func verify(token string) (policy.Principal, error) {
	name, ok := strings.CutSuffix(token, "-token")
	if !ok || name == "" || strings.ContainsAny(name, " ,-") {
		return policy.Principal{}, errors.New("the token is not known")
	}
	name, group, member := strings.Cut(name, "+")
	p := principal(name)
	if member {
		p.Groups = append(p.Groups, group)
	}
	return p, nil
}

func principal(name string) policy.Principal {
	return policy.Principal{Subject: name, Groups: []string{}, Issuer: "test", Method: policy.Token, Claims: map[string]string{}}
}

// served is an edge that is being served over HTTP.
type served struct {
	address string
	// stop tells it to stop, and returns at once.
	stop context.CancelFunc
	// ended gets what ServeHTTP returned.
	ended chan error
}

// serveHTTP serves until the test ends.
func (s *testSite) serveHTTP() *served {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &served{address: l.Addr().String(), stop: cancel, ended: make(chan error, 1)}
	go func() {
		h.ended <- s.edge.ServeHTTP(ctx, l, HTTP{Verify: verify, Hosts: []string{"localhost", "127.0.0.1", "::1", "gateway.example:8443"}})
	}()
	s.t.Cleanup(func() { h.wait(s.t) })
	return h
}

// wait stops the server, and waits until it has.
func (h *served) wait(t testing.TB) {
	t.Helper()
	h.stop()
	select {
	case err := <-h.ended:
		if err != nil {
			t.Errorf("ServeHTTP: %v", err)
		}
		h.ended <- nil
	case <-time.After(patience):
		t.Fatal("the server does not stop")
	}
}

// within waits for something that must happen.
func within[T any](t testing.TB, c <-chan T, what string) (value T) {
	t.Helper()
	select {
	case value = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: it does not happen", what)
	}
	return value
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("%s: it does not become true", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// past is what the record says of one call.
type past struct {
	received recorder.Received
	kinds    []recorder.Kind
	end      recorder.Body
}

// calls reads the calls on record, by id, in all sessions.
func (s *testSite) calls() map[string]*past {
	s.t.Helper()
	calls := map[string]*past{}
	s.eachEvent(func(_ recorder.Session, e recorder.Event) {
		if e.Call == "" {
			return
		}
		p := calls[e.Call]
		if p == nil {
			p = &past{}
			calls[e.Call] = p
		}
		p.kinds = append(p.kinds, e.Body.Kind())
		switch b := e.Body.(type) {
		case recorder.Received:
			p.received = b
		case recorder.Finished, recorder.Refused, recorder.Failed, recorder.Ambiguous:
			p.end = b
		}
	})
	return calls
}

func (s *testSite) eachEvent(visit func(recorder.Session, recorder.Event)) {
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
			visit(session, e)
		}
	}
}

// theCall is the only call on record of a tool.
func (s *testSite) theCall(tool string) *past {
	s.t.Helper()
	var found *past
	for _, p := range s.calls() {
		if p.received.Tool == tool {
			if found != nil {
				s.t.Fatalf("there is more than one call of %s on record", tool)
			}
			found = p
		}
	}
	if found == nil {
		s.t.Fatalf("there is no call of %s on record", tool)
	}
	return found
}
