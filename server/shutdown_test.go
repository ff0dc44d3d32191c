package server

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// TestShutdownLetsCallsEnd stops a server that has calls and streams under way.
func TestShutdownLetsCallsEnd(t *testing.T) {
	s := newTestSite(t)
	held := s.fake.hold("held")
	h := s.serveHTTP()
	var calls []<-chan rpcReply
	for i, c := range []*client{h.connect(t, "alice"), h.connect(t, "bob"), h.modern(t, "carol")} {
		calls = append(calls, c.goCall(t.Context(), i, "fake_write", "held"))
		within(t, held.begun, "a call begins")
	}
	gone := h.connect(t, "dave")
	ctx, hangUp := context.WithCancel(t.Context())
	dropped := gone.goCall(ctx, 1, "fake_write", "held")
	within(t, held.begun, "a call begins")
	stream, closeStream, err := h.connect(t, "erin").listen() //nolint:bodyclose // closeStream does
	if err != nil {
		t.Fatal(err)
	}
	defer closeStream()
	h.stop()
	if _, err := io.ReadAll(stream.Body); err != nil {
		t.Errorf("the stream: %v", err)
	}
	hangUp()
	within(t, dropped, "a client is gone")
	eventually(t, "nobody can connect any more", func() bool {
		conn, err := net.Dial("tcp", h.address)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	close(held.release)
	for _, done := range calls {
		if r := within(t, done, "a call is answered"); r.tool(t).Text != "released" {
			t.Errorf("%s", r.body)
		}
	}
	h.wait(t)
	for id, p := range s.calls() {
		if _, ok := p.end.(recorder.Finished); !ok {
			t.Errorf("the call %s ended as %+v", id, p.end)
		}
	}
}

// TestShutdownEndsWhatDoesNotEnd gives calls up that take too long, and clients
// that do not take the answer.
func TestShutdownEndsWhatDoesNotEnd(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.drain, s.edge.times.write = quick/2, 3*quick
	held := s.fake.hold("held")
	s.fake.on("big", func(context.Context) (tools.Result, error) { return text(strings.Repeat("x", 4<<20)), nil })
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	done := c.goCall(t.Context(), 1, "fake_write", "held")
	within(t, held.begun, "the call begins")
	deaf := h.dial(t)
	_ = deaf.Conn.(*net.TCPConn).SetReadBuffer(16 << 10)
	body := string(message(2, "tools/call", callParams("fake_read", "big")))
	deaf.say(head+"Mcp-Session-Id: %s\nContent-Length: %d\n\n%s", c.session, len(body), body)
	eventually(t, "the call has ended", func() bool { return s.endOf("fake_read") != nil })
	h.stop()
	if r := within(t, done, "the call is answered").tool(t); r.Status != "failed" {
		t.Errorf("%+v", r)
	}
	h.wait(t)
	if end, ok := s.endOf("fake_write").(recorder.Failed); !ok {
		t.Errorf("the call ended as %+v", end)
	}
}

// TestShutdownOverStdioEndsWhatDoesNotEnd does the same over standard input.
func TestShutdownOverStdioEndsWhatDoesNotEnd(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.drain = quick / 2
	held := s.fake.hold("held")
	p := s.pipe()
	p.initialize(legacyVersion)
	done := p.begin(1, "tools/call", callParams("fake_write", "held"))
	within(t, held.begun, "the call begins")
	_ = p.in.Close()
	if r := within(t, done, "the call is answered").tool(t); r.Status != "failed" {
		t.Errorf("%+v", r)
	}
	if err := p.finish(); err != nil {
		t.Error(err)
	}
	if _, ok := s.endOf("fake_write").(recorder.Failed); !ok {
		t.Errorf("the call ended as %+v", s.endOf("fake_write"))
	}
}

// TestServeEndsWithItsListener says why it can't go on.
func TestServeEndsWithItsListener(t *testing.T) {
	s := newTestSite(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.edge.ServeHTTP(t.Context(), l, HTTP{Verify: verify, Hosts: []string{"localhost"}}) }()
	_ = l.Close()
	if err := within(t, ended, "ServeHTTP ends"); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if err := s.edge.ServeHTTP(t.Context(), l, HTTP{Verify: verify, CertFile: "none", KeyFile: "none"}); err == nil {
		t.Error("it serves TLS without a certificate")
	}
}

// TestInputThatBreaks ends a session whose input fails.
func TestInputThatBreaks(t *testing.T) {
	s := newTestSite(t)
	broken := errors.New("the pipe is broken")
	in, out := io.Pipe()
	go func() { _ = out.CloseWithError(broken) }()
	if err := s.edge.ServeStdio(t.Context(), in, io.Discard, principal("local")); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// endOf is how the one call of a tool ended, nil when it has not.
func (s *testSite) endOf(tool string) recorder.Body {
	for _, p := range s.calls() {
		if p.received.Tool == tool {
			return p.end
		}
	}
	return nil
}
