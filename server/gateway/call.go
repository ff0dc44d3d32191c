package gateway

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/tools"
)

// Incoming is a call as a client sent it.
type Incoming struct {
	Tool string
	// Args is the JSON object of arguments, as the client wrote it.
	Args json.RawMessage
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
	// hides says that a mask applies to an action that was judged on the way.
	hides atomic.Bool
	// started is when the run began; nothing has run while it is zero.
	started time.Time
	noted   bool
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
