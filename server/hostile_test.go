package server

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/recorder"
)

// TestTokensOfOneSubject: an agent's token has fewer groups than its owner's.
// Neither the owner's session nor the owner's client lends it the others.
func TestTokensOfOneSubject(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	owner, agent := h.connect(t, "alice+dba"), h.connect(t, "alice")
	own := agent.session
	agent.session = owner.session
	if r := agent.call("fake_write", "stolen"); r.status != http.StatusNotFound {
		t.Errorf("the owner's session: %d %s", r.status, r.body)
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if r := agent.send(method, nil); r.status != http.StatusNotFound {
			t.Errorf("%s of the owner's session: %d", method, r.status)
		}
	}
	agent.session = own
	agent.call("fake_write", "agent")
	owner.call("fake_write", "owner")
	for _, name := range []string{"alice+dba", "alice", "alice+dba"} {
		h.modern(t, name).call("fake_write", "modern")
	}
	groups := map[string]int{}
	s.eachEvent(func(session recorder.Session, e recorder.Event) {
		if _, ok := e.Body.(recorder.Received); ok {
			groups[fmt.Sprint(session.Principal.Groups)]++
		}
	})
	if groups["[dba]"] != 3 || groups["[]"] != 2 || len(groups) != 2 {
		t.Errorf("the calls were made with the groups %v", groups)
	}
}

// TestNotificationsRunNothing: a call without an id has no answer, and would
// leave no trace with its caller.
func TestNotificationsRunNothing(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	p := s.pipe()
	p.initialize(legacyVersion)
	modern := h.modern(t, "alice")
	params := callParams("fake_write", "silent")
	p.write(message(nil, "tools/call", params), message(nil, "initialize", params))
	h.connect(t, "alice").send(http.MethodPost, message(nil, "tools/call", params))
	modern.try(t.Context(), http.MethodPost, modern.message(nil, "tools/call", params), modern.headers("tools/call", params))
	p.request(1, "ping", nil)
	if n := s.fake.count("silent"); n != 0 {
		t.Errorf("it ran %d times", n)
	}
}

// TestInitializeTakesNoSession over: it makes its own, whatever it names.
func TestInitializeTakesNoSession(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	alice, mallory := h.connect(t, "alice"), h.client(t, "mallory")
	params := map[string]any{"protocolVersion": legacyVersion, "capabilities": map[string]any{}, "clientInfo": map[string]string{"name": "m", "version": "1"}}
	for name, body := range map[string][]byte{
		"plain":            message(1, "initialize", params),
		"in two protocols": (&client{version: modernVersion, name: "m"}).message(1, "initialize", params),
	} {
		r := mallory.send(http.MethodPost, body, "Mcp-Session-Id", alice.session, "MCP-Protocol-Version", "")
		if id := r.header.Get("Mcp-Session-Id"); id == alice.session {
			t.Errorf("%s: it gets the session of another", name)
		}
	}
	if r := alice.call("fake_read", "x").tool(t); r.Text != "x" {
		t.Errorf("the owner's session: %+v", r)
	}
	s.eachEvent(func(session recorder.Session, _ recorder.Event) {
		if session.Principal.Subject != "alice" {
			t.Errorf("a call of %s is on record", session.Principal.Subject)
		}
	})
}

