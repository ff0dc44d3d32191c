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
}

// DecodeApprove reads one element of the set approve. A missing count is 1.
func DecodeApprove(element []byte) (Approve, error) {
	type written struct {
		Rule    string   `json:"rule"`
		Message string   `json:"message"`
		Groups  []string `json:"groups"`
		Count   *int     `json:"count"`
		Expires *string  `json:"expires"`
	}
	w, err := decode[written](element)
	if err != nil {
		return Approve{}, err
	}
	a := Approve{Rule: w.Rule, Message: w.Message, Groups: w.Groups, Count: 1}
	if w.Count != nil {
		a.Count = *w.Count
	}
	if w.Expires != nil {
		a.Expires = *w.Expires
		_, err = duration("expires", a.Expires)
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
