package replay

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/chaperone-dev/chaperone/tools"
)

// unknown is said of what could not be found out. That nothing is counted would
// sound as if nothing happened.
const unknown = "what it would change is not known"

// Impact is what a call would change, in a line.
func Impact(p *tools.Preview) string {
	if p == nil || !p.Measured && len(p.Changes)+len(p.Dependents) == 0 && len(p.Warnings) > 0 {
		return unknown
	}
	how := "estimated"
	if p.Measured {
		how = "measured"
	}
	var parts []string
	for _, c := range p.Changes {
		parts = append(parts, fmt.Sprintf("%s %d in %s", Printable(c.Verb), c.Count, Printable(c.Name)))
	}
	for _, d := range p.Dependents {
		parts = append(parts, fmt.Sprintf("%s %s depends on it", Printable(d.Kind), Printable(d.Name)))
	}
	if len(parts) == 0 {
		parts = []string{"it would change nothing that is counted"}
	}
	return fmt.Sprintf("%s (%s)", strings.Join(parts, ", "), how)
}

// locks are a preview's locks in words.
func locks(all []tools.Lock) string {
	words := make([]string, len(all))
	for i, l := range all {
		words[i] = Printable(l.Mode) + " on " + Printable(l.Name)
	}
	return strings.Join(words, ", ")
}

// maxSample is how many rows of a sample are shown.
const maxSample = 20

// Preview writes what a call would change: the counts, warnings, and some rows
// as they are and as they would be.
func Preview(w io.Writer, p *tools.Preview, s Style) error {
	if _, err := fmt.Fprintln(w, Impact(p)); err != nil || p == nil {
		return err
	}
	for _, warning := range p.Warnings {
		if _, err := fmt.Fprintln(w, s.Warn("! "+Printable(warning))); err != nil {
			return err
		}
	}
	if len(p.Locks) > 0 {
		if _, err := fmt.Fprintln(w, "it holds "+locks(p.Locks)); err != nil {
			return err
		}
	}
	for _, sample := range p.Samples {
		if err := writeSample(w, sample, s); err != nil {
			return err
		}
	}
	return diff(w, p.Diff, s)
}

// writeSample writes rows of a table; what is before goes with -, what comes
// after with +.
func writeSample(w io.Writer, sample tools.Sample, s Style) error {
	if _, err := fmt.Fprintln(w, s.Dim("rows of "+Printable(sample.Name)+", before (-) and after (+):")); err != nil {
		return err
	}
	type line struct {
		mark  string
		cells []string
	}
	lines := []line{{" ", sample.Columns}}
	for i := range min(max(len(sample.Before), len(sample.After)), maxSample) {
		if i < len(sample.Before) {
			lines = append(lines, line{"-", sample.Before[i]})
		}
		if i < len(sample.After) {
			lines = append(lines, line{"+", sample.After[i]})
		}
	}
	widths := make([]int, len(sample.Columns))
	for n := range lines {
		cells := make([]string, len(sample.Columns))
		for i := range cells {
			if i < len(lines[n].cells) {
				cells[i] = shorten(lines[n].cells[i])
			}
			widths[i] = max(widths[i], runewidth.StringWidth(cells[i]))
		}
		lines[n].cells = cells
	}
	for n, l := range lines {
		text := l.mark + join(l.cells, widths, n == 0, s)
		switch l.mark {
		case "-":
			text = s.Bad(text)
		case "+":
			text = s.Good(text)
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}
