package console

import (
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/tools"
)

// segment is a piece of text that somebody else wrote. Odd is one character that
// can't be seen, or that changes how what is around it looks; its text then
// names it.
type segment struct {
	Text string
	Odd  bool
}

// segments takes text apart, so that nothing in it hides. Lines may stand in it
// where lines is true.
func segments(text string, lines bool) []segment {
	var out []segment
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			out = append(out, segment{Text: plain.String()})
			plain.Reset()
		}
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			flush()
			out = append(out, segment{fmt.Sprintf("byte %02X", text[0]), true})
		case lines && (r == '\n' || r == '\t') || !tools.Hides(r):
			plain.WriteString(text[:size])
		default:
			flush()
			out = append(out, segment{fmt.Sprintf("U+%04X", r), true})
		}
		text = text[size:]
	}
	flush()
	return out
}

// maxBrief is how much of a text stands in a list, in bytes.
const maxBrief = 1000

// brief is the beginning of a text, for lists: whoever calls must not make them
// too long to be read.
func brief(text string) string {
	if len(text) <= maxBrief {
		return text
	}
	return strings.ToValidUTF8(text[:maxBrief], "") + " …"
}

// short is a length of time for a person.
func short(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// nameOf is what a person goes by.
func nameOf(p policy.Principal) string {
	for _, name := range []string{p.Name, p.Email, p.Subject} {
		if name != "" {
			return name
		}
	}
	return "somebody"
}

// people is a number of them.
func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

// tab is one entry of the menu.
type tab struct {
	Href, Label string
	Current     bool
}

// parse reads the templates: each page stands in the layout.
func parse(now func() time.Time) (map[string]*template.Template, error) {
	base, err := template.New("").Funcs(template.FuncMap{
		"line":   func(s string) []segment { return segments(s, false) },
		"lines":  func(s string) []segment { return segments(s, true) },
		"brief":  brief,
		"age":    func(t time.Time) string { return short(now().Sub(t)) },
		"left":   func(t time.Time) string { return short(t.Sub(now())) },
		"clock":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"millis": func(t time.Time) int64 { return t.UnixMilli() },
		"name":   nameOf,
		"people": people,
		"tab":    func(v view, page, href, label string) tab { return tab{href, label, v.Page == page} },
	}).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, name := range []string{"signin", "again", "inbox", "request", "history", "live", "freeze", "failure"} {
		page, err := base.Clone()
		if err == nil {
			page, err = page.ParseFS(files, "templates/"+name+".html")
		}
		if err != nil {
			return nil, err
		}
		pages[name] = page
	}
	return pages, nil
}
