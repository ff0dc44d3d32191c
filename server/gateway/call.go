package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/tools"
)

// Incoming is a call as a client sent it.
type Incoming struct {
	Tool string
	// Args is the JSON object of arguments, as the client wrote it.
	Args json.RawMessage
	// Confirm asks the caller's own person; nil where the client can't.
	Confirm func(ctx context.Context, question string) (Answer, error) `json:"-"`
	// Ticket is an answer that the client brings along.
	Ticket Ticket `json:"-"`
	// Progress lets the client know that the call still waits; nil tells nobody.
	Progress func(n int, message string) `json:"-"`
	// Stream shows the client what a long run writes, as it comes, after it was
	// recorded; nil shows nothing.
	Stream func(stream, lines string) `json:"-"`
}

// call is what is known of one call on its way.
type call struct {
	id      string
	session *Session
	in      Incoming
	at      time.Time

	// From here on, as far as the call has come.
	tool Tool
	// decider is the policy that was in force when the call was opened. One and
	// the same says which facts are wanted and judges by them.
	decider    Decider
	connection Connection
	reason     string
	request    tools.Request
	// bound is what a cursor is valid for.
	bound string

	isDescribed bool
	action      tools.Action
	input       *policy.Input
	isDecided   bool
	decision    policy.Decision
	masker      tools.Masker
	preview     *tools.Preview
	// confirmed is what the caller's own person said.
	confirmed string
	// approval is the request that the call waits for, or goes on by.
	approval *approval.Request
	// hides says that a mask applies to an action that was judged on the way.
	hides atomic.Bool
	// tried are the actions that were judged while the call was described. They
	// go on record with its description.
	tried tried
	// started is when the run began; nothing has run while it is zero.
	started time.Time
	// streams is what the run has written so far.
	streams streams
	noted   bool
	// cause is why the call's context ended; nil until the call is let in.
	cause func() error
	shown shown
}

// tried are events of a call that may come from several goroutines.
type tried struct {
	mu     sync.Mutex
	events []recorder.Event
}

func (t *tried) add(e recorder.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, e)
}

func (t *tried) all() []recorder.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.events)
}

// shown is what others may see of the call while it is under way.
type shown struct {
	mu         sync.Mutex
	connection string
	tool       string
	doing      string
}

// opened notes where the call goes.
func (c *call) opened() {
	c.shown.mu.Lock()
	defer c.shown.mu.Unlock()
	c.shown.connection, c.shown.tool = c.connection.Name, c.tool.Name
}

// describedAs notes what the call does.
func (c *call) describedAs(a tools.Action) {
	c.action, c.isDescribed = a, true
	c.shown.mu.Lock()
	defer c.shown.mu.Unlock()
	c.shown.doing = a.Blank
}

// seen is the call as others see it.
func (c *call) seen() Running {
	c.shown.mu.Lock()
	defer c.shown.mu.Unlock()
	return Running{
		ID: c.id, Session: c.session.ID, Tool: c.shown.tool, Connection: c.shown.connection,
		Principal: c.session.Principal, Doing: clip(c.shown.doing, maxText), Since: c.at,
	}
}

// freezeCaller is the call as a freeze knows it.
func (c *call) freezeCaller() freeze.Caller {
	seen := c.seen()
	return freeze.Caller{Subject: seen.Principal.Subject, Session: seen.Session, Connection: seen.Connection}
}

// changes reports whether the call may have taken effect by now.
func (c *call) changes() bool { return !c.started.IsZero() && c.action.Effect != tools.Read }

// took is how long the call ran, or was on its way where nothing ran.
func (c *call) took(now time.Time) time.Duration {
	if c.started.IsZero() {
		return now.Sub(c.at)
	}
	return now.Sub(c.started)
}

// touchesMasked reports whether the call's text may hold a value that policy
// hides: then the record keeps it without constants, and errors go without
// values. A call that policy did not get to judge counts as one.
func (c *call) touchesMasked() bool {
	if !c.isDecided || c.decision.Fault != "" || c.hides.Load() {
		return true
	}
	return c.masker.Mask(c.action.Origins) != nil
}
