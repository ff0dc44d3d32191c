package server

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestElicitationOverStdio: the person's word counts, and no other's.
func TestElicitationOverStdio(t *testing.T) {
	s := newTestSite(t)
	p := s.pipe()
	p.request(0, "initialize", map[string]any{
		"protocolVersion": legacyVersion, "capabilities": map[string]any{"elicitation": map[string]any{}}, "clientInfo": map[string]string{"name": "pipe", "version": "1"},
	})
	p.write(message(nil, "notifications/initialized", nil))
	for i, c := range []struct{ answer, status string }{
		{`"result":{"action":"accept","content":{}}`, "ok"}, {`"result":{"action":"decline"}`, "refused"}, {`"result":{"action":"cancel"}`, "refused"},
		{`"error":{"code":-1,"message":"no"}`, "refused"}, {`"result":{}`, "refused"}, {`"result":"accept"`, "refused"},
	} {
		done := p.begin(10+i, "tools/call", callParams("fake_write", "confirm"))
		question := within(t, p.nobody, "the question")
		if !strings.Contains(question.body, "elicitation/create") || !strings.Contains(question.body, "Are you sure. On target: confirm") {
			t.Fatalf("%s", question.body)
		}
		p.write([]byte(`{"jsonrpc":"2.0","id":999,"result":{"action":"accept"}}`)) // nobody asked for that
		p.write([]byte(`{"jsonrpc":"2.0","id":` + string(question.ID) + `,` + c.answer + `}`))
		if r := within(t, done, "the answer").tool(t); r.Status != c.status {
			t.Errorf("%s: %+v", c.answer, r)
		}
	}
	if n := s.fake.count("confirm"); n != 1 {
		t.Errorf("it ran %d times", n)
	}
}

