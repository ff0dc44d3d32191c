package tools

import "time"

// Limits bound what a run may take. A zero field states no bound.
type Limits struct {
	// Rows is the largest number of rows returned.
	Rows int `json:"rows,omitempty"`
	// Bytes is the largest size of the result's JSON.
	Bytes int `json:"bytes,omitempty"`
	// Timeout is the longest that the run may take.
	Timeout time.Duration `json:"timeout,omitempty"`
}

// Intersect returns limits that satisfy both.
func (l Limits) Intersect(o Limits) Limits {
	return Limits{
		Rows:    tighter(l.Rows, o.Rows),
		Bytes:   tighter(l.Bytes, o.Bytes),
		Timeout: tighter(l.Timeout, o.Timeout),
	}
}

func tighter[T int | time.Duration](a, b T) T {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}
