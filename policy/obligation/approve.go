package obligation

// Approve holds a call until other people agree to it.
type Approve struct {
	Rule string `json:"rule"`
	// Message says why approval is needed; may be "".
	Message string `json:"message,omitempty"`
	// Groups are those whose members may answer; at least one.
	Groups []string `json:"groups"`
	// Count is how many distinct people must agree; 0 stands for 1.
	Count int `json:"count,omitempty"`
	// Expires is how long the request waits, as a Go duration; "" leaves it
	// to the configuration.
	Expires string `json:"expires,omitempty"`
}
