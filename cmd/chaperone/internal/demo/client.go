package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// Client is a small MCP client over Streamable HTTP, as an agent has one. Its
// methods are safe for concurrent use.
type Client struct {
	url, token string
	session    string
	id         atomic.Int64
}

// Reply is what a tool answered.
type Reply struct {
	Text       string
	Structured json.RawMessage
	IsError    bool
}

// Connect initializes a session.
func Connect(ctx context.Context, url, token string) (*Client, error) {
	c := &Client{url: url, token: token}
	params := map[string]any{
		"protocolVersion": protocol, "capabilities": struct{}{},
		"clientInfo": map[string]string{"name": "demo agent", "version": "1"},
	}
	if _, err := c.request(ctx, "initialize", params); err != nil {
		return nil, err
	}
	return c, c.send(ctx, map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"}, nil)
}

const protocol = "2025-11-25"

// Call calls a tool.
func (c *Client) Call(ctx context.Context, tool string, args map[string]any) (Reply, error) {
	data, err := c.request(ctx, "tools/call", map[string]any{"name": tool, "arguments": args})
	if err != nil {
		return Reply{}, err
	}
	var result struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
		Structured json.RawMessage `json:"structuredContent"`
		IsError    bool            `json:"isError"`
	}
	if err := json.Unmarshal(data, &result); err != nil {
		return Reply{}, err
	}
	reply := Reply{Structured: result.Structured, IsError: result.IsError}
	for _, part := range result.Content {
		reply.Text += part.Text
	}
	return reply, nil
}

// Ping asks whether the server is there.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.request(ctx, "ping", nil)
	return err
}

// Close ends the session.
func (c *Client) Close(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodDelete, c.url, nil)
	if err != nil {
		return err
	}
	c.head(r)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// request makes one request and returns its result.
func (c *Client) request(ctx context.Context, method string, params any) (json.RawMessage, error) {
	id := c.id.Add(1)
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := c.send(ctx, map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params}, &answer); err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("%s: %s", method, answer.Error.Message)
	}
	return answer.Result, nil
}

func (c *Client) head(r *http.Request) {
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if c.session != "" {
		r.Header.Set("Mcp-Session-Id", c.session)
		r.Header.Set("Mcp-Protocol-Version", protocol)
	}
}

// send posts a message and reads the answer, if there is to be one.
func (c *Client) send(ctx context.Context, message map[string]any, into any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	c.head(r)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	// The session is given once, in the answer to initialize.
	if id := response.Header.Get("Mcp-Session-Id"); id != "" && c.session == "" {
		c.session = id
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	switch {
	case err != nil:
		return err
	case response.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("the gateway answered %s", response.Status)
	case into == nil:
		return nil
	}
	return json.Unmarshal(data, into)
}
