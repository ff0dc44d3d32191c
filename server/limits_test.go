package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/chaperone-dev/chaperone/recorder"
)

// TestSessionsAreBounded floods the server with sessions. The longest unused
// gives way, and mcp-go forgets it too: it would keep it for a day.
func TestSessionsAreBounded(t *testing.T) {
	s := newTestSite(t)
	var known atomic.Int64
	hooks := s.edge.mcp.GetHooks()
	hooks.AddOnRegisterSession(func(context.Context, mcpserver.ClientSession) { known.Add(1) })
	hooks.AddOnUnregisterSession(func(context.Context, mcpserver.ClientSession) { known.Add(-1) })
	h := s.serveHTTP()
	first, second := h.connect(t, "alice"), h.connect(t, "alice")
	other := h.connect(t, "bob")
	first.call("fake_read", "x")
	stream, hangUp, err := second.listen() //nolint:bodyclose // hangUp does
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp()
	flood := h.client(t, "alice")
	for i := range 3 * maxSessions {
		flood.initialize()
		if i%maxSessions == 0 {
			// What is used stays.
			first.call("fake_read", "x")
		}
		first.send(http.MethodPost, []byte(ping))
	}
	// Registering comes after the answer to initialize.
	eventually(t, "mcp-go knows no more sessions than we do", func() bool { return known.Load() == maxSessions+1 })
	if r := first.call("fake_read", "x"); r.tool(t).Text != "x" {
		t.Errorf("the session in use: %s", r.body)
	}
	if r := second.call("fake_read", "x"); r.status != http.StatusNotFound {
		t.Errorf("the unused session: %d", r.status)
	}
	if r := other.call("fake_read", "x"); r.tool(t).Text != "x" {
		t.Errorf("the session of another: %s", r.body)
	}
	if _, err := io.ReadAll(stream.Body); err != nil {
		t.Errorf("the stream of the unused session: %v", err)
	}
}

// TestInitializeWithoutAnAnswer leaves sessions behind whose id nobody got.
func TestInitializeWithoutAnAnswer(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	c := h.client(t, "alice")
	kept := h.connect(t, "alice")
	for range 2 * maxSessions {
		c.send(http.MethodPost, message(nil, "initialize", map[string]any{}))
		kept.send(http.MethodPost, []byte(ping))
	}
	if r := kept.call("fake_read", "x"); r.tool(t).Text != "x" {
		t.Errorf("%s", r.body)
	}
}

func TestClientsWithoutSessionsAreBounded(t *testing.T) {
	all := newSessions(newTestSite(t).edge.gateway)
	alice := principal("alice")
	first := all.ofClient(alice, clientNamed("first", "1"))
	for i := range 3 * maxSessions {
		all.ofClient(alice, clientNamed(fmt.Sprint(i), strings.Repeat("x", 1<<20)))
	}
	if len(all.clients) != maxSessions || all.ofClient(alice, clientNamed("first", "1")) == first {
		t.Errorf("%d sessions are kept", len(all.clients))
	}
	for key := range all.clients {
		if len(key.client.Version) > maxClientName {
			t.Fatalf("a client's version of %d bytes is kept", len(key.client.Version))
		}
	}
}

func TestSessionsEndWhenNobodyUsesThem(t *testing.T) {
	all := newSessions(newTestSite(t).edge.gateway)
	alice := principal("alice")
	old := &session{principal: alice, transport: overHTTP}
	all.add("old", old)
	all.settle(old)
	modern := all.ofClient(alice, clientNamed("c", "1"))
	all.all["old"].used = time.Now().Add(-sessionTTL - time.Second)
	for _, k := range all.clients {
		k.used = all.all["old"].used
	}
	if all.find("old", alice) != nil {
		t.Error("a session is found that was not used for a day")
	}
	fresh := &session{principal: principal("bob"), transport: overHTTP}
	all.add("fresh", fresh)
	if gone := all.settle(fresh); len(gone) != 1 || gone[0] != "old" || len(all.all) != 1 {
		t.Errorf("the sessions %v had to go, and %d are left", gone, len(all.all))
	}
	all.ofClient(principal("bob"), clientNamed("c", "1"))
	if len(all.clients) != 1 || all.ofClient(alice, clientNamed("c", "1")) == modern {
		t.Error("a client's session of more than a day ago goes on")
	}
}

func TestRequestsAreBounded(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	// Heads without bodies take the places of requests.
	var waiting []*wire
	for range maxRequests {
		w := h.dial(t)
		w.say(head+"Mcp-Session-Id: %s\nContent-Length: %d\nExpect: 100-continue\n\n", c.session, len(ping))
		if line, _ := w.r.ReadString('\n'); !strings.Contains(line, "100") {
			t.Fatalf("%q", line)
		}
		_, _ = w.r.ReadString('\n')
		waiting = append(waiting, w)
	}
	r := c.send(http.MethodPost, []byte(ping))
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
		t.Errorf("one request too many: %d %s", r.status, r.body)
	}
	h.connect(t, "bob").call("fake_read", "x")
	for _, w := range waiting {
		w.say("%s", ping)
		if status, _, body := w.hear(); status != http.StatusOK {
			t.Errorf("a request that had its place: %d %s", status, body)
		}
	}
	if r := c.send(http.MethodPost, []byte(ping)); r.status != http.StatusOK {
		t.Errorf("a request afterwards: %d %s", r.status, r.body)
	}
}

