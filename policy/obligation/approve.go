package obligation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Approve holds a call until other people agree to it. Where several hold a
// call, each must be satisfied.
type Approve struct {
	Rule string `json:"rule"`
	// Message says why approval is needed; may be "".
	Message string `json:"message,omitempty"`
	// Groups are those whose members may answer; at least one.
	Groups []string `json:"groups"`
	// Count is how many distinct people must agree, at least 1.
	Count int `json:"count,omitempty"`
	// Expires is how long the request waits, as a Go duration; "" leaves it
	// to the configuration.
	Expires string `json:"expires,omitempty"`
	// Reason says that the call must say why.
	Reason bool `json:"reason,omitempty"`
	// Preview is "measure", the default, or "estimate" where rehearsing the
	// call is too much.
	Preview string `json:"preview,omitempty"`
	// Tolerance is how far, as in "10%", what the call touches may be from what
	// the approvers saw; "" is not at all.
	Tolerance string `json:"tolerance,omitempty"`
}

// The ways to make a preview.
const (
	PreviewMeasure  = "measure"
	PreviewEstimate = "estimate"
)

// DecodeApprove reads one element of the set approve. A missing count is 1.
func DecodeApprove(element []byte) (Approve, error) {
	type written struct {
		Rule    string   `json:"rule"`
		Message string   `json:"message"`
		Groups  []string `json:"groups"`
		Count   *int     `json:"count"`
		Expires *string  `json:"expires"`
		Reason  bool     `json:"reason"`

		Preview   *string `json:"preview"`
		Tolerance *string `json:"tolerance"`
	}
	w, err := decode[written](element)
	if err != nil {
		return Approve{}, err
	}
	a := Approve{Rule: w.Rule, Message: w.Message, Groups: w.Groups, Count: 1, Reason: w.Reason}
	if w.Count != nil {
		a.Count = *w.Count
	}
	if w.Expires != nil {
		a.Expires = *w.Expires
		_, err = duration("expires", a.Expires)
	}
	if w.Preview != nil {
		a.Preview = *w.Preview
		err = cmp.Or(err, oneOf("preview", a.Preview, PreviewMeasure, PreviewEstimate))
	}
	if w.Tolerance != nil {
		a.Tolerance = *w.Tolerance
		_, bad := share("tolerance", a.Tolerance)
		err = cmp.Or(err, bad)
	}
	return a, cmp.Or(err, required("rule", a.Rule), a.answerable())
}

func (a Approve) answerable() error {
	switch {
	case len(a.Groups) == 0 || slices.Contains(a.Groups, ""):
		return errors.New(`"groups" is missing or empty; name who may approve`)
	case a.Count < 1:
		return fmt.Errorf("\"count\": %d people can't approve; it must be 1 or more", a.Count)
	}
	return nil
}

// Wait is how long the request waits, or fallback when the policy leaves it
// to the configuration.
func (a Approve) Wait(fallback time.Duration) time.Duration {
	if d, err := duration("expires", a.Expires); err == nil {
		return d
	}
	return fallback
}

// Approvals are all approve rules of a decision.
type Approvals []Approve

// Measure reports whether the preview is to be measured: unless one of the
// rules wants an estimate.
func (as Approvals) Measure() bool {
	return !slices.ContainsFunc(as, func(a Approve) bool { return a.Preview == PreviewEstimate })
}

// Tolerance is the smallest that a rule states, as a share; 0 when one states none.
func (as Approvals) Tolerance() float64 {
	if len(as) == 0 {
		return 0
	}
	least := 1.0
	for _, a := range as {
		t, err := share("tolerance", a.Tolerance)
		if err != nil {
			return 0
		}
		least = min(least, t)
	}
	return least
}

// Wait is the shortest time that a rule lets the request wait.
func (as Approvals) Wait(fallback time.Duration) time.Duration {
	wait := fallback
	for i, a := range as {
		if w := a.Wait(fallback); i == 0 || w < wait {
			wait = w
		}
	}
	return wait
}

// WantsReason reports whether a rule wants the call to say why.
func (as Approvals) WantsReason() bool {
	return slices.ContainsFunc(as, func(a Approve) bool { return a.Reason })
}
