package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"github.com/chaperone-dev/chaperone/tools"
)

// plain is standard output for JSON. What others wrote may act on a terminal there, too:
// JSON escapes the old control characters and no others.
func (o *options) plain() io.Writer { return escaper{o.out} }

// escaper writes characters that hide as JSON spells them. They stand only in texts.
type escaper struct{ to io.Writer }

// Write implements io.Writer, of whole characters.
func (e escaper) Write(data []byte) (int, error) {
	text := string(data)
	if !strings.ContainsFunc(text, tools.Hides) {
		return e.to.Write(data)
	}
	var out strings.Builder
	for _, r := range text {
		switch high, low := utf16.EncodeRune(r); {
		case r == '\n' || r == '\t' || !tools.Hides(r):
			out.WriteRune(r)
		case r > 0xFFFF:
			_, _ = fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
		default:
			_, _ = fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	if _, err := io.WriteString(e.to, out.String()); err != nil {
		return 0, err
	}
	return len(data), nil
}
