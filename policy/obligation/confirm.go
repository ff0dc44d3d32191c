package obligation

// Confirm asks the caller's own person before the call runs.
type Confirm struct {
	Rule string `json:"rule"`
	// Message is the question to the person.
	Message string `json:"message"`
}
