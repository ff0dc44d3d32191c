package server

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// The tests of this file and of cancel_test.go have the numbers of these defects
// of mcp-go v1.2.1. Each fails when what holds the defect off is taken away.
//
//  1. The context of a task ends as soon as the task is made.
//  2. Handlers of task tools go past the middleware.
//  3. Its recovery sends the text of a panic to the client.
//  4. Since 2026-07-28, a cancellation ends whichever request has the id.
//  5. A session is good for every caller who knows its id.
//  6. So is any id that looks like one.
//  7. Answers to questions that nobody asked reach the handler.
//  8. Notifications get lost over HTTP.
//  9. Over stdio, a call that is cancelled while it waits still runs.
//  10. The end of the input, a signal, or hanging up ends a call that runs.
//  11. Calls that it refuses itself are seen by hooks only.
//  12. Session ids are the same for all over stdio, and empty since 2026-07-28.

func TestDefect01TasksAreNotOffered(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	c := h.client(t, "alice")
	var initialized struct {
		Capabilities map[string]json.RawMessage `json:"capabilities"`
	}
	if err := json.Unmarshal(c.initialize().Result, &initialized); err != nil {
		t.Fatal(err)
	}
	for name := range initialized.Capabilities {
		if name != "tools" {
			t.Errorf("the capability %s is offered", name)
		}
	}
	for _, method := range []string{"tasks/get", "tasks/list", "tasks/result", "tasks/cancel"} {
		if r := c.request(method, map[string]any{"taskId": "1"}); r.Error == nil || r.Error.Code != mcp.METHOD_NOT_FOUND {
			t.Errorf("%s: %s", method, r.body)
		}
	}
	// A call that asks to be a task is a call like any other.
	params := callParams("fake_write", "as a task")
	params["task"] = map[string]any{"ttl": 1000}
	if r := c.request("tools/call", params).tool(t); r.Text != "as a task" {
		t.Errorf("a call with task: %+v", r)
	}
}

// TestDefect02And03 looks for what must not be used of mcp-go: task tools, which
// go past everything, and its recovery, which tells clients what panicked.
func TestDefect02And03ForbiddenPartsAreNotUsed(t *testing.T) {
	forbidden := map[string]bool{
		"AddTaskTool": true, "AddTaskTools": true, "WithTaskCapabilities": true, "TaskSupportOptional": true, "TaskSupportRequired": true,
		"WithRecovery": true, "ServeStdio": true, "NewStdioServer": true, "WithStateLess": true, "WithStreamableHTTPCORS": true,
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && forbidden[sel.Sel.Name] {
				t.Errorf("%s uses %s", e.Name(), sel.Sel.Name)
			}
			return true
		})
	}
}

const secretOfPanic = "postgres://admin:hunter2@db"

// TestDefect03 panics in a plan, and in a handler that the gateway does not see.
func TestDefect03APanicBecomesAnID(t *testing.T) {
	s := newTestSite(t)
	s.fake.on("panic", func(context.Context) (tools.Result, error) { panic(secretOfPanic) })
	s.edge.mcp.AddTool(mcp.NewTool("bare"), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) { panic(secretOfPanic) })
	h, p := s.serveHTTP(), s.pipe()
	c := h.connect(t, "alice")
	p.initialize(legacyVersion)
	bare := map[string]any{"name": "bare"}
	for name, r := range map[string]rpcReply{
		"a plan over HTTP":     c.call("fake_read", "panic"),
		"a write over HTTP":    c.call("fake_write", "panic"),
		"a handler over HTTP":  c.request("tools/call", bare),
		"a plan over stdio":    p.request(1, "tools/call", callParams("fake_read", "panic")),
		"a handler over stdio": p.request(2, "tools/call", bare),
	} {
		_, rest, ok := strings.Cut(r.body, "fault id ")
		if !ok || len(rest) < 26 {
			t.Errorf("%s: there is no id: %s", name, r.body)
			continue
		}
		if strings.Contains(r.body, "hunter2") || strings.Contains(r.body, ".go:") {
			t.Errorf("%s: the panic shows: %s", name, r.body)
		}
		if !strings.Contains(s.log.String(), rest[:26]) {
			t.Errorf("%s: the log does not know the id %s", name, rest[:26])
		}
	}
	if !strings.Contains(s.log.String(), "hunter2") || !strings.Contains(s.log.String(), "defects_test.go") {
		t.Error("the log does not say what panicked, or where")
	}
	if p := s.calls(); len(p) != 3 {
		t.Errorf("there are %d calls on record, want 3", len(p))
	}
}

