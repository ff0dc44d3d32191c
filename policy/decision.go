package policy

import (
	"fmt"

	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/tools"
)

// Outcome is what becomes of a call. The zero value denies, and a smaller
// value beats a larger one.
type Outcome uint8

// The outcomes, strictest first.
const (
	Deny Outcome = iota
	Approve
	Confirm
	Allow
)

var outcomeNames = [...]string{Deny: "deny", Approve: "approve", Confirm: "confirm", Allow: "allow"}

// String returns the policy's word for the outcome.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return outcomeNames[Deny]
}

// MarshalText writes the word that String returns.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads a word that String writes, and refuses any other.
func (o *Outcome) UnmarshalText(text []byte) error {
	for i, name := range outcomeNames {
		if string(text) == name {
			*o = Outcome(i)
			return nil
		}
	}
	return fmt.Errorf("unknown outcome %q", text)
}

// Decision is a policy's answer to one action. The zero value denies.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	// Rules are those that led to the outcome, sorted by name. There is at
	// least one in every decision that a policy made.
	Rules   []Rule               `json:"rules"`
	Approve obligation.Approvals `json:"approve,omitempty"`
	Confirm []obligation.Confirm `json:"confirm,omitempty"`
	// Masks apply to what the action reads, and to what the record keeps of
	// it, whatever the outcome is.
	Masks  obligation.Masks `json:"masks,omitempty"`
	Limits tools.Limits     `json:"limits,omitzero"`
	Labels []string         `json:"labels,omitempty"`
	// Policy is the digest of the policy that decided.
	Policy string `json:"policy"`
	// Fault says what went wrong when the policy could not decide. It is for
	// the record and the operator, not for the caller.
	Fault string `json:"fault,omitempty"`
}

// Rule names a rule that fired.
type Rule struct {
	Name    string `json:"rule"`
	Message string `json:"message,omitempty"`
	Hint    string `json:"hint,omitempty"`
}
