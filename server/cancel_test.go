package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/recorder"
)

// TestDefect04 lets a client of the protocol without sessions cancel by the id
// of another's request.
func TestDefect04CancellingAnothersRequestHasNoEffect(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	held := s.fake.hold("held")
	alice := h.modern(t, "alice")
	done := alice.goCall(t.Context(), 1, "fake_read", "held")
	within(t, held.begun, "the call begins")
	h.modern(t, "mallory").cancel(1)
	legacy := h.connect(t, "mallory")
	legacy.cancel(1)
	// Not even another window of the same user: its ids are its own.
	h.modern(t, "alice").cancel(1)
	for _, body := range []string{
		`{"jsonrpc":"2.0","method":"ping","METHOD":"notifications/cancelled","params":{"requestId":1}}`,
		`{"jsonrpc":"2.0","method":"ping","method":"notifications/cancelled","params":{"requestId":1}}`,
	} {
		if r := h.modern(t, "mallory").send("POST", []byte(body)); r.status != 400 {
			t.Errorf("%s: %d", body, r.status)
		}
	}
	close(held.release)
	if r := within(t, done, "the call ends").tool(t); r.Text != "released" {
		t.Errorf("the call ended as %+v", r)
	}
}

// TestDefect09 cancels calls before anything could have begun them. A call
// that missed its cancellation waits for ever.
func TestDefect09ACancellationThatOvertakesCountsOverStdio(t *testing.T) {
	s := newTestSite(t)
	s.fake.hold("held")
	p := s.pipe()
	p.initialize(legacyVersion)
	for i := 1; i <= 200; i++ {
		id, _ := json.Marshal(i)
		done := p.await(string(id))
		p.write(message(i, "tools/call", callParams("fake_write", "held")), message(nil, "notifications/cancelled", map[string]any{"requestId": i}))
		if r := within(t, done, fmt.Sprint("call ", i, " ends")).tool(t); !r.isError {
			t.Fatalf("call %d: %+v", i, r)
		}
	}
}

// TestDefect09 also when all handlers are taken: what waits for its turn and is
// cancelled does not run.
func TestDefect09ACancelledCallDoesNotStart(t *testing.T) {
	s := newTestSite(t)
	own := &session{principal: principal("alice"), transport: overStdio}
	ctx, end := s.edge.calls.begin(withSession(t.Context(), own), own, "n1")
	defer end()
	s.edge.calls.cancel(own, "n1")
	r := s.edge.handleMessage(ctx, "n1", message(1, "tools/call", callParams("fake_write", "late")))
	data, _ := json.Marshal(r)
	var out bytes.Buffer
	_ = requestOf(ctx).write(&out, data)
	if !strings.Contains(out.String(), "nothing ran") || s.fake.count("late") != 0 {
		t.Errorf("it ran %d times: %s", s.fake.count("late"), out.String())
	}
	past := s.theCall("fake_write")
	if end, ok := past.end.(recorder.Refused); !ok || end.Rule != "cancelled" || len(past.kinds) != 4 {
		t.Errorf("the record says %v, %+v", past.kinds, past.end)
	}
}

func TestDefect09ACancellationThatOvertakesCountsOverHTTP(t *testing.T) {
	s := newTestSite(t)
	held := s.fake.hold("held")
	c := s.serveHTTP().connect(t, "alice")
	c.cancel("early")
	c.cancel(99)
	r := within(t, c.goCall(t.Context(), "early", "fake_write", "held"), "the call ends").tool(t)
	if r.Rule != "cancelled" || s.fake.count("held") != 0 {
		t.Errorf("the cancelled call ended as %+v", r)
	}
	// It counted once, and for that id only.
	done := c.goCall(t.Context(), "early", "fake_write", "held")
	within(t, held.begun, "the next call begins")
	c.cancel("early")
	if r := within(t, done, "it ends").tool(t); !strings.Contains(r.Message, "cancelled") {
		t.Errorf("the running call ended as %+v", r)
	}
}

