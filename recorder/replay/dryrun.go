package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// dryRun is the result of a call that was only described.
type dryRun struct {
	Description *struct {
		Verb    string         `json:"verb"`
		Effect  string         `json:"effect"`
		Why     string         `json:"why"`
		Targets []tools.Target `json:"targets"`
	} `json:"description"`
	Preview *tools.Preview `json:"preview"`
}

// readDryRun is the result, if it is of that kind.
func readDryRun(data []byte) (dryRun, bool) {
	var d dryRun
	err := json.Unmarshal(data, &d)
	return d, err == nil && d.Description != nil && d.Description.Verb != ""
}

// write shows what the call would do. Its facts are left to JSON.
func (d dryRun) write(w io.Writer, s Style) error {
	what := fmt.Sprintf("%s, effect %s", s.Bold(Printable(d.Description.Verb)), Printable(d.Description.Effect))
	if d.Description.Why != "" {
		what += ": " + Printable(d.Description.Why)
	}
	if _, err := fmt.Fprintln(w, what); err != nil {
		return err
	}
	for _, t := range d.Description.Targets[:min(len(d.Description.Targets), maxSample)] {
		if _, err := fmt.Fprintf(w, "on %s %s\n", Printable(t.Kind), Printable(t.Name)); err != nil {
			return err
		}
	}
	if d.Preview == nil {
		return nil
	}
	return Preview(w, d.Preview, s)
}

// diff writes a change of text, with its marks in colour.
func diff(w io.Writer, text string, s Style) error {
	for line := range strings.Lines(strings.TrimRight(PrintableLines(text), "\n")) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "-"):
			line = s.Bad(line)
		case strings.HasPrefix(line, "+"):
			line = s.Good(line)
		case strings.HasPrefix(line, "@@"):
			line = s.Dim(line)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