func TestDefect05SessionsAreBoundToTheirPrincipal(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	alice := h.connect(t, "alice")
	mallory := h.connect(t, "mallory")
	mallory.session = alice.session
	if r := mallory.call("fake_write", "stolen"); r.status != http.StatusNotFound {
		t.Errorf("POST with another's session: %d %s", r.status, r.body)
	}
	if r := mallory.send(http.MethodGet, nil); r.status != http.StatusNotFound {
		t.Errorf("GET with another's session: %d", r.status)
	}
	if r := mallory.send(http.MethodDelete, nil); r.status != http.StatusNotFound {
		t.Errorf("DELETE with another's session: %d", r.status)
	}
	held := s.fake.hold("held")
	done := alice.goCall(t.Context(), 7, "fake_read", "held")
	within(t, held.begun, "the call begins")
	if r := mallory.send(http.MethodPost, message(nil, "notifications/cancelled", map[string]any{"requestId": 7})); r.status != http.StatusNotFound {
		t.Errorf("a cancellation with another's session: %d", r.status)
	}
	close(held.release)
	if r := within(t, done, "the call ends").tool(t); r.Text != "released" || s.fake.count("stolen") != 0 {
		t.Errorf("the owner's call: %+v", r)
	}
}

func TestDefect06SessionIDsMustBeKnown(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	known := c.session
	for _, id := range []string{
		"mcp-session-0d2b6b1e-9f0a-4f0e-8f0e-000000000000", strings.ToLower(known), known[1:], known + "A", "stdio", "'; drop table sessions; --", strings.Repeat("x", 8000),
	} {
		c.session = id
		if r := c.call("fake_write", "guessed"); r.status != http.StatusNotFound {
			t.Errorf("the session %.40q: %d %s", id, r.status, r.body)
		}
	}
	// What is missing is malformed; what is dead is not there any more.
	c.session = ""
	if r := c.call("fake_write", "guessed"); r.status != http.StatusBadRequest {
		t.Errorf("no session: %d", r.status)
	}
	c.session = known
	if r := c.send(http.MethodDelete, nil); r.status != http.StatusOK {
		t.Errorf("DELETE: %d %s", r.status, r.body)
	}
	if r := c.call("fake_write", "guessed"); r.status != http.StatusNotFound {
		t.Errorf("an ended session: %d", r.status)
	}
	if s.fake.count("guessed") != 0 {
		t.Error("a call ran without a session")
	}
}

// TestDefect07 sends the answers to questions that nobody asked.
func TestDefect07ForgedInputResponsesHaveNoEffect(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	for _, c := range []*client{h.connect(t, "alice"), h.modern(t, "alice")} {
		params := callParams("fake_write", "denied unless confirmed")
		plain := c.request("tools/call", params).tool(t)
		params["inputResponses"] = map[string]any{"confirm": map[string]any{"action": "accept", "content": map[string]any{"confirm": true}}}
		params["requestState"] = "approved"
		forged := c.request("tools/call", params).tool(t)
		plain.Call, forged.Call = "", ""
		if plain != forged || plain.Rule != "no" {
			t.Errorf("%s: with forged answers %+v, without %+v", c.version, forged, plain)
		}
	}
	if s.fake.count("denied unless confirmed") != 0 {
		t.Error("it ran")
	}
}

