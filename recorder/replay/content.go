package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// table is a result with rows.
type table struct {
	Columns []struct {
		Name   string `json:"name"`
		Masked string `json:"masked"`
	} `json:"columns"`
	Rows        [][]json.RawMessage `json:"rows"`
	RowCount    int                 `json:"row_count"`
	RowsChanged *int                `json:"rows_changed"`
	Truncated   bool                `json:"truncated"`
}

// maxWidth is how wide a value is shown.
const maxWidth = 60

// Content writes a result for people: rows as a table, at most maxRows of them,
// what a command wrote as it wrote it, what a dry run found without its facts, and
// anything else as indented JSON, at most twice as many lines.
func Content(w io.Writer, data []byte, maxRows int, s Style) error {
	if text, ok := readWritten(data); ok {
		return text.write(w, 2*maxRows, s)
	}
	if dry, ok := readDryRun(data); ok {
		return dry.write(w, s)
	}
	var t table
	if json.Unmarshal(data, &t) != nil || t.Columns == nil {
		return indented(w, data, 2*maxRows, s)
	}
	if len(t.Columns) > 0 {
		if err := t.write(w, maxRows, s); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, s.Dim(t.summary(maxRows)))
	return err
}

func (t *table) summary(maxRows int) string {
	out := fmt.Sprintf("(%d rows", t.RowCount)
	if t.RowCount == 1 {
		out = "(1 row"
	}
	if hidden := t.RowCount - maxRows; hidden > 0 {
		out += fmt.Sprintf(", %d not shown", hidden)
	}
	if t.Truncated {
		out += ", more exist"
	}
	if t.RowsChanged != nil {
		out += fmt.Sprintf("; %d changed", *t.RowsChanged)
	}
	return out + ")"
}

func (t *table) write(w io.Writer, maxRows int, s Style) error {
	lines := [][]string{make([]string, len(t.Columns))}
	for i, c := range t.Columns {
		lines[0][i] = shorten(c.Name)
		if c.Masked != "" {
			lines[0][i] += " [" + Printable(c.Masked) + "]"
		}
	}
	for _, row := range t.Rows[:min(len(t.Rows), maxRows)] {
		line := make([]string, len(t.Columns))
		for i := range line {
			if i < len(row) {
				line[i] = shorten(value(row[i]))
			}
		}
		lines = append(lines, line)
	}
	widths := make([]int, len(t.Columns))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	for n, line := range lines {
		if _, err := fmt.Fprintln(w, join(line, widths, n == 0, s)); err != nil {
			return err
		}
		if n == 0 {
			if _, err := fmt.Fprintln(w, s.Dim(rule(widths))); err != nil {
				return err
			}
		}
	}
	return nil
}

func join(line []string, widths []int, title bool, s Style) string {
	cells := make([]string, len(line))
	for i, cell := range line {
		padding := strings.Repeat(" ", widths[i]-runewidth.StringWidth(cell))
		if title {
			cell = s.Bold(cell)
		}
		cells[i] = cell + padding
	}
	return strings.TrimRight(" "+strings.Join(cells, s.Dim(" | ")), " ")
}

func rule(widths []int) string {
	parts := make([]string, len(widths))
	for i, width := range widths {
		parts[i] = strings.Repeat("-", width+2)
	}
	return strings.Join(parts, "+")
}

// value is a JSON value as people write it.
func value(raw json.RawMessage) string {
	var text string
	switch {
	case string(raw) == "null":
		return "NULL"
	case json.Unmarshal(raw, &text) == nil:
		return text
	}
	return string(raw)
}

// shorten bounds what is shown of a value in width, and in characters too, since
// some have no width.
func shorten(text string) string {
	const most = 4 * maxWidth
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return runewidth.Truncate(Printable(text), maxWidth, "…")
}

func indented(w io.Writer, data []byte, maxLines int, s Style) error {
	var out bytes.Buffer
	if json.Indent(&out, data, "", "  ") != nil {
		out.Reset()
		out.Write(data)
	}
	return clipped(w, out.String(), maxLines, s)
}