// TestTwoHeadersOfAKind: whichever counts, it is the caller's own.
func TestTwoHeadersOfAKind(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	alice, mallory := h.connect(t, "alice"), h.connect(t, "mallory")
	body := string(message(1, "tools/call", callParams("fake_write", "smuggled")))
	lines := "POST /mcp HTTP/1.1\nHost: localhost\nAuthorization: Bearer mallory-token\nContent-Type: application/json\n"
	for name, c := range map[string]struct {
		headers string
		ran     int
	}{
		"another's session first":   {"Mcp-Session-Id: " + alice.session + "\nMcp-Session-Id: " + mallory.session, 0},
		"another's session last":    {"Mcp-Session-Id: " + mallory.session + "\nMcp-Session-Id: " + alice.session, 1},
		"both in one":               {"Mcp-Session-Id: " + mallory.session + ", " + alice.session, 0},
		"another's, and no session": {"Mcp-Session-Id: " + alice.session + "\nMCP-Protocol-Version: " + modernVersion, 0},
		"a name with an underscore": {"Mcp_Session_Id: " + alice.session, 0},
	} {
		before := s.fake.count("smuggled")
		w := h.dial(t)
		w.say("%s%s\nContent-Length: %d\n\n%s", lines, c.headers, len(body), body)
		status, _, answer := w.hear()
		if ran := s.fake.count("smuggled") - before; ran != c.ran {
			t.Errorf("%s: it ran %d times: %d %s", name, ran, status, answer)
		}
	}
	s.eachEvent(func(session recorder.Session, _ recorder.Event) {
		if session.Principal.Subject != "mallory" {
			t.Errorf("a call of %s is on record", session.Principal.Subject)
		}
	})
}

// TestParamsThatTwoReadersReadDifferently: what runs is what is on record.
func TestParamsThatTwoReadersReadDifferently(t *testing.T) {
	s := newTestSite(t)
	p := s.pipe()
	p.initialize(legacyVersion)
	c := s.serveHTTP().connect(t, "alice")
	deep := strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000)
	for name, call := range map[string]struct{ params, rule string }{
		"two names":           {`{"name":"fake_read","name":"fake_write","arguments":{"do":"x"}}`, ""},
		"a name in capitals":  {`{"name":"fake_read","NAME":"fake_write","arguments":{"do":"x"}}`, ""},
		"two arguments":       {`{"name":"fake_write","arguments":{"do":"x"},"arguments":{"do":"x"}}`, ""},
		"an argument twice":   {`{"name":"fake_write","arguments":{"do":"a","do":"b"}}`, "arguments"},
		"another case":        {`{"name":"fake_write","arguments":{"do":"a","DO":"b"}}`, "arguments"},
		"escaped twice":       {`{"name":"fake_write","arguments":{"do":"a","\u0064o":"b"}}`, "arguments"},
		"half a character":    {`{"name":"fake_write","arguments":{"do":"\ud800"}}`, "arguments"},
		"not UTF-8":           {"{\"name\":\"fake_write\",\"arguments\":{\"do\":\"\xff\"}}", "arguments"},
		"deep":                {`{"name":"fake_write","arguments":{"do":` + deep + `}}`, "arguments"},
		"deep and unknown":    {`{"name":"fake_write","arguments":{"do":"a","more":` + deep + `}}`, "arguments"},
		"a huge number":       {`{"name":"fake_write","arguments":{"do":` + strings.Repeat("9", 1000) + `}}`, "unknown"},
		"an unknown, long":    {`{"name":"fake_write","arguments":{"` + strings.Repeat("x", 500000) + `":1}}`, "arguments"},
		"a prototype":         {`{"name":"fake_write","arguments":{"do":"a","__proto__":{}}}`, "arguments"},
		"a string":            {`{"name":"fake_write","arguments":"{\"do\":\"a\"}"}`, "arguments"},
		"a tool's own prefix": {`{"name":"chaperone:fake_write","arguments":{"do":"a"}}`, "unknown"},
		"a tool, with a null": {`{"name":"fake_write\u0000","arguments":{"do":"a"}}`, "unknown"},
	} {
		body := `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":` + call.params + `}`
		done := p.await("7")
		p.write([]byte(body))
		for over, r := range map[string]rpcReply{"HTTP": c.send(http.MethodPost, []byte(body)), "stdio": within(t, done, name)} {
			switch {
			case len(r.body) > 10000:
				t.Errorf("%s over %s: the answer has %d bytes", name, over, len(r.body))
			case call.rule == "unknown":
				if r.Error == nil {
					t.Errorf("%s over %s: %s", name, over, r.body)
				}
			case r.Error != nil || r.tool(t).Rule != call.rule:
				t.Errorf("%s over %s: %.300s", name, over, r.body)
			}
		}
	}
	reads, writes := 0, 0
	for _, call := range s.calls() {
		if _, ok := call.end.(recorder.Finished); ok && call.received.Tool == "fake_read" {
			reads++
		} else if ok {
			writes++
		}
	}
	if ran := s.fake.count("x"); ran != reads+writes || ran != 6 || s.fake.count("") != 0 {
		t.Errorf("%d ran; on record are %d reads and %d writes", ran, reads, writes)
	}
}

