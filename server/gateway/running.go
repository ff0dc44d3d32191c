package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/tools"
)

// Running is a call that is under way.
type Running struct {
	ID, Session, Tool, Connection string
	Principal                     policy.Principal
	// Doing is what the call does, without constants where they may be hidden.
	Doing string
	Since time.Time
}

// running are the calls under way, and how to break them off.
type running struct {
	mu  sync.Mutex
	all map[string]broken
}

type broken struct {
	call   *call
	cancel context.CancelCauseFunc
}

// stopError says which rule broke a call off, and why.
type stopError struct{ rule, reason string }

func (e stopError) Error() string { return e.reason }

// enter notes a call. The context that it returns ends when the call is broken
// off; end is to be called when it has come to its end.
func (r *running) enter(ctx context.Context, c *call) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[c.id] = broken{c, cancel}
	c.cause = func() error { return context.Cause(ctx) }
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.all, c.id)
		cancel(nil)
	}
}

// brokenOff says who broke the call off, if somebody did.
func (c *call) brokenOff() (by stopError, ok bool) {
	if c.cause == nil {
		return by, false
	}
	ok = errors.As(c.cause(), &by)
	return by, ok
}

// Running lists the calls under way in this process, the oldest first.
func (g *Gateway) Running() []Running {
	g.running.mu.Lock()
	defer g.running.mu.Unlock()
	var out []Running
	for _, b := range g.running.all {
		out = append(out, b.call.seen())
	}
	slices.SortFunc(out, func(a, b Running) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Stop breaks a call off. It reports whether there was one. The target is told
// to stop what it does for the call.
func (g *Gateway) Stop(ctx context.Context, id string, by policy.Principal, why string) (bool, error) {
	g.running.mu.Lock()
	b, ok := g.running.all[id]
	g.running.mu.Unlock()
	if !ok {
		return false, nil
	}
	if err := g.config.Record.Append(ctx, b.call.event(g.now(), recorder.Stopped{By: by, Why: why})); err != nil {
		return true, err
	}
	b.cancel(stopError{"stopped", stoppedBy(by, why)})
	return true, nil
}

func stoppedBy(p policy.Principal, why string) string {
	if why == "" {
		return "it was stopped by " + nameOf(p)
	}
	return "it was stopped by " + nameOf(p) + ": " + why
}

// Freezing breaks off what is frozen, until ctx ends.
func (g *Gateway) Freezing(ctx context.Context) {
	if g.config.Frozen == nil {
		return
	}
	for {
		changed := g.config.Frozen.Changes()
		g.running.mu.Lock()
		for _, b := range g.running.all {
			if r := g.frozen(b.call); r != nil {
				b.cancel(stopError{r.Rule, r.Reason})
			}
		}
		g.running.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// unfrozen refuses a call that a freeze covers.
func (g *Gateway) unfrozen(c *call) error {
	if r := g.frozen(c); r != nil {
		return r
	}
	return nil
}

// frozen is the refusal of a call that a freeze covers, or nil.
func (g *Gateway) frozen(c *call) *tools.Refusal {
	if g.config.Frozen == nil {
		return nil
	}
	f, ok := g.config.Frozen.Find(c.freezeCaller())
	if !ok {
		return nil
	}
	r := &tools.Refusal{Rule: "frozen", Reason: fmt.Sprintf("%s is frozen", what(f)), Hint: "wait until it is thawed", Later: true}
	if f.By.Valid() {
		r.Reason += " by " + nameOf(f.By)
	}
	if f.Why != "" {
		r.Reason += ": " + f.Why
	}
	return r
}

func what(f freeze.Freeze) string {
	if f.Scope == freeze.Everything {
		return "everything"
	}
	return fmt.Sprintf("the %s %s", f.Scope, f.Name)
}

// Frozen says what is frozen.
type Frozen interface {
	Find(c freeze.Caller) (freeze.Freeze, bool)
	Changes() <-chan struct{}
}
