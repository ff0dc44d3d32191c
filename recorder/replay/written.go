package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// written is a result that a command wrote: what kubectl, gsutil and git yield.
type written struct {
	Output    *string `json:"output"`
	Errors    string  `json:"errors"`
	ExitCode  *int    `json:"exit_code"`
	Truncated bool    `json:"truncated"`
}

// readWritten is the result, if it is of that kind.
func readWritten(data []byte) (written, bool) {
	var w written
	err := json.Unmarshal(data, &w)
	return w, err == nil && w.Output != nil && w.ExitCode != nil
}

// write shows what was written, and how it ended.
func (w written) write(out io.Writer, maxLines int, s Style) error {
	if err := clipped(out, *w.Output, maxLines, s); err != nil {
		return err
	}
	if w.Errors != "" {
		if _, err := fmt.Fprintln(out, s.Dim("(standard error)")); err != nil {
			return err
		}
		if err := clipped(out, w.Errors, maxLines, s); err != nil {
			return err
		}
	}
	return w.end(out, s)
}

// Ending writes how a command ended that wrote a result whose output was shown as
// it came; what is no such result it writes as [Content] does.
func Ending(w io.Writer, data []byte, maxRows int, s Style) error {
	if text, ok := readWritten(data); ok {
		return text.end(w, s)
	}
	return Content(w, data, maxRows, s)
}

// end says how a command ended that did not end well.
func (w written) end(out io.Writer, s Style) error {
	var notes []string
	if *w.ExitCode != 0 {
		notes = append(notes, fmt.Sprintf("exit code %d", *w.ExitCode))
	}
	if w.Truncated {
		notes = append(notes, "cut here, there is more")
	}
	if len(notes) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(out, s.Dim("("+strings.Join(notes, "; ")+")"))
	return err
}

// clipped writes at most so many lines of a text.
func clipped(out io.Writer, text string, maxLines int, s Style) error {
	text = strings.TrimRight(PrintableLines(text), "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	hidden := len(lines) - maxLines
	if hidden > 0 {
		lines = lines[:maxLines]
	}
	if _, err := fmt.Fprintln(out, strings.Join(lines, "\n")); err != nil || hidden <= 0 {
		return err
	}
	_, err := fmt.Fprintln(out, s.Dim(fmt.Sprintf("(%d lines not shown)", hidden)))
	return err
}
