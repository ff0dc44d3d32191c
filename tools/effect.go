package tools

import "fmt"

// Effect is the worst that an action can do to its target. Smaller values are
// worse, so that the zero value, and the smaller of two effects, is the one to
// refuse.
type Effect uint8

const (
	// Unknown is an action that was not understood. Nothing runs it.
	Unknown Effect = iota
	// Destroy removes data or objects.
	Destroy
	// Write changes the target.
	Write
	// Read is proven to leave the target as it was.
	Read
)

var effectNames = [...]string{Unknown: "unknown", Destroy: "destroy", Write: "write", Read: "read"}

// String returns the word used in policy input, records and messages.
func (e Effect) String() string {
	if int(e) < len(effectNames) {
		return effectNames[e]
	}
	return effectNames[Unknown]
}

// MarshalText writes the word that String returns.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads a word that String writes, and refuses any other.
func (e *Effect) UnmarshalText(text []byte) error {
	for i, name := range effectNames {
		if string(text) == name {
			*e = Effect(i)
			return nil
		}
	}
	return fmt.Errorf("unknown effect %q", text)
}

// Within reports whether e is known and no worse than ceiling.
func (e Effect) Within(ceiling Effect) bool {
	return e != Unknown && e <= Read && ceiling != Unknown && e >= ceiling
}

// Worst returns the worse of two effects.
func Worst(a, b Effect) Effect { return min(a, b) }
