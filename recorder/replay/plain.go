package replay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
)

// Options say how a session is printed.
type Options struct {
	Style Style
	// Rows is how many rows of each result are shown.
	Rows int
	// Speed has the replay take the time that it took, divided by this; pauses are
	// of five seconds at most. 0 takes no time.
	Speed float64
}

// Plain prints a session from beginning to end.
func Plain(ctx context.Context, r *recorder.Reader, session string, w io.Writer, o Options) error {
	p := &printer{reader: r, out: w, options: o, dry: map[string]bool{}, shown: map[string]bool{}}
	for event, err := range r.Events(ctx, session) {
		if err != nil {
			return err
		}
		if p.start.IsZero() {
			p.start = event.Time
		}
		if err := p.wait(ctx, event); err != nil {
			return err
		}
		if err := p.goesOn(event); err != nil {
			return err
		}
		if err := p.print(ctx, event); err != nil {
			return err
		}
	}
	return nil
}

// printer prints events of one session.
type printer struct {
	reader  *recorder.Reader
	out     io.Writer
	options Options
	start   time.Time
	// dry are the calls under way that were dry runs.
	dry map[string]bool
	// shown are calls of which was shown what they wrote, as it came.
	shown map[string]bool
	// current is the call of the latest event, and last its time.
	current string
	last    time.Time
}

func (p *printer) line(indent int, format string, args ...any) error {
	_, err := fmt.Fprintf(p.out, strings.Repeat(" ", indent)+format+"\n", args...)
	return err
}

// indents of the parts of a call.
const (
	inCall   = 10
	noIndent = 0
)

func (p *printer) print(ctx context.Context, e recorder.Event) error {
	s := p.options.Style
	switch b := e.Body.(type) {
	case recorder.SessionOpened:
		return p.line(noIndent, "%s", s.Bold(fmt.Sprintf("Session %s of %s (%s, %s) with %s over %s, %s",
			e.Session, Printable(b.Principal.Subject), b.Principal.Method, Printable(b.Principal.Issuer), client(b.Client), b.Transport,
			e.Time.Format("2006-01-02 15:04:05 MST"))))
	case recorder.SessionClosed:
		return p.line(noIndent, "%s closed: %s", p.at(e), Printable(b.Reason))
	case recorder.Received:
		return p.received(e, b)
	case recorder.Described:
		return p.described(b)
	case recorder.Decided:
		return p.decided(b.Decision)
	case recorder.Judged:
		return p.judged(b)
	case recorder.Output:
		return p.streamed(ctx, e, b)
	case recorder.Finished:
		return p.finished(ctx, e, b)
	case recorder.Refused:
		return p.refused(b)
	case recorder.Failed:
		return p.line(inCall, "%s %s", s.Bad("failed"), Printable(strings.TrimSpace(b.Code+" "+b.Message)))
	case recorder.Ambiguous:
		return p.line(inCall, "%s %s", s.Bad("ambiguous"), Printable(b.Why))
	case recorder.Started:
		return nil
	}
	for _, print := range []func(recorder.Event) (bool, error){p.asked, p.steered} {
		if done, err := print(e); done || err != nil {
			return err
		}
	}
	return p.other(e)
}

// at is the time since the session's start.
func (p *printer) at(e recorder.Event) string {
	return fmt.Sprintf("%+9.3f", e.Time.Sub(p.start).Seconds())
}

func client(c policy.Client) string {
	if c.Name == "" {
		return "an unnamed client"
	}
	return Printable(strings.TrimSpace(c.Name + " " + c.Version))
}

func (p *printer) received(e recorder.Event, b recorder.Received) error {
	s := p.options.Style
	what := s.Bold(Printable(b.Tool))
	if b.Connection != "" {
		what += " on " + Printable(b.Connection)
	}
	if b.DryRun {
		p.dry[e.Call] = true
		what += ", dry run"
	}
	if b.Approval != "" {
		what += ", goes on with " + Printable(b.Approval)
	}
	if b.Reason != "" {
		what += s.Dim(" — " + Printable(b.Reason))
	}
	return p.line(noIndent, "\n%s %s  %s", p.at(e), what, s.Dim(e.Call))
}

