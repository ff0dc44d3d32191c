package replay

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/chaperone-dev/chaperone/tools"
)

// Printable returns text in one line that can't act on a terminal: line breaks
// and tabs become spaces, other control and invisible characters their code.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == '\r' {
			return ' '
		}
		return r
	}, PrintableLines(text))
}

// PrintableLines is Printable with line breaks and tabs left in.
func PrintableLines(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD") // some terminals act on single bytes
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if hidden(r) {
			out.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// hidden reports whether a character does something else than show itself,
// which includes turning the direction of writing.
func hidden(r rune) bool {
	return r != '\n' && r != '\t' && (!unicode.IsPrint(r) || tools.Hides(r))
}
