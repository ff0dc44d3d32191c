package server

import (
	"context"
	"encoding/json"
	"sync"
)

// calls are the requests under way. They end when the client cancels them by
// name or when the edge gives up at shutdown, and not when a connection breaks:
// what a call did must reach the record whether or not anybody still listens.
type calls struct {
	mu  sync.Mutex
	all map[*inflight]struct{}
	// stopped says that the edge has given up.
	stopped bool
}

// inflight is one request. It exists from when the edge has read it, so that a
// cancellation that overtakes its start still counts.
type inflight struct {
	owner *session
	id    string
	// free ends only by cancel.
	free   context.Context
	cancel context.CancelFunc
}

func newCalls() *calls { return &calls{all: map[*inflight]struct{}{}} }

type inflightKey struct{}

// begin notes a request by its JSON-RPC id within a session. end is to be
// called when it has been answered.
func (c *calls) begin(ctx context.Context, owner *session, id json.RawMessage) (_ context.Context, end func()) {
	f := &inflight{owner: owner, id: string(id)}
	f.free, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[f] = struct{}{}
	if c.stopped {
		f.cancel()
	}
	return context.WithValue(ctx, inflightKey{}, f), func() {
		f.cancel()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.all, f)
	}
}

// detach returns the context by which a request's call runs. A request that was
// not noted is one that nobody could cancel: it does not run.
func (c *calls) detach(ctx context.Context) context.Context {
	if f, ok := ctx.Value(inflightKey{}).(*inflight); ok {
		return f.free
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	return ended
}

// cancel ends the requests of a session that have the id.
func (c *calls) cancel(owner *session, id json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for f := range c.all {
		if f.owner == owner && f.id == string(id) {
			f.cancel()
		}
	}
}

// stop ends all requests, and those that come later.
func (c *calls) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for f := range c.all {
		f.cancel()
	}
}
