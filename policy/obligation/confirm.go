package obligation

import "cmp"

// Confirm asks the caller's own person before the call runs.
type Confirm struct {
	Rule string `json:"rule"`
	// Message is the question to the person.
	Message string `json:"message"`
}

// DecodeConfirm reads one element of the set confirm.
func DecodeConfirm(element []byte) (Confirm, error) {
	c, err := decode[Confirm](element)
	if err != nil {
		return Confirm{}, err
	}
	return c, cmp.Or(required("rule", c.Rule), required("message", c.Message))
}
