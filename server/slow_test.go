package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// quick is a time limit that a test waits for to pass. What is not slow must
// fit in it also on a machine that has other things to do.
const quick = time.Second

func TestSlowHeadersAreCut(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.header = quick
	w := s.serveHTTP().dial(t)
	w.say("POST /mcp HTTP/1.1\nHost: localhost\nX-")
	w.ends()
}

func TestSlowBodiesAreCut(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.header, s.edge.times.body = quick, quick
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	w := h.dial(t)
	w.say(head+"Mcp-Session-Id: %s\nContent-Length: 100\n\n{", c.session)
	if status, _, _ := w.hear(); status != http.StatusRequestTimeout {
		t.Errorf("%d", status)
	}
	w.ends()
}

// TestBodiesMayTakeLongerThanHeads, once it is known whose they are.
func TestBodiesMayTakeLongerThanHeads(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.header = quick
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	w := h.dial(t)
	w.say(head+"Mcp-Session-Id: %s\nContent-Length: %d\n\n", c.session, len(ping))
	time.Sleep(2 * quick)
	w.say("%s", ping)
	if status, _, body := w.hear(); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.idle = quick
	w := s.serveHTTP().dial(t)
	w.say("GET /healthz HTTP/1.1\nHost: localhost\n\n")
	w.hear()
	w.ends()
}

// TestLongCallsAreNotCut holds a call for longer than every limit.
func TestLongCallsAreNotCut(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.header, s.edge.times.body, s.edge.times.write, s.edge.times.idle = quick, quick, quick, quick
	held := s.fake.hold("held")
	h := s.serveHTTP()
	for _, c := range []*client{h.connect(t, "alice"), h.modern(t, "alice")} {
		done := c.goCall(t.Context(), 1, "fake_read", "held")
		within(t, held.begun, "the call begins")
		w := h.dial(t)
		w.say("GET /healthz HTTP/1.1\nHost: localhost\n\n")
		w.hear()
		w.ends() // after the time that the call was held for, too
		w = h.dial(t)
		w.say("GET")
		w.ends()
		held.release <- struct{}{}
		if r := within(t, done, "the call ends").tool(t); r.Text != "released" {
			t.Errorf("%+v", r)
		}
	}
}

// TestSlowReaders: who does not read is cut off, who reads slowly is not, and
// neither keeps others waiting.
func TestSlowReaders(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.write = quick
	const size = 8 << 20
	s.fake.on("big", func(context.Context) (tools.Result, error) { return text(strings.Repeat("x", size)), nil })
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	body := string(message(1, "tools/call", callParams("fake_read", "big")))
	deaf, slow := h.dial(t), h.dial(t)
	for _, w := range []*wire{deaf, slow} {
		_ = w.Conn.(*net.TCPConn).SetReadBuffer(16 << 10)
		w.say(head+"Mcp-Session-Id: %s\nConnection: close\nContent-Length: %d\n\n%s", c.session, len(body), body)
	}
	// Reading for three times the limit, with pauses, gets everything.
	got := 0
	for piece := make([]byte, 2<<20); ; {
		n, err := io.ReadFull(slow.r, piece)
		if got += n; err != nil {
			break
		}
		if got < 6*len(piece) {
			if r := c.call("fake_read", "x").tool(t); r.Text != "x" {
				t.Errorf("another call: %+v", r)
			}
			time.Sleep(quick / 2)
		}
	}
	if got <= 2*size {
		t.Errorf("the slow reader got %d bytes of more than %d", got, 2*size)
	}
	_ = deaf.SetDeadline(time.Time{})
	eventually(t, "who does not read is cut off", func() bool {
		_, err := deaf.Write([]byte("x"))
		return err != nil
	})
	for _, p := range s.calls() {
		if _, ok := p.end.(recorder.Finished); !ok {
			t.Errorf("a call ended as %+v", p.end)
		}
	}
}

// TestSlowReaderOfStandardOutput: it keeps nobody waiting for ever.
func TestSlowReaderOfStandardOutput(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.drain, s.edge.times.write = 0, quick
	inReader, in := io.Pipe()
	_, pipe := io.Pipe()
	out := &noticed{Writer: pipe, begun: make(chan struct{})}
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { ended <- s.edge.ServeStdio(ctx, inReader, out, principal("local")) }()
	for i := range 2 * maxHandlers {
		// Nobody reads the answers, so that at some point nobody reads these.
		go func() { _, _ = in.Write(append(message(i, "ping", nil), '\n')) }()
	}
	within(t, out.begun, "an answer is on its way")
	stop()
	if err := within(t, ended, "ServeStdio ends"); err == nil {
		t.Error("answers that nobody took are no error")
	}
	_ = inReader.Close()
}

// noticed tells when somebody begins to write to it.
type noticed struct {
	io.Writer
	once  sync.Once
	begun chan struct{}
}

func (n *noticed) Write(data []byte) (int, error) {
	n.once.Do(func() { close(n.begun) })
	return n.Writer.Write(data)
}
