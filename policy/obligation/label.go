package obligation

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// longestLabel counts characters: a label is a word that sticks to a session,
// not a place for text from the target.
const longestLabel = 64

// CheckLabel refuses a label that is empty, longer than 64 characters or not
// printable.
func CheckLabel(label string) error {
	if label == "" || utf8.RuneCountInString(label) > longestLabel {
		return fmt.Errorf("label %.80q must have 1 to %d characters", label, longestLabel)
	}
	for _, r := range label {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("label %q has a character that can't be printed", label)
		}
	}
	return nil
}
