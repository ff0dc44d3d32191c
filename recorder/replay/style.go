package replay

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Style colours words for a terminal. The zero value leaves them as they are.
type Style struct{ Color bool }

// StyleFor colours what goes to a terminal, unless NO_COLOR asks for none
// (no-color.org).
func StyleFor(w io.Writer) Style {
	f, ok := w.(*os.File)
	return Style{Color: ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Good, Bad and Warn colour a word by what it means.
func (s Style) Good(text string) string { return s.paint("32", text) }

// Bad colours what went wrong.
func (s Style) Bad(text string) string { return s.paint("31", text) }

// Warn colours what wants attention.
func (s Style) Warn(text string) string { return s.paint("33", text) }

// Dim colours what matters less.
func (s Style) Dim(text string) string { return s.paint("2", text) }

// Bold colours a title.
func (s Style) Bold(text string) string { return s.paint("1", text) }
