package tools

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// blanks are letters and marks by their class that show as nothing.
var blanks = []rune{0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}

// Hides reports whether a character does something else than show itself: a
// control, which those that turn the direction of writing are, one without
// width, or a blank other than the space.
func Hides(r rune) bool {
	if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Variation_Selector) {
		return true
	}
	return unicode.Is(unicode.Zs, r) && r != ' ' || slices.Contains(blanks, r)
}

// Visible is text for a person who decides by it, in which nothing hides: such
// characters stand by their names. Line breaks and tabs stay.
func Visible(text string) string {
	if !strings.ContainsFunc(text, Hides) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if r != '\n' && r != '\t' && Hides(r) {
			fmt.Fprintf(&out, "[U+%04X]", r)
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}
