package tools

import "errors"

// Refusal says why a call did not run. All its texts are for the caller: they
// hold no secret, and nothing of the target that the caller may not see.
type Refusal struct {
	// Rule is the name of what refused: a policy rule, or one of ours.
	Rule string
	// Reason says what is wrong, in one sentence.
	Reason string
	// Hint is the nearest thing that would pass, or what to do; may be "".
	Hint string
	// Later says that the same call may pass another time. Otherwise it is
	// refused as often as it is made.
	Later bool
	// Blank is the call's text without constants, for the record, where the
	// call was not understood well enough to be described.
	Blank string
}

func (r *Refusal) Error() string { return r.Reason }

// Failure says how a run failed on the target. All its texts are for the
// caller, like those of a Refusal.
type Failure struct {
	// Code is the target's own: an SQLSTATE, an HTTP status.
	Code string
	// Message is the target's. It may quote values.
	Message string
	// Plain is Message without any value of the target. It stands in its
	// place when a mask applies to something that the action touched.
	Plain string
	// Hint is the target's or ours; may be "".
	Hint string
	// Position counts characters of the statement from 1; 0 is unknown.
	Position int
	// Unsure says that the run may have taken effect: the target was lost
	// before it said how the run ended.
	Unsure bool
}

func (f *Failure) Error() string { return f.Message }

// ErrMoved is the refusal of a plan whose target is no longer as described.
// Nothing ran; describing anew sees the target as it is now.
var ErrMoved = errors.New("the target changed after the call was described")
