package gateway

import (
	"bytes"
	"encoding/json"
)

// Status says how a call ended.
type Status string

// The ways for a call to end. The zero value is none of them.
const (
	// OK: it ran, and Result holds what it yielded.
	OK Status = "ok"
	// Described: a dry run; nothing ran.
	Described Status = "described"
	// Refused: nothing ran.
	Refused Status = "refused"
	// Failed: it ran and the target refused or stopped it.
	Failed Status = "failed"
	// Pending: nothing ran yet; it waits for people.
	Pending Status = "pending"
	// Asking: nothing ran yet; the client is to ask its person.
	Asking Status = "asking"
	// Ambiguous: it may have taken effect; nobody knows.
	Ambiguous Status = "ambiguous"
)

// Reply is what the caller learns of a call.
type Reply struct {
	Status Status `json:"status"`
	// Message says in a sentence what happened and what to do, unless the
	// call simply went well.
	Message string `json:"message,omitempty"`
	// Call is the id under which the call is in the record.
	Call string `json:"call"`
	// Rule is what refused.
	Rule string `json:"rule,omitempty"`
	Hint string `json:"hint,omitempty"`
	// Code is the target's own, such as an SQLSTATE.
	Code string `json:"code,omitempty"`
	// Position counts characters of the statement from 1.
	Position int `json:"position,omitempty"`
	// Later says that the same call may pass another time.
	Later bool `json:"later,omitempty"`
	// Approval is the request that a pending call waits for, Until when.
	Approval string `json:"approval_id,omitempty"`
	Until    string `json:"until,omitempty"`
	// Ticket comes back with the answer to a question.
	Ticket string `json:"-"`
	// NextCursor leads to the rest of a result that was cut.
	NextCursor string `json:"next_cursor,omitempty"`
	// Result is the JSON object that the tool's output schema describes.
	Result json.RawMessage `json:"-"`
}

// Error reports whether the call did not do what was asked.
func (r Reply) Error() bool {
	return r.Status != OK && r.Status != Described && r.Status != Pending && r.Status != Asking
}

// JSON is the reply and the members of its result, in one object.
func (r Reply) JSON() []byte { return bytes.Join(r.Pieces(), nil) }

// Pieces are JSON in pieces, one behind the other, of which the last is part of
// Result: that may be large, and is not copied.
func (r Reply) Pieces() [][]byte {
	// A struct of strings and numbers always marshals.
	head, _ := json.Marshal(r)
	if len(r.Result) <= len("{}") {
		return [][]byte{head}
	}
	head[len(head)-1] = ','
	return [][]byte{head, r.Result[1:]}
}