// TestClientsThatCannotAsk are refused what needs their person's word.
func TestClientsThatCannotAsk(t *testing.T) {
	s := newTestSite(t)
	p := s.pipe()
	p.initialize(legacyVersion)
	h := s.serveHTTP()
	for name, r := range map[string]rpcReply{
		"stdio": p.request(1, "tools/call", callParams("fake_write", "confirm")), "http": h.connect(t, "alice").call("fake_write", "confirm"),
		"modern": h.modern(t, "alice").call("fake_write", "confirm"),
	} {
		if got := r.tool(t); got.Rule != "sure" || !got.isError {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if s.fake.count("confirm") != 0 {
		t.Error("it ran")
	}
}

// asks is what a modern client sends that can ask its person.
func (c *client) asks(do string, more map[string]any) rpcReply {
	c.t.Helper()
	params := callParams("fake_write", do)
	for k, v := range more {
		params[k] = v
	}
	params["_meta"] = map[string]any{
		"io.modelcontextprotocol/protocolVersion":    c.version,
		"io.modelcontextprotocol/clientInfo":         map[string]string{"name": c.name, "version": "1"},
		"io.modelcontextprotocol/clientCapabilities": map[string]any{"elicitation": map[string]any{}},
	}
	return c.try(c.t.Context(), http.MethodPost, message(c.next.Add(1), "tools/call", params), c.headers("tools/call", params))
}

// TestMultiRoundTrip: the modern client asks by itself, and comes again.
func TestMultiRoundTrip(t *testing.T) {
	s := newTestSite(t)
	c := s.serveHTTP().modern(t, "alice")
	accept := map[string]any{"confirm": map[string]any{"action": "accept", "content": map[string]any{}}}
	state := func(r rpcReply) string {
		t.Helper()
		var result struct{ ResultType, RequestState string }
		if err := json.Unmarshal(r.Result, &result); err != nil || result.RequestState == "" {
			t.Fatalf("it does not ask: %s", r.body)
		}
		return result.RequestState
	}
	// An answer that nobody asked for is none.
	first := state(c.asks("confirm", map[string]any{"inputResponses": accept}))
	if r := c.asks("confirm", map[string]any{"inputResponses": accept, "requestState": "forged"}); r.tool(t).Rule != "confirmation" {
		t.Errorf("%s", r.body)
	}
	if r := c.asks("confirm other", map[string]any{"inputResponses": accept, "requestState": first}); r.tool(t).Rule != "confirmation" {
		t.Errorf("%s", r.body)
	}
	if s.fake.count("confirm") != 0 {
		t.Fatal("it ran")
	}
	if r := c.asks("confirm", map[string]any{"inputResponses": accept, "requestState": first}); r.tool(t).Status != "ok" {
		t.Errorf("%s", r.body)
	}
	if r := c.asks("confirm", map[string]any{"inputResponses": accept, "requestState": first}); r.tool(t).Rule != "confirmation" {
		t.Errorf("%s", r.body)
	}
	if n := s.fake.count("confirm"); n != 1 {
		t.Errorf("it ran %d times", n)
	}
}

// TestProgress goes to who asks for it.
func TestProgress(t *testing.T) {
	s := newTestSite(t)
	p := s.pipe()
	p.initialize(legacyVersion)
	params := callParams("fake_write", "hold it")
	params["_meta"] = map[string]any{"progressToken": "t1"}
	done := p.begin(1, "tools/call", params)
	if n := within(t, p.nobody, "progress"); !strings.Contains(n.body, "notifications/progress") || !strings.Contains(n.body, `"progressToken":"t1"`) {
		t.Errorf("%s", n.body)
	}
	if r := within(t, done, "the reply"); r.tool(t).Status != "pending" || r.tool(t).isError {
		t.Errorf("%s", r.body)
	}
	h := s.serveHTTP()
	for name, c := range map[string]*client{"legacy": h.connect(t, "alice"), "modern": h.modern(t, "bob")} {
		params["_meta"] = map[string]any{
			"progressToken": "t2", "io.modelcontextprotocol/protocolVersion": c.version,
			"io.modelcontextprotocol/clientInfo": map[string]string{"name": "x", "version": "1"}, "io.modelcontextprotocol/clientCapabilities": map[string]any{},
		}
		if c.version < modernVersion {
			params["_meta"] = map[string]any{"progressToken": "t2"}
		}
		r := c.try(t.Context(), http.MethodPost, message(7, "tools/call", params), c.headers("tools/call", params))
		if !strings.Contains(r.body, "notifications/progress") || r.tool(t).Status != "pending" {
			t.Errorf("%s: %s", name, r.body)
		}
	}
}

// TestStream: what a call writes while it runs is shown to who asks for progress,
// in order and before the reply, and to nobody else.
func TestStream(t *testing.T) {
	s := newTestSite(t)
	p, h := s.pipe(), s.serveHTTP()
	p.initialize(legacyVersion)
	params := callParams("fake_read", "stream one two")
	if r := within(t, p.begin(1, "tools/call", params), "the reply"); r.tool(t).isError {
		t.Errorf("%s", r.body)
	}
	params["_meta"] = map[string]any{"progressToken": "t"}
	done := p.begin(2, "tools/call", params)
	for i, word := range []string{"one", "two"} {
		want := fmt.Sprintf(`"params":{"message":"%s\n","progress":%d,"progressToken":"t"}`, word, i+1)
		if n := within(t, p.nobody, "progress"); !strings.Contains(n.body, want) {
			t.Errorf("%s, want %s", n.body, want)
		}
	}
	if r := within(t, done, "the reply"); r.tool(t).isError {
		t.Errorf("%s", r.body)
	}
	for name, c := range map[string]*client{"legacy": h.connect(t, "alice"), "modern": h.modern(t, "bob")} {
		meta := map[string]any{"progressToken": "t"}
		if c.version >= modernVersion {
			meta["io.modelcontextprotocol/protocolVersion"] = c.version
			meta["io.modelcontextprotocol/clientInfo"] = map[string]string{"name": "x", "version": "1"}
			meta["io.modelcontextprotocol/clientCapabilities"] = map[string]any{}
		}
		params["_meta"] = meta
		r := c.try(t.Context(), http.MethodPost, message(7, "tools/call", params), c.headers("tools/call", params))
		one, two, end := strings.Index(r.body, `"message":"one\n"`), strings.Index(r.body, `"message":"two\n"`), strings.Index(r.body, `"structuredContent"`)
		if one < 0 || two < one || end < two {
			t.Errorf("%s: %s", name, r.body)
		}
	}
}

// TestElicitationOverHTTP: the question comes on the stream of the call itself,
// and the answer by a message of its own.
func TestElicitationOverHTTP(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	c := h.client(t, "alice")
	r := c.request("initialize", map[string]any{
		"protocolVersion": c.version, "capabilities": map[string]any{"elicitation": map[string]any{}}, "clientInfo": map[string]string{"name": "x", "version": "1"},
	})
	c.session = r.header.Get("Mcp-Session-Id")
	c.send(http.MethodPost, message(nil, "notifications/initialized", nil))
	again, other := h.connect(t, "alice"), h.connect(t, "bob")
	accept := func(from *client, id string) {
		from.send(http.MethodPost, []byte(`{"jsonrpc":"2.0","id":`+id+`,"result":{"action":"accept"}}`))
	}
	for _, action := range []string{"accept", "decline"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, bytes.NewReader(message(action, "tools/call", callParams("fake_write", "confirm"))))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": "Bearer " + c.token,
			"MCP-Protocol-Version": c.version, "Mcp-Session-Id": c.session,
		} {
			request.Header.Set(name, value)
		}
		response, err := c.http.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		asked := false
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			var q rpcReply
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok || json.Unmarshal([]byte(data), &q) != nil {
				continue
			}
			if strings.Contains(data, "elicitation/create") {
				asked = true
				// Answers of other sessions, and to what was not asked, are none.
				accept(again, string(q.ID))
				accept(other, string(q.ID))
				for _, id := range []string{`"x"`, "4711", "null"} {
					accept(c, id)
				}
				c.send(http.MethodPost, []byte(`{"jsonrpc":"2.0","id":`+string(q.ID)+`,"result":{"action":"`+action+`"}}`))
			} else if got := q.tool(t).Status == "ok"; q.Result != nil && got != (action == "accept") {
				t.Errorf("%s: %s", action, data)
			}
		}
		_ = response.Body.Close()
		if !asked {
			t.Error("nobody is asked")
		}
	}
	if n := s.fake.count("confirm"); n != 1 {
		t.Errorf("it ran %d times", n)
	}
}