// TestIDsOfDifferentKinds: 1 and "1" are two requests.
func TestIDsOfDifferentKinds(t *testing.T) {
	s := newTestSite(t)
	c := s.serveHTTP().connect(t, "alice")
	number, text := s.fake.hold("number"), s.fake.hold("text")
	first, second := c.goCall(t.Context(), 1, "fake_read", "number"), c.goCall(t.Context(), "1", "fake_read", "text")
	within(t, number.begun, "the first begins")
	within(t, text.begun, "the second begins")
	c.cancel("1")
	if r := within(t, second, "the second ends"); string(r.ID) != `"1"` || r.tool(t).Status != "failed" {
		t.Errorf("the second: %s", r.body)
	}
	close(number.release)
	if r := within(t, first, "the first ends"); string(r.ID) != "1" || r.tool(t).Text != "released" {
		t.Errorf("the first: %s", r.body)
	}
}

// TestDefect10 hangs up in the middle of a call.
func TestDefect10HangingUpDoesNotStopACall(t *testing.T) {
	s := newTestSite(t)
	held, noticed := s.fake.hold("held"), make(chan struct{})
	s.wrap("fake_write", func(ctx context.Context) { context.AfterFunc(ctx, func() { close(noticed) }) })
	c := s.serveHTTP().connect(t, "alice")
	ctx, hangUp := context.WithCancel(t.Context())
	gone := c.goCall(ctx, 1, "fake_write", "held")
	within(t, held.begun, "the call begins")
	hangUp()
	within(t, gone, "the client is gone")
	within(t, noticed, "mcp-go gives the call up")
	close(held.release)
	within(t, held.done, "the run ends")
	eventually(t, "the outcome is on record", func() bool { return s.theCall("fake_write").end != nil })
	if end, ok := s.theCall("fake_write").end.(recorder.Finished); !ok {
		t.Errorf("the call ended as %+v", end)
	}
}

// TestHangingUpCancelsWhereTheProtocolSaysSo is the opposite: since 2026-07-28
// hanging up is how a client cancels over HTTP. The outcome is on record.
func TestHangingUpCancelsWhereTheProtocolSaysSo(t *testing.T) {
	s := newTestSite(t)
	held := s.fake.hold("held")
	c := s.serveHTTP().modern(t, "alice")
	ctx, hangUp := context.WithCancel(t.Context())
	gone := c.goCall(ctx, 1, "fake_write", "held")
	within(t, held.begun, "the call begins")
	hangUp()
	within(t, gone, "the client is gone")
	within(t, held.done, "the run ends")
	eventually(t, "the outcome is on record", func() bool { return s.theCall("fake_write").end != nil })
	if end, ok := s.theCall("fake_write").end.(recorder.Failed); !ok {
		t.Errorf("the call ended as %+v", end)
	}
}

// TestDefect10 ends the input of a server that has calls under way.
func TestDefect10TheEndOfInputLetsCallsEnd(t *testing.T) {
	for name, end := range map[string]func(*pipeClient){
		"the input ends": func(p *pipeClient) { _ = p.in.Close() },
		"a signal comes": func(p *pipeClient) { p.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSite(t)
			held := s.fake.hold("held")
			p := s.pipe()
			p.initialize(legacyVersion)
			var replies []<-chan rpcReply
			for i := 1; i <= 5; i++ {
				replies = append(replies, p.begin(i, "tools/call", callParams("fake_write", "held")))
				within(t, held.begun, "the call begins")
			}
			end(p)
			close(held.release)
			for _, c := range replies {
				if r := within(t, c, "an answer comes").tool(t); r.Text != "released" {
					t.Errorf("the call ended as %+v", r)
				}
			}
			if err := p.finish(); err != nil {
				t.Errorf("ServeStdio: %v", err)
			}
			for id, c := range s.calls() {
				if _, ok := c.end.(recorder.Finished); !ok {
					t.Errorf("the call %s ended as %+v", id, c.end)
				}
			}
		})
	}
}
