package server

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
)

// notOffered are the methods of MCP that this server has no use for.
var notOffered = []string{
	"resources/list", "resources/templates/list", "resources/read", "resources/subscribe", "resources/unsubscribe",
	"prompts/list", "prompts/get", "completion/complete", "logging/setLevel", "sampling/createMessage", "roots/list", "elicitation/create",
	"tasks/list", "tools/destroy", "rpc.discover",
}

// asker asks a server over one of the transports.
type asker struct {
	version string
	request func(method string, params map[string]any) rpcReply
	// begin begins a call, and cancel cancels it.
	begin  func(id int, tool, do string) <-chan rpcReply
	cancel func(id int)
}

func overHTTPAs(t *testing.T, s *testSite, version string) asker {
	c := s.serveHTTP().client(t, "alice")
	if c.version = version; version < modernVersion {
		c.initialize()
	}
	a := asker{version: version, request: c.request, cancel: func(id int) { c.cancel(id) }}
	a.begin = func(id int, tool, do string) <-chan rpcReply { return c.goCall(t.Context(), id, tool, do) }
	return a
}

func overStdioAs(_ *testing.T, s *testSite, version string) asker {
	p := s.pipe()
	if version < modernVersion {
		p.initialize(version)
	}
	c := &client{version: version, name: "pipe"}
	id := 1000
	a := asker{version: version}
	a.begin = func(id int, tool, do string) <-chan rpcReply {
		raw, _ := json.Marshal(id)
		done := p.await(string(raw))
		p.write(c.message(id, "tools/call", callParams(tool, do)))
		return done
	}
	a.request = func(method string, params map[string]any) rpcReply {
		id++
		raw, _ := json.Marshal(id)
		done := p.await(string(raw))
		p.write(c.message(id, method, params))
		return within(s.t, done, method)
	}
	a.cancel = func(id int) { p.write(c.message(nil, "notifications/cancelled", map[string]any{"requestId": id})) }
	return a
}

func TestProtocolVersions(t *testing.T) {
	for _, version := range mcp.ValidProtocolVersions {
		for name, over := range map[string]func(*testing.T, *testSite, string) asker{"http": overHTTPAs, "stdio": overStdioAs} {
			t.Run(version+"/"+name, func(t *testing.T) {
				s := newTestSite(t)
				a := over(t, s, version)
				a.lists(t)
				a.calls(t)
				a.cancels(t, s, name)
				a.pings(t)
				a.discovers(t)
				a.refuses(t)
			})
		}
	}
}

func (a asker) lists(t *testing.T) {
	t.Helper()
	var list struct{ Tools []struct{ Name string } }
	if r := a.request("tools/list", nil); json.Unmarshal(r.Result, &list) != nil || len(list.Tools) != 4 || list.Tools[0].Name != "access" {
		t.Errorf("tools/list: %s", r.body)
	}
}

func (a asker) calls(t *testing.T) {
	t.Helper()
	if r := a.request("tools/call", callParams("fake_read", "hello")).tool(t); r.Text != "hello" || r.Status != "ok" || r.isError {
		t.Errorf("a call: %+v", r)
	}
	if r := a.request("tools/call", callParams("fake_write", "refuse")).tool(t); r.Rule != "fake-rule" || !r.isError {
		t.Errorf("a refused call: %+v", r)
	}
}

func (a asker) cancels(t *testing.T, s *testSite, transport string) {
	t.Helper()
	if a.version >= modernVersion && transport == "http" {
		return // hanging up does it: TestHangingUpCancelsWhereTheProtocolSaysSo
	}
	held := s.fake.hold("held")
	done := a.begin(1, "fake_read", "held")
	within(t, held.begun, "the call begins")
	a.cancel(1)
	if r := within(t, done, "the call ends").tool(t); r.Status != "failed" {
		t.Errorf("a cancelled call: %+v", r)
	}
}

func (a asker) pings(t *testing.T) {
	t.Helper()
	r := a.request("ping", nil)
	if a.version >= modernVersion {
		if r.Error == nil || r.Error.Code != mcp.METHOD_NOT_FOUND {
			t.Errorf("ping, which this version does not have: %s", r.body)
		}
		return
	}
	if string(r.Result) != "{}" {
		t.Errorf("ping: %s", r.body)
	}
}

