package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
)

// stdioPeer is the one client of standard input, as mcp-go knows it. It
// implements mcp-go's ClientSession.
type stdioPeer struct {
	notifications chan mcp.JSONRPCNotification
	initialized   atomic.Bool

	// requests are those of ours that go out; answers are awaited by their id.
	requests chan mcp.JSONRPCRequest
	mu       sync.Mutex
	last     int64
	answers  map[requestID]chan<- json.RawMessage
}

func newStdioPeer() *stdioPeer {
	return &stdioPeer{
		notifications: make(chan mcp.JSONRPCNotification, 64), requests: make(chan mcp.JSONRPCRequest),
		answers: map[requestID]chan<- json.RawMessage{},
	}
}

// RequestElicitation implements mcp-go's SessionWithElicitation.
func (p *stdioPeer) RequestElicitation(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	answer := make(chan json.RawMessage, 1)
	p.mu.Lock()
	p.last++
	id := p.last
	key := requestID(fmt.Sprintf("n%d", id))
	p.answers[key] = answer
	p.mu.Unlock()
	defer p.forget(key)
	request := mcp.JSONRPCRequest{JSONRPC: mcp.JSONRPC_VERSION, ID: mcp.NewRequestId(id), Request: r.Request, Params: r.Params}
	select {
	case p.requests <- request:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case data := <-answer:
		var result mcp.ElicitationResult
		if err := json.Unmarshal(data, &result); err != nil {
			return nil, errNoAnswer
		}
		return &result, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errNoAnswer = errors.New("the client did not answer the question")

func (p *stdioPeer) forget(id requestID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.answers, id)
}

// answered hands a response to whoever waits for it. One that nobody waits for
// is dropped.
func (p *stdioPeer) answered(id requestID, result json.RawMessage) {
	p.mu.Lock()
	answer := p.answers[id]
	delete(p.answers, id)
	p.mu.Unlock()
	if answer != nil {
		answer <- result
	}
}

// SessionID implements ClientSession. Nothing of ours is keyed on it.
func (p *stdioPeer) SessionID() string { return overStdio }

// NotificationChannel implements ClientSession.
func (p *stdioPeer) NotificationChannel() chan<- mcp.JSONRPCNotification { return p.notifications }

// Initialize implements ClientSession.
func (p *stdioPeer) Initialize() { p.initialized.Store(true) }

// Initialized implements ClientSession.
func (p *stdioPeer) Initialized() bool { return p.initialized.Load() }
