package gateway

import (
	"encoding/json"
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
	tool       Tool
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
	started     time.Time
	noted       bool
}

// touchesMasked reports whether the call's text may hold a value that policy
// hides: then the record keeps it without constants, and errors go without
// values. A call that policy did not get to judge counts as one.
func (c *call) touchesMasked() bool {
	if !c.isDecided || c.decision.Fault != "" {
		return true
	}
	return c.masker.Mask(c.action.Origins) != nil
}
