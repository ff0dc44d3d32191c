package obligation

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

// Limit bounds what a call may take. A missing bound leaves it open; several
// limits intersect.
type Limit struct {
	Rows    int    `json:"rows,omitempty"`
	Bytes   int    `json:"bytes,omitempty"`
	Timeout string `json:"timeout,omitempty"`
}

// DecodeLimit reads one element of the set limit. It refuses one that bounds
// nothing, and bounds that are not above zero, which would read as no bound.
func DecodeLimit(element []byte) (Limit, error) {
	type written struct {
		Rows    *int    `json:"rows"`
		Bytes   *int    `json:"bytes"`
		Timeout *string `json:"timeout"`
	}
	w, err := decode[written](element)
	if err != nil {
		return Limit{}, err
	}
	var l Limit
	if w.Rows == nil && w.Bytes == nil && w.Timeout == nil {
		return l, errors.New("bounds nothing; give rows, bytes or timeout")
	}
	if w.Timeout != nil {
		l.Timeout = *w.Timeout
		_, err = duration("timeout", l.Timeout)
	}
	return l, cmp.Or(positive("rows", w.Rows, &l.Rows), positive("bytes", w.Bytes, &l.Bytes), err)
}

func positive(key string, written, into *int) error {
	if written == nil {
		return nil
	}
	if *written < 1 {
		return fmt.Errorf("%q: %d must be more than zero", key, *written)
	}
	*into = *written
	return nil
}

// Limits are all limits of a decision.
type Limits []Limit

// Intersect returns the bounds that satisfy every limit. A duration that does
// not parse stands for the shortest time there is.
func (ls Limits) Intersect() tools.Limits {
	var all tools.Limits
	for _, l := range ls {
		one := tools.Limits{Rows: l.Rows, Bytes: l.Bytes}
		if l.Timeout != "" {
			one.Timeout = max(parse(l.Timeout), 1)
		}
		all = all.Intersect(one)
	}
	return all
}

func parse(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}
