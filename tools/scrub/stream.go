package scrub

import (
	"regexp"
	"strings"
)

// Stream is Text for what comes in pieces. It keeps back what may be a part of
// a secret that goes on in a later piece. The zero value is ready to use.
type Stream struct{ held string }

// Next returns what can be shown by now. A piece is made of whole lines.
func (s *Stream) Next(lines string) string {
	s.held += lines
	if open(s.held) {
		return ""
	}
	return s.Rest()
}

// Rest returns what was kept back.
func (s *Stream) Rest() string {
	out := Text(s.held)
	s.held = ""
	return out
}

// What begins and ends a secret of several lines, and a password whose quotes
// are not closed.
var (
	keyBegins = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----`)
	keyEnds   = regexp.MustCompile(`-----END [A-Z ]*PRIVATE KEY( BLOCK)?-----`)
	quoted    = regexp.MustCompile(`\b([Pp]assword|PASSWORD)=('[^']*|"[^"]*)$`)
)

// open reports whether a secret may go on behind the text.
func open(text string) bool {
	if strings.Contains(text, "PRIVATE KEY") && last(keyBegins, text) > last(keyEnds, text) {
		return true
	}
	return marked(text, []string{"assword=", "ASSWORD="}) && quoted.MatchString(text)
}

// last is where the last match begins, or -1.
func last(find *regexp.Regexp, text string) int {
	all := find.FindAllStringIndex(text, -1)
	if len(all) == 0 {
		return -1
	}
	return all[len(all)-1][0]
}
