package recorder

import (
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/tools"
)

// Previewed is what a call would touch.
type Previewed struct {
	Preview tools.Preview `json:"preview"`
}

// Confirmed is what the caller's own person said when policy had them asked:
// "accept", "decline", "cancel", or "none" where nobody could be asked.
type Confirmed struct {
	Answer string `json:"answer"`
}

// Pending is the end of a call that waits for approval. It goes on as another
// call, when its caller asks again.
type Pending struct {
	Approval string    `json:"approval"`
	Until    time.Time `json:"until"`
}

// Stopped is a call that somebody broke off while it ran.
type Stopped struct {
	By  policy.Principal `json:"by"`
	Why string           `json:"why,omitempty"`
}

// ApprovalRequested is a request for people's approval of the event's call.
type ApprovalRequested struct {
	Approval string               `json:"approval"`
	Rules    obligation.Approvals `json:"rules"`
	Expires  time.Time            `json:"expires"`
	Policy   string               `json:"policy"`
	// Preview is the digest of the preview that approvers see, Key that of
	// the caller and the call.
	Preview string `json:"preview,omitempty"`
	Key     string `json:"key"`
}

// ApprovalAnswered is what one person said to a request.
type ApprovalAnswered struct {
	Approval string           `json:"approval"`
	By       policy.Principal `json:"by"`
	Verdict  string           `json:"verdict"`
	Comment  string           `json:"comment,omitempty"`
	Via      string           `json:"via"`
	Preview  string           `json:"preview,omitempty"`
	// At is when they said it, Request the digest of what was asked, and
	// Signature, where they answered by a key of their own, that of both and of
	// the answer; the key is the claim approver_key of By. See FORMAT.md.
	At        time.Time `json:"at,omitzero"`
	Request   string    `json:"request,omitempty"`
	Signature []byte    `json:"signature,omitempty"`
	// Phase is that of the request from here on.
	Phase string `json:"phase"`
}

// ApprovalEnded is the end of a request that nobody's answer brought about.
type ApprovalEnded struct {
	Approval string `json:"approval"`
	Phase    string `json:"phase"`
	Why      string `json:"why"`
}

// ApprovalSpent says that the event's call runs by a request. No other ever will.
type ApprovalSpent struct {
	Approval string `json:"approval"`
}

// Frozen says that calls are refused from here on, as far as the scope goes.
type Frozen struct {
	// Scope is "everything", "principal", "session" or "connection", and Name
	// says which.
	Scope string           `json:"scope"`
	Name  string           `json:"name,omitempty"`
	By    policy.Principal `json:"by"`
	Why   string           `json:"why,omitempty"`
}

// Thawed ends a freeze.
type Thawed struct {
	Scope string           `json:"scope"`
	Name  string           `json:"name,omitempty"`
	By    policy.Principal `json:"by"`
}

// SignedIn is somebody's sign-in to the console.
type SignedIn struct {
	Principal policy.Principal `json:"principal"`
}

func (Previewed) Kind() Kind         { return KindPreviewed }
func (Confirmed) Kind() Kind         { return KindConfirmed }
func (Pending) Kind() Kind           { return KindPending }
func (Stopped) Kind() Kind           { return KindStopped }
func (ApprovalRequested) Kind() Kind { return KindApprovalRequested }
func (ApprovalAnswered) Kind() Kind  { return KindApprovalAnswered }
func (ApprovalEnded) Kind() Kind     { return KindApprovalEnded }
func (ApprovalSpent) Kind() Kind     { return KindApprovalSpent }
func (Frozen) Kind() Kind            { return KindFrozen }
func (Thawed) Kind() Kind            { return KindThawed }
func (SignedIn) Kind() Kind          { return KindSignedIn }
