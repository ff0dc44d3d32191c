package tools

import (
	"context"
	"encoding/json"
	"slices"
)

// Request is what a caller asked of one tool on one connection.
type Request struct {
	// Tool is one of the family's tool names.
	Tool string
	// Args is a JSON object with the tool's own arguments. It is valid JSON
	// without repeated names, and otherwise as the caller wrote it.
	Args json.RawMessage
	// Resume is where an earlier result said that it goes on, or "".
	Resume string
	// DryRun asks for a description only; the plan will not be run.
	DryRun bool
	// Caller is whom the call is made for, for targets that are told.
	Caller Caller
	// Gate judges what has to be asked of the target before the call can be
	// described, such as a rehearsal; nil lets nothing be asked. It allows what
	// policy does not deny: people are asked about the call as a whole.
	Gate Gate
	// Wanted says whether a fact that costs a visit to the target, such as
	// "estimated_rows", is wanted. Nil wants none.
	Wanted func(fact string) bool
	// Key is for digests of what policy may mask, the same in every process.
	Key [32]byte
}

// Caller is the principal of a call, as far as a target may be told.
type Caller struct {
	Subject string
	Groups  []string
}

// Wants reports whether one of the costly facts is wanted.
func (r Request) Wants(facts ...string) bool {
	return r.Wanted != nil && slices.ContainsFunc(facts, r.Wanted)
}

// Plan is a described call, ready to run at most once.
type Plan interface {
	// Action returns the facts. They do not change.
	Action() Action
	// Run does exactly what Action describes, within the limits. Its errors
	// are *Refusal when nothing ran (ErrMoved among them) and *Failure
	// otherwise; any other error counts as a failure whose text nobody sees.
	// When ctx ends, Run stops the work on the target before it returns.
	Run(ctx context.Context, gate Gate, limits Limits) (Result, error)
}

// Gate judges actions that a plan discovers while it runs.
type Gate interface {
	// Judge returns one verdict for each action, in order, after they have
	// been recorded. What is not allowed must not go out.
	Judge(ctx context.Context, actions []Action) ([]Verdict, error)
	// Masker applies to what the plan's own action reads, where the plan has
	// to know before it can print. It is never nil.
	Masker() Masker
	// Stream records a piece of what a long run writes, as it comes, and shows it
	// to a caller who looks on; stream says where it was written: "stdout". Pieces
	// are whole lines, but for the last. They are scrubbed here; the result holds
	// all of them once more. An error ends the run.
	Stream(stream, lines string) error
}

// Verdict is the answer of a Gate to one action.
type Verdict struct {
	Allowed bool
	// Masker applies to what the action reads. It is never nil where the action is
	// allowed.
	Masker Masker
	// Refusal says why the action is not allowed; it may be nil.
	Refusal *Refusal
}

// Result is what a plan yields. The gateway masks it before it is recorded or
// sent, and the record and the caller get the same bytes.
type Result interface {
	// MarshalJSON writes the object that the tool's output schema describes.
	json.Marshaler
	// Mask replaces every value whose origins the masker names, and passes
	// every other text through scrub.
	Mask(m Masker, scrub Scrub)
	// Stats counts what the run read and changed.
	Stats() Stats
	// Next says where a further call can go on, or "" when this is all.
	Next() string
}

// Stats are counts for a session's totals.
type Stats struct {
	RowsRead       int64 `json:"rows_read,omitempty"`
	RowsChanged    int64 `json:"rows_changed,omitempty"`
	ObjectsDeleted int64 `json:"objects_deleted,omitempty"`
}

// Masker decides what becomes of a value by where it came from.
type Masker interface {
	// Mask returns what to do with a value of these origins; nil leaves it.
	Mask(Origins) Mask
}

// Scrub returns text without any secret that can be known by its form. It is
// the same text when there is none.
type Scrub func(text string) string

// Mask hides a value.
type Mask interface {
	// Name is the policy's word for it: "redact", "null", "hash", "partial".
	Name() string
	// Apply returns what stands in the value's place; ok is false when that
	// is a null.
	Apply(value string) (masked string, ok bool)
}
