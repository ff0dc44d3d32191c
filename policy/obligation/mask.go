package obligation

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Mask hides values by where they come from.
type Mask struct {
	// Rule names the mask in explanations; may be "".
	Rule string `json:"rule,omitempty"`
	// Columns are origins, "schema.table.column", in the catalog's spelling;
	// "*" stands for a whole part, and alone for everything.
	Columns []string `json:"columns"`
	// With is how: "redact", "null", "hash" or "partial".
	With string `json:"with"`
}

// Masks are all masks of a decision. They add up: where several name a value,
// the strictest applies.
type Masks []Mask

// MaskAll hides every value. It stands in when a policy could not say what to
// hide.
func MaskAll(rule string) Masks {
	return Masks{{Rule: rule, Columns: []string{"*"}, With: wordRedact}}
}

// DecodeMask reads one element of the set mask.
func DecodeMask(element []byte) (Mask, error) {
	m, err := decode[Mask](element)
	if err != nil {
		return Mask{}, err
	}
	return m, cmp.Or(checkWord(m.With), checkColumns(m.Columns))
}

func checkWord(word string) error {
	if slices.Contains(words(), word) {
		return nil
	}
	return fmt.Errorf("\"with\": %q is no way to mask; use one of %s", word, strings.Join(words(), ", "))
}

func checkColumns(columns []string) error {
	if len(columns) == 0 {
		return errors.New(`"columns" is missing or empty; name what to mask`)
	}
	for _, column := range columns {
		if !wellFormed(column) {
			return fmt.Errorf("\"columns\": %q is not of the form schema.table.column, "+
				"where * may stand for a whole part", column)
		}
	}
	return nil
}

func wellFormed(column string) bool {
	if column == "*" {
		return true
	}
	parts := strings.Split(column, ".")
	for _, part := range parts {
		if part == "" || (part != "*" && strings.Contains(part, "*")) {
			return false
		}
	}
	return len(parts) >= 3
}
