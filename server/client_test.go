package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

const legacyVersion, modernVersion = "2025-11-25", "2026-07-28"

// client is an MCP client over HTTP that sends what it is told to.
type client struct {
	t       testing.TB
	http    *http.Client
	url     string
	token   string
	version string
	session string
	name    string
	next    atomic.Int64
}

// client makes a client that has not said a word yet.
func (h *served) client(t testing.TB, name string) *client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{t: t, http: &http.Client{Transport: transport}, url: "http://" + h.address + "/mcp", token: name + "-token", version: legacyVersion, name: "test"}
}

// connect makes a client with a session.
func (h *served) connect(t testing.TB, name string) *client {
	t.Helper()
	c := h.client(t, name)
	c.initialize()
	return c
}

// modern makes a client of the protocol that has no sessions.
func (h *served) modern(t testing.TB, name string) *client {
	t.Helper()
	c := h.client(t, name)
	c.version = modernVersion
	return c
}

func (c *client) initialize() rpcReply {
	c.t.Helper()
	r := c.request("initialize", map[string]any{"protocolVersion": c.version, "capabilities": map[string]any{}, "clientInfo": map[string]string{"name": c.name, "version": "1"}})
	if r.Error != nil || r.status != http.StatusOK {
		c.t.Fatalf("initialize: %d %v", r.status, r.Error)
	}
	c.session = r.header.Get("Mcp-Session-Id")
	if s := c.send(http.MethodPost, message(nil, "notifications/initialized", nil)); s.status != http.StatusAccepted {
		c.t.Fatalf("initialized: %d %s", s.status, s.body)
	}
	return r
}

// rpcReply is what came back of a request.
type rpcReply struct {
	status int
	header http.Header
	body   string

	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// tool is the reply of a tool, as every tool gives it.
func (r rpcReply) tool(t testing.TB) toolReply {
	t.Helper()
	var result struct {
		Content           []struct{ Type, Text string }
		StructuredContent toolReply
		IsError           bool
	}
	if r.Error != nil || json.Unmarshal(r.Result, &result) != nil {
		t.Fatalf("there is no result: %d %s", r.status, r.body)
	}
	result.StructuredContent.isError = result.IsError
	return result.StructuredContent
}

type toolReply struct {
	Status, Message, Call, Rule, Hint, Text string
	Later                                   bool
	isError                                 bool
}

// message is a JSON-RPC message; without an id it is a notification.
func message(id any, method string, params any) []byte {
	m := map[string]any{"jsonrpc": "2.0", "method": method}
	if id != nil {
		m["id"] = id
	}
	if params != nil {
		m["params"] = params
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return data
}

// request sends a request with an id of its own and waits for the answer.
func (c *client) request(method string, params map[string]any) rpcReply {
	c.t.Helper()
	return c.requestAs(c.next.Add(1), method, params)
}

func (c *client) requestAs(id any, method string, params map[string]any) rpcReply {
	c.t.Helper()
	r := c.try(c.t.Context(), http.MethodPost, c.message(id, method, params), c.headers(method, params))
	if r.status == 0 {
		c.t.Fatalf("%s: %s", method, r.body)
	}
	return r
}

// message is a message as the client's protocol has it.
func (c *client) message(id any, method string, params map[string]any) []byte {
	if c.version < modernVersion {
		return message(id, method, params)
	}
	all := map[string]any{"_meta": map[string]any{
		"io.modelcontextprotocol/protocolVersion":    c.version,
		"io.modelcontextprotocol/clientInfo":         map[string]string{"name": c.name, "version": "1"},
		"io.modelcontextprotocol/clientCapabilities": map[string]any{},
	}}
	for k, v := range params {
		all[k] = v
	}
	return message(id, method, all)
}

func (c *client) headers(method string, params map[string]any) map[string]string {
	h := map[string]string{"MCP-Protocol-Version": c.version, "Mcp-Session-Id": c.session}
	if method == "initialize" {
		delete(h, "MCP-Protocol-Version")
	}
	if c.version >= modernVersion {
		h["Mcp-Method"] = method
		if name, ok := params["name"].(string); ok {
			h["Mcp-Name"] = name
		}
	}
	return h
}

// call calls a tool of the fake target.
func (c *client) call(tool, do string) rpcReply {
	c.t.Helper()
	return c.request("tools/call", callParams(tool, do))
}

func callParams(tool, do string) map[string]any {
	return map[string]any{"name": tool, "arguments": map[string]any{"do": do}}
}

// send sends a body with the client's usual headers.
func (c *client) send(method string, body []byte, headers ...string) rpcReply {
	c.t.Helper()
	h := map[string]string{"MCP-Protocol-Version": c.version, "Mcp-Session-Id": c.session}
	for i := 0; i+1 < len(headers); i += 2 {
		h[headers[i]] = headers[i+1]
	}
	r := c.try(c.t.Context(), method, body, h)
	if r.status == 0 {
		c.t.Fatalf("%s: %s", method, r.body)
	}
	return r
}

// try sends a body. The status of what fails on the way is 0.
func (c *client) try(ctx context.Context, method string, body []byte, headers map[string]string) (r rpcReply) {
	request, err := http.NewRequestWithContext(ctx, method, c.url, bytes.NewReader(body))
	if err != nil {
		return rpcReply{body: err.Error()}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	request.Header.Set("Authorization", "Bearer "+c.token)
	for name, value := range headers {
		if value == "" {
			request.Header.Del(name)
			continue
		}
		request.Header.Set(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return rpcReply{body: err.Error()}
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return rpcReply{body: err.Error()}
	}
	return readReply(response, data)
}

func readReply(response *http.Response, data []byte) rpcReply {
	r := rpcReply{status: response.StatusCode, header: response.Header, body: string(data)}
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		_ = json.Unmarshal(data, &r)
		return r
	}
	for _, m := range events(data) {
		var reply rpcReply
		if json.Unmarshal(m, &reply) == nil && reply.ID != nil {
			r.ID, r.Result, r.Error = reply.ID, reply.Result, reply.Error
		}
	}
	return r
}

// events are the messages of an event stream.
func events(stream []byte) (messages [][]byte) {
	for lines := bufio.NewScanner(bytes.NewReader(stream)); lines.Scan(); {
		if data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: ")); ok {
			messages = append(messages, bytes.Clone(data))
		}
	}
	return messages
}

// goCall calls a tool without waiting.
func (c *client) goCall(ctx context.Context, id any, tool, do string) <-chan rpcReply {
	done := make(chan rpcReply, 1)
	params := callParams(tool, do)
	go func() {
		done <- c.try(ctx, http.MethodPost, c.message(id, "tools/call", params), c.headers("tools/call", params))
	}()
	return done
}

// cancel sends the notification that cancels a request.
func (c *client) cancel(id any) {
	c.t.Helper()
	params := map[string]any{"requestId": id, "reason": "test"}
	r := c.try(c.t.Context(), http.MethodPost, c.message(nil, "notifications/cancelled", params), c.headers("notifications/cancelled", params))
	if r.status != http.StatusAccepted {
		c.t.Fatalf("cancel: %d %s", r.status, r.body)
	}
}

// listen opens the stream on which a server may send messages, until the
// returned function is called.
func (c *client) listen() (response *http.Response, hangUp func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		cancel()
		return nil, nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Mcp-Session-Id", c.session)
	response, err = c.http.Do(request)
	if err != nil {
		cancel()
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	return response, func() { cancel(); _ = response.Body.Close() }, nil
}
