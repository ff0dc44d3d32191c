package replay

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
)

// bars stand in front of what was written on standard output, and elsewhere.
const (
	bar      = "│"
	otherBar = "╎"
)

// streamed prints a piece of what a call wrote, at the time when it came.
func (p *printer) streamed(ctx context.Context, e recorder.Event, b recorder.Output) error {
	p.shown[e.Call] = true
	data, err := p.reader.Content(ctx, e.Content)
	if err != nil {
		return p.line(inCall, "what was written is not kept: %v", err)
	}
	mark := bar
	if b.Stream != "stdout" {
		mark = otherBar
	}
	margin := p.at(e) + " "
	for line := range strings.Lines(PrintableLines(string(data))) {
		if _, err := io.WriteString(p.out, margin+p.options.Style.Dim(mark)+" "+strings.TrimRight(line, "\n")+"\n"); err != nil {
			return err
		}
		margin = strings.Repeat(" ", inCall)
	}
	return nil
}

// goesOn says which call an event belongs to where several are under way.
func (p *printer) goesOn(e recorder.Event) error {
	if e.Call == "" || e.Call == p.current {
		return nil
	}
	p.current = e.Call
	if _, ok := e.Body.(recorder.Received); ok {
		return nil
	}
	return p.line(noIndent, "\n%s %s", p.at(e), p.options.Style.Dim("goes on: "+e.Call))
}

// wait lets the time pass that passed before an event.
func (p *printer) wait(ctx context.Context, e recorder.Event) error {
	if p.options.Speed <= 0 || p.last.IsZero() {
		p.last = e.Time
		return nil
	}
	pause := time.Duration(float64(e.Time.Sub(p.last)) / p.options.Speed)
	p.last = e.Time
	if pause <= 0 {
		return nil
	}
	t := time.NewTimer(min(pause, longestPause))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// longestPause is how long nothing happens at most in a replay that takes time.
const longestPause = 5 * time.Second
