package kubectl

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// readPlan is a command that only reads.
type readPlan struct {
	cluster  *cluster
	limits   tools.Limits
	command  command
	caller   tools.Caller
	requests []Request
	action   tools.Action
}

// Action implements tools.Plan.
func (p *readPlan) Action() tools.Action { return p.action }

// Run implements tools.Plan.
func (p *readPlan) Run(ctx context.Context, gate tools.Gate, limits tools.Limits) (tools.Result, error) {
	limits = p.limits.Intersect(limits)
	ctx, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	w := &wire{cluster: p.cluster, caller: p.caller, shape: p.command.shape(limits.Bytes)}
	w.judge = reader{gate, p.command, w, keys(p.requests)}
	out := p.command.output(gate, limits)
	e := p.command.execute(ctx, w, out, nil)
	return p.command.result(w, out, e)
}

// result is what a command that ended yields.
func (c command) result(w *wire, out *output, e ended) (tools.Result, error) {
	stdout, stderr, truncated := out.texts()
	truncated = truncated || w.shape.wasCut()
	down := w.keptOut()
	switch {
	case truncated:
	case w.stopped() != nil:
		return nil, w.stopped()
	case errors.Is(e.err, context.DeadlineExceeded) && c.follows():
		truncated, e.code = true, 0
	case errors.Is(e.err, context.DeadlineExceeded):
		return nil, &tools.Failure{Code: "timeout", Message: "kubectl " + c.name + " took too long and was ended", Plain: "it took too long and was ended", Hint: "ask for less"}
	case errors.Is(e.err, context.Canceled):
		return nil, &tools.Failure{Code: "cancelled", Message: "kubectl " + c.name + " was cancelled", Plain: "it was cancelled"}
	case e.err != nil:
		return nil, e.err
	case e.code != 0 && down != nil:
		return nil, down.refusal()
	case e.code != 0 && stdout == "":
		return nil, failure(e.code, stderr)
	}
	return &result{Output: stdout, Errors: stderr, ExitCode: e.code, Truncated: truncated}, nil
}

// failure is a command that failed with nothing but an error to show for it.
func failure(code int, stderr string) *tools.Failure {
	text := strings.TrimSpace(stderr)
	if text == "" {
		text = "it failed without saying why"
	}
	return &tools.Failure{Code: fmt.Sprint("exit ", code), Message: text, Plain: "kubectl failed"}
}