// TestForgedCancellations name ids that nobody has, or in no way that is one.
func TestForgedCancellations(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	held := s.fake.hold("held")
	done := c.goCall(t.Context(), 1, "fake_read", "held")
	within(t, held.begun, "the call begins")
	for _, id := range []string{`null`, `{}`, `[1]`, `1.0`, `1e0`, `true`, `"1"`, `""`, `-1`, strings.Repeat("1", 200000), `"` + strings.Repeat("1", 200000) + `"`} {
		body := `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`
		if r := c.send(http.MethodPost, []byte(body)); r.status != http.StatusAccepted {
			t.Errorf("%.20s: %d %s", id, r.status, r.body)
		}
	}
	// One with an id is a request, and one for a method that there is not.
	if r := c.request("notifications/cancelled", map[string]any{"requestId": 1}); r.Result != nil {
		t.Errorf("a cancellation with an id: %s", r.body)
	}
	close(held.release)
	if r := within(t, done, "the call ends").tool(t); r.Text != "released" {
		t.Errorf("the call ended as %+v", r)
	}
	// A flood of them is not kept.
	var e early
	for i := range 10 * maxEarly {
		e.put(requestID(fmt.Sprint("n", i)))
	}
	if len(e.ids) != maxEarly || e.take("n0") || !e.take(e.ids[0]) {
		t.Errorf("%d cancellations are kept", len(e.ids))
	}
}

// TestReplayOfAnothersEvents asks for what another session missed.
func TestReplayOfAnothersEvents(t *testing.T) {
	h := newTestSite(t).serveHTTP()
	mallory := h.connect(t, "mallory")
	for _, id := range []string{"1", "0", "-1", "999999999999999999999", "x"} {
		r := mallory.send(http.MethodGet, nil, "Last-Event-ID", id, "Accept", "text/event-stream")
		if r.status < 400 || strings.Contains(r.body, "jsonrpc") {
			t.Errorf("%s: %d %s", id, r.status, r.body)
		}
	}
}

// TestAFloodHurtsItselfOnly: one principal takes every place that it can get.
func TestAFloodHurtsItselfOnly(t *testing.T) {
	s := newTestSite(t)
	held := s.fake.hold("held")
	h := s.serveHTTP()
	flood := h.connect(t, "mallory")
	var calls []<-chan rpcReply
	for i := range 3 * maxRequests {
		calls = append(calls, flood.goCall(t.Context(), i, "fake_write", "held"))
	}
	for range 16 {
		within(t, held.begun, "a call begins")
	}
	if r := h.connect(t, "alice").call("fake_read", "x").tool(t); r.Text != "x" {
		t.Errorf("another principal: %+v", r)
	}
	close(held.release)
	ends := map[string]int{}
	for _, done := range calls {
		r := within(t, done, "a call ends")
		if r.status == http.StatusTooManyRequests {
			ends["429"]++
			continue
		}
		ends[r.tool(t).Status+" "+r.tool(t).Rule]++
	}
	if ends["ok "]+ends["refused busy"]+ends["429"] != len(calls) || ends["ok "] < 16 {
		t.Errorf("the flood ended as %v", ends)
	}
}
