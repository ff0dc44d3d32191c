package obligation

import "cmp"

// Deny refuses a call.
type Deny struct {
	Rule string `json:"rule"`
	// Message says what is wrong, for the caller.
	Message string `json:"message"`
	// Hint is the nearest thing that would pass; may be "".
	Hint string `json:"hint,omitempty"`
}

// DecodeDeny reads one element of the set deny.
func DecodeDeny(element []byte) (Deny, error) {
	d, err := decode[Deny](element)
	if err != nil {
		return Deny{}, err
	}
	return d, cmp.Or(required("rule", d.Rule), required("message", d.Message))
}