func TestCallsAreBounded(t *testing.T) {
	s := newTestSite(t)
	held := s.fake.hold("held")
	c := s.serveHTTP().connect(t, "alice")
	var calls []<-chan rpcReply
	for i := range 16 {
		calls = append(calls, c.goCall(t.Context(), i, "fake_read", "held"))
		within(t, held.begun, "a call begins")
	}
	if r := c.call("fake_read", "x").tool(t); r.Rule != "busy" || !r.Later {
		t.Errorf("one call too many: %+v", r)
	}
	close(held.release)
	for _, done := range calls {
		within(t, done, "a call ends").tool(t)
	}
}

// TestStreamsAreBounded opens streams: each session has one, the newest.
func TestStreamsAreBounded(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	before, hangUp, err := c.listen() //nolint:bodyclose // hangUp does
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp()
	for range 2 * maxStreams {
		next, hangUp, err := c.listen() //nolint:bodyclose // hangUp does
		if err != nil || next.StatusCode != http.StatusOK {
			t.Fatalf("%v %v", next, err)
		}
		defer hangUp()
		if _, err := io.ReadAll(before.Body); err != nil {
			t.Fatalf("the stream before: %v", err)
		}
		before = next
	}
	if r := c.send(http.MethodDelete, nil); r.status != http.StatusOK {
		t.Errorf("DELETE: %d", r.status)
	}
	if _, err := io.ReadAll(before.Body); err != nil {
		t.Errorf("the stream of a session that has ended: %v", err)
	}
}

func TestCrowd(t *testing.T) {
	c := newCrowd(2)
	a, b := caller{"i", "a"}, caller{"i", "b"}
	leave, _ := c.enter(a)
	_, _ = c.enter(a)
	if _, ok := c.enter(a); ok {
		t.Error("three are inside where two fit")
	}
	if _, ok := c.enter(b); !ok {
		t.Error("one principal keeps another out")
	}
	leave()
	if _, ok := c.enter(a); !ok {
		t.Error("nobody may take the place of who left")
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := newTestSite(t)
	s.edge.connections = 2
	h := s.serveHTTP()
	const get = "GET /healthz HTTP/1.1\nHost: localhost\n\n"
	first, second, third := h.dial(t), h.dial(t), h.dial(t)
	for _, w := range []*wire{first, second} {
		w.say(get)
		w.hear()
	}
	third.say(get)
	_ = first.Close()
	if status, _, _ := third.hear(); status != http.StatusOK {
		t.Errorf("the connection that waited: %d", status)
	}
}

func TestEventStoreIsBounded(t *testing.T) {
	s := newEventStore()
	ctx := t.Context()
	store := func(session, stream string, size int) string {
		id, err := s.StoreEvent(ctx, session, stream, json.RawMessage(`"`+strings.Repeat("x", size)+`"`))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	replay := func(session, after string) (ids []string, err error) {
		_, err = s.ReplayEventsAfter(ctx, session, after, func(id string, _ json.RawMessage) error { ids = append(ids, id); return nil })
		return ids, err
	}
	first := store("a", "1", 10)
	other := store("a", "2", 10)
	for range maxEvents - 2 {
		store("a", "1", 10)
	}
	if ids, err := replay("a", first); err != nil || len(ids) != maxEvents-2 {
		t.Errorf("%d events come again, %v", len(ids), err)
	}
	if ids, err := replay("a", other); err != nil || len(ids) != 0 {
		t.Errorf("events of another stream come: %v %v", ids, err)
	}
	if _, err := replay("b", first); err == nil {
		t.Error("events of another session come")
	}
	last := store("a", "1", 10)
	if _, err := replay("a", first); err == nil || len(s.sessions["a"]) != maxEvents {
		t.Errorf("%d events are kept", len(s.sessions["a"]))
	}
	store("a", "1", maxEventBytes-1000)
	if _, err := replay("a", last); err != nil || len(s.sessions["a"]) > 90 {
		t.Errorf("%d events are kept: %v", len(s.sessions["a"]), err)
	}
	store("a", "1", maxEventBytes)
	if len(s.sessions["a"]) != 0 {
		t.Errorf("%d events are kept beside one that is too large", len(s.sessions["a"]))
	}
	_ = s.PurgeSession(ctx, "a")
	if len(s.sessions) != 0 {
		t.Error("a purged session is kept")
	}
}

// TestWhySessionsEnded is about what the record says of it.
func TestWhySessionsEnded(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	ended, open, modern := h.connect(t, "ended"), h.connect(t, "open"), h.modern(t, "modern")
	for _, c := range []*client{ended, open, modern} {
		c.call("fake_read", "x")
	}
	ended.send(http.MethodDelete, nil)
	h.wait(t)
	want := map[string]string{"ended": endedByClient, "open": endedByShutdown, "modern": endedByShutdown}
	eventually(t, "the ends are on record", func() bool {
		n := 0
		s.eachEvent(func(session recorder.Session, e recorder.Event) {
			if end, ok := e.Body.(recorder.SessionClosed); ok && end.Reason == want[session.Principal.Subject] {
				n++
			}
		})
		return n == len(want)
	})
}
