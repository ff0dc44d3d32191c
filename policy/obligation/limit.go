package obligation

// Limit bounds what a call may take. A missing bound leaves it open; several
// limits intersect.
type Limit struct {
	Rows    int    `json:"rows,omitempty"`
	Bytes   int    `json:"bytes,omitempty"`
	Timeout string `json:"timeout,omitempty"`
}