func (p *printer) described(b recorder.Described) error {
	if err := p.quote(strings.TrimSpace(PrintableLines(b.Action.Display)) + "\n"); err != nil {
		return err
	}
	if len(b.Params) > 0 {
		if err := p.line(inCall, "with %s", Printable(strings.Join(b.Params, ", "))); err != nil {
			return err
		}
	}
	return p.line(inCall, "%s", p.options.Style.Dim("effect: "+b.Action.Effect.String()))
}

func (p *printer) decided(d policy.Decision) error {
	s := p.options.Style
	outcome := s.Bad(d.Outcome.String())
	switch d.Outcome {
	case policy.Allow:
		outcome = s.Good(d.Outcome.String())
	case policy.Approve, policy.Confirm:
		outcome = s.Warn(d.Outcome.String())
	}
	names := make([]string, len(d.Rules))
	for i, r := range d.Rules {
		names[i] = Printable(r.Name)
	}
	if err := p.line(inCall, "%s by %s", outcome, strings.Join(names, ", ")); err != nil {
		return err
	}
	if d.Fault != "" {
		return p.line(inCall, "%s %s", s.Bad("policy fault"), Printable(d.Fault))
	}
	return nil
}

func (p *printer) judged(b recorder.Judged) error {
	outcomes := map[policy.Outcome]int{}
	for _, a := range b.Actions {
		outcomes[a.Decision.Outcome]++
	}
	text := fmt.Sprintf("%d more judged on the way, %d allowed", len(b.Actions), outcomes[policy.Allow])
	if held := outcomes[policy.Approve] + outcomes[policy.Confirm]; held > 0 {
		text += fmt.Sprintf(", %d for people to agree to", held)
	}
	return p.line(inCall, "%s", p.options.Style.Dim(text))
}

func (p *printer) finished(ctx context.Context, e recorder.Event, b recorder.Finished) error {
	done := fmt.Sprintf("done in %s", b.Duration.Round(10*time.Microsecond))
	if p.dry[e.Call] {
		// What was found has been told, from the events before this one.
		delete(p.dry, e.Call)
		return p.line(inCall, "%s", p.options.Style.Dim("described; nothing ran"))
	}
	if err := p.line(inCall, "%s", p.options.Style.Dim(done)); err != nil {
		return err
	}
	data, err := p.reader.Content(ctx, e.Content)
	if err != nil {
		return p.line(inCall, "the result is not kept: %v", err)
	}
	if len(data) == 0 {
		return nil
	}
	var out strings.Builder
	write := Content
	if p.shown[e.Call] {
		write = Ending
	}
	if err := write(&out, data, p.options.Rows, p.options.Style); err != nil {
		return err
	}
	return p.quote(out.String())
}

// quote writes lines that others wrote in a call.
func (p *printer) quote(lines string) error {
	return Quote(p.out, strings.Repeat(" ", inCall), lines, p.options.Style)
}

// Quote writes lines that others wrote, behind a bar, so that they can't pass
// for what is said of them.
func Quote(w io.Writer, indent, lines string, s Style) error {
	margin := indent + s.Dim(bar) + " "
	for line := range strings.Lines(lines) {
		if _, err := io.WriteString(w, margin+strings.TrimRight(line, "\n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func (p *printer) refused(b recorder.Refused) error {
	if b.Blank != "" {
		if err := p.line(inCall, "%s", Printable(b.Blank)); err != nil {
			return err
		}
	}
	if err := p.line(inCall, "%s by %s: %s", p.options.Style.Bad("refused"), Printable(b.Rule), Printable(b.Reason)); err != nil {
		return err
	}
	if b.Hint == "" {
		return nil
	}
	return p.line(inCall, "%s", p.options.Style.Dim("instead: "+Printable(b.Hint)))
}

// other prints an event of a kind that has no form of its own.
func (p *printer) other(e recorder.Event) error {
	data, err := json.Marshal(e.Body)
	if err != nil {
		return err
	}
	return p.line(noIndent, "%s %s %s", p.at(e), e.Body.Kind(), Printable(string(data)))
}