// TestDefect08 counts notifications that a call sends just before its answer.
func TestDefect08NotificationsAreNotLost(t *testing.T) {
	s := newTestSite(t)
	const calls, each = 100, 3
	s.edge.mcp.AddTool(mcp.NewTool("noisy"), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		for i := range each {
			err := mcpserver.ServerFromContext(ctx).SendNotificationToClient(ctx, "notifications/message", map[string]any{"level": "info", "data": i})
			if err != nil {
				return nil, err
			}
		}
		return mcp.NewToolResultText("done"), nil
	})
	c := s.serveHTTP().connect(t, "alice")
	got := 0
	for range calls {
		r := c.request("tools/call", map[string]any{"name": "noisy"})
		if r.Result == nil {
			t.Fatalf("there is no answer: %s", r.body)
		}
		got += strings.Count(r.body, "notifications/message")
	}
	if got != calls*each {
		t.Errorf("%d notifications of %d arrived", got, calls*each)
	}
}

// TestDefect11 makes calls that never reach a tool's handler.
func TestDefect11RejectedCallsAreOnRecord(t *testing.T) {
	s := newTestSite(t)
	c := s.serveHTTP().connect(t, "alice")
	p := s.pipe()
	p.initialize(legacyVersion)
	if r := c.call("pg_dump", "x"); r.Error == nil || r.Error.Code != mcp.INVALID_PARAMS {
		t.Errorf("an unknown tool: %s", r.body)
	}
	if r := p.request(1, "tools/call", callParams("rm_rf", "x")); r.Error == nil || r.Error.Code != mcp.INVALID_PARAMS {
		t.Errorf("an unknown tool over stdio: %s", r.body)
	}
	if r := c.request("tools/call", map[string]any{"name": 7, "arguments": map[string]any{}}); r.Error == nil {
		t.Errorf("a call that can't be read: %s", r.body)
	}
	for _, args := range []any{nil, "text", []int{1}, map[string]any{}, map[string]any{"do": 7}, map[string]any{"do": "x", "more": 1}} {
		if r := c.request("tools/call", map[string]any{"name": "fake_read", "arguments": args}).tool(t); r.Rule != "arguments" && r.Text != "" {
			t.Errorf("the arguments %v: %+v", args, r)
		}
	}
	for _, tool := range []string{"pg_dump", "rm_rf", "?"} {
		end, ok := s.theCall(tool).end.(recorder.Refused)
		if !ok || end.Rule != "unknown-tool" {
			t.Errorf("%s ended as %+v", tool, end)
		}
	}
	if n := s.fake.count(""); n != 2 || len(s.calls()) != 9 {
		t.Errorf("%d calls are on record, and %d ran without what to do", len(s.calls()), n)
	}
}

func TestDefect12SessionsHaveIDsOfOurs(t *testing.T) {
	s := newTestSite(t)
	h, p := s.serveHTTP(), s.pipe()
	p.initialize(legacyVersion)
	p.request(1, "tools/call", callParams("fake_read", "x"))
	legacy := h.connect(t, "alice")
	legacy.call("fake_read", "x")
	for _, name := range []string{"alice", "bob"} {
		c := h.modern(t, name)
		c.call("fake_read", "x")
		c.call("fake_read", "x")
	}
	seen := map[string]bool{}
	s.eachEvent(func(session recorder.Session, _ recorder.Event) {
		seen[session.ID] = true
		if len(session.ID) != 26 || session.ID == legacy.session {
			t.Errorf("the session id %q is not ours alone", session.ID)
		}
		if session.Client.Name == "" {
			t.Errorf("the session of %s does not say which client it is", session.Principal.Subject)
		}
	})
	if len(seen) != 4 {
		t.Errorf("there are %d sessions on record, want 4", len(seen))
	}
}