func (a asker) discovers(t *testing.T) {
	t.Helper()
	r := a.request("server/discover", nil)
	if a.version < modernVersion {
		if r.Error == nil || r.Error.Code != mcp.METHOD_NOT_FOUND {
			t.Errorf("server/discover, which this version does not have: %s", r.body)
		}
		return
	}
	var found struct {
		SupportedVersions []string
		Capabilities      map[string]any
		Instructions      string
	}
	if err := json.Unmarshal(r.Result, &found); err != nil || !slices.Equal(found.SupportedVersions, mcp.ValidProtocolVersions) {
		t.Errorf("server/discover: %s", r.body)
	}
	if len(found.Capabilities) != 1 || found.Capabilities["tools"] == nil || !strings.Contains(found.Instructions, "access") {
		t.Errorf("server/discover: %+v", found)
	}
}

// refuses asks for what is not there. The error is MCP's own, and says nothing
// of how the server is made.
func (a asker) refuses(t *testing.T) {
	t.Helper()
	for _, method := range notOffered {
		r := a.request(method, map[string]any{"uri": "x", "name": "x", "level": "debug"})
		if r.Error == nil || r.Error.Code != mcp.METHOD_NOT_FOUND || r.Result != nil {
			t.Errorf("%s: %s", method, r.body)
		}
		if r.status != 0 && a.version >= modernVersion && r.status != http.StatusNotFound {
			t.Errorf("%s: status %d", method, r.status)
		}
	}
}

// TestOtherVersions: what is not known is answered with what is.
func TestOtherVersions(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	p := s.pipe()
	for _, version := range []string{"", "1999-01-01", "2026-07-28", "2030-01-01", "latest"} {
		var result struct{ ProtocolVersion string }
		params := map[string]any{"protocolVersion": version, "capabilities": map[string]any{}, "clientInfo": map[string]string{"name": "x", "version": "1"}}
		for _, r := range []rpcReply{p.initialize(version), h.client(t, "alice").request("initialize", params)} {
			if err := json.Unmarshal(r.Result, &result); err != nil || !slices.Contains(mcp.LegacyProtocolVersions(), result.ProtocolVersion) {
				t.Errorf("initialize with %q: %s", version, r.body)
			}
		}
	}
	c := h.connect(t, "alice")
	for version, want := range map[string]int{"": 200, "2024-11-05": 200, "1999-01-01": 400, "2030-01-01": 400, "latest": 400, "2026-07-28": 400} {
		if r := c.send(http.MethodPost, []byte(ping), "MCP-Protocol-Version", version); r.status != want {
			t.Errorf("the header %q on a message without: %d %s", version, r.status, r.body)
		}
	}
	c = h.modern(t, "alice")
	for name, headers := range map[string][]string{
		"no version header":       {"MCP-Protocol-Version", "", "Mcp-Method", "tools/list"},
		"another version":         {"MCP-Protocol-Version", legacyVersion, "Mcp-Method", "tools/list"},
		"no method header":        {},
		"another method":          {"Mcp-Method", "tools/call"},
		"the id of another event": {"Mcp-Method", "tools/list", "Last-Event-ID", "1"},
	} {
		if r := c.send(http.MethodPost, c.message(1, "tools/list", nil), headers...); r.status != http.StatusBadRequest || r.Error == nil {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		if r := c.send(method, nil); r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") != http.MethodPost {
			t.Errorf("%s without sessions: %d", method, r.status)
		}
	}
}

// TestSubscriptions: nothing can be subscribed to, so the stream ends at once.
func TestSubscriptions(t *testing.T) {
	c := newTestSite(t).serveHTTP().modern(t, "alice")
	r := c.request("subscriptions/listen", map[string]any{"notifications": map[string]any{"toolsListChanged": true, "resourceSubscriptions": []string{"file:///x"}}})
	// mcp-go may lose the acknowledgement that comes before, and there is nothing
	// that it would be needed for.
	if r.status != http.StatusOK || r.Result == nil {
		t.Errorf("%d %s", r.status, r.body)
	}
}
