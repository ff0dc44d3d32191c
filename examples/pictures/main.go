// Command pictures draws what a terminal shows as an SVG picture, for the
// README: `make pictures` feeds it with a real session of the demo.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"html"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

func main() {
	title := flag.String("title", "", "title of the window")
	from := flag.String("from", "", "expression: begin with the first line that matches")
	to := flag.String("to", "", "expression: end before the next line that matches")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *title, *from, *to); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// What the picture is made of, in pixels.
const (
	advance, lineHeight, fontSize = 8.43, 20, 14
	margin, bar                   = 20, 38
	// columns is how wide the terminal is; what is longer goes on in the next line.
	columns = 104
)

func run(in io.Reader, out io.Writer, title, from, to string) error {
	lines, err := chosen(in, from, to)
	if err != nil {
		return err
	}
	width, height := columns*843/100+2*margin, bar+margin+lineHeight*len(lines)+margin/2
	w := bufio.NewWriter(out)
	_, _ = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">
<rect width="%d" height="%d" rx="10" fill="#161b22"/>
<circle cx="22" cy="19" r="6" fill="#f0655b"/><circle cx="42" cy="19" r="6" fill="#f5bd4f"/><circle cx="62" cy="19" r="6" fill="#61c454"/>
<text x="%d" y="24" fill="#8b949e" text-anchor="middle" font-family="ui-sans-serif, system-ui, sans-serif" font-size="13">%s</text>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="%d" fill="#d1d7e0" xml:space="preserve">
`, width, height, width, height, html.EscapeString(title), width, height, width/2, html.EscapeString(title), fontSize)
	for i, line := range lines {
		drawLine(w, bar+margin+lineHeight*i, line)
	}
	_, _ = fmt.Fprint(w, "</g>\n</svg>\n")
	return w.Flush()
}

// chosen are the lines between two expressions, wrapped, without blank ones at
// either end.
func chosen(in io.Reader, from, to string) ([]string, error) {
	first, err := regexp.Compile(from)
	if err != nil {
		return nil, err
	}
	last, err := regexp.Compile(to)
	if err != nil {
		return nil, err
	}
	var lines []string
	for s := bufio.NewScanner(in); s.Scan(); {
		line := strings.TrimRight(s.Text(), "\r")
		plain := escape.ReplaceAllString(line, "")
		switch {
		case len(lines) == 0 && !first.MatchString(plain):
		case len(lines) > 0 && to != "" && last.MatchString(plain):
			return trimmed(lines), nil
		default:
			lines = append(lines, wrap(line)...)
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("no line matches %q", from)
	}
	return trimmed(lines), nil
}

func trimmed(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// wrap breaks a line where a terminal would. The colour that it has there goes
// on in the next.
func wrap(line string) []string {
	shown, colour := 0, ""
	for at := 0; at < len(line); {
		if code := escape.FindString(line[at:]); code != "" && strings.HasPrefix(line[at:], code) {
			colour = code
			at += len(code)
			continue
		}
		if shown == columns {
			return append([]string{line[:at]}, wrap(colour+line[at:])...)
		}
		_, size := utf8.DecodeRuneInString(line[at:])
		at += size
		shown++
	}
	return []string{line}
}

// attributes are how the colours of a terminal look.
var attributes = map[string]string{
	"1": ` font-weight="bold" fill="#f0f6fc"`, "2": ` fill="#8b949e"`,
	"31": ` fill="#ff7b72"`, "32": ` fill="#56d364"`, "33": ` fill="#e3b341"`,
}

// drawLine draws each stretch of one colour at its column, so that it stays in
// its column whatever the font.
func drawLine(w io.Writer, y int, line string) {
	column, style := 0, ""
	draw := func(text string) {
		if strings.TrimSpace(text) != "" {
			indent := utf8.RuneCountInString(text) - utf8.RuneCountInString(strings.TrimLeft(text, " "))
			shown := strings.TrimSpace(text)
			_, _ = fmt.Fprintf(w, `<text x="%.1f" y="%d" textLength="%.1f"%s>%s</text>`+"\n", margin+advance*float64(column+indent), y,
				advance*float64(utf8.RuneCountInString(shown)), style, html.EscapeString(shown))
		}
		column += utf8.RuneCountInString(text)
	}
	for {
		at := escape.FindStringSubmatchIndex(line)
		if at == nil {
			draw(line)
			return
		}
		draw(line[:at[0]])
		style = attributes[line[at[2]:at[3]]]
		line = line[at[1]:]
	}
}
