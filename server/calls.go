package server

import (
	"context"
	"sync"
	"sync/atomic"
)

// calls are the requests under way. They end when the client cancels them or
// when the edge gives up at shutdown, and not when a connection breaks: what a
// call did must reach the record whether or not anybody still listens.
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
	id    requestID
	// free ends only by cancel.
	free   context.Context
	cancel context.CancelFunc
	// spliced is its result, once it has one.
	spliced atomic.Pointer[spliced]
}

func newCalls() *calls { return &calls{all: map[*inflight]struct{}{}} }

type inflightKey struct{}

// requestOf is the request that is handled in ctx, or nil.
func requestOf(ctx context.Context) *inflight {
	f, _ := ctx.Value(inflightKey{}).(*inflight)
	return f
}

// begin notes a request by its id within a session. end is to be called when it
// has been answered.
//
// The protocol of 2026-07-28 has no other way to cancel over HTTP than to hang
// up, and demands that it counts. There, and only there, the end of the
// connection ends the call.
func (c *calls) begin(ctx context.Context, owner *session, id requestID) (_ context.Context, end func()) {
	f := &inflight{owner: owner, id: id}
	f.free, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if owner.hangUpCancels {
		context.AfterFunc(ctx, f.cancel)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[f] = struct{}{}
	if c.stopped || owner.early.take(id) {
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
	if f := requestOf(ctx); f != nil {
		return f.free
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	return ended
}

// cancel ends the request of a session that has the id. Over HTTP the
// cancellation may come before the request does; then it is kept for it.
func (c *calls) cancel(owner *session, id requestID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := false
	for f := range c.all {
		if f.owner == owner && f.id == id {
			f.cancel()
			found = true
		}
	}
	if !found && owner.transport == overHTTP {
		owner.early.put(id)
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

// early are the ids of requests that were cancelled before they came, or after
// they had ended: a client uses an id once, so that the latter do no harm. They
// belong to a session, and the lock of calls guards them.
type early struct{ ids []requestID }

// maxEarly is how many of them a session keeps.
const maxEarly = 16

func (e *early) put(id requestID) {
	if id == "" {
		return
	}
	if len(e.ids) == maxEarly {
		e.ids = e.ids[1:]
	}
	e.ids = append(e.ids, id)
}

// take reports whether the request was cancelled early, once.
func (e *early) take(id requestID) bool {
	for i, known := range e.ids {
		if known == id {
			e.ids = append(e.ids[:i], e.ids[i+1:]...)
			return true
		}
	}
	return false
}
