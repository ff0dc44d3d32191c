package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// stopped turns whatever ended a call early into an event and a reply. It is
// the one place that decides what callers learn of errors.
func (g *Gateway) stopped(c *call, stage string, err error) Reply {
	var refusal *tools.Refusal
	var failure *tools.Failure
	switch {
	case errors.As(err, &refusal):
		return g.refused(c, stage, refusal)
	case errors.Is(err, tools.ErrMoved):
		return g.refused(c, stage, &tools.Refusal{
			Rule: "moved", Reason: err.Error() + "; nothing ran", Hint: "make the call again", Later: true,
		})
	case errors.Is(err, recorder.ErrUnavailable):
		return g.unavailable(c, err)
	case errors.As(err, &failure):
		return g.failed(c, failure)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return g.failed(c, &tools.Failure{Message: "the call was cancelled before it was done", Plain: "the call was cancelled before it was done"})
	}
	return g.faulty(c, err)
}

func (g *Gateway) refused(c *call, stage string, r *tools.Refusal) Reply {
	c.session.count(true, tools.Stats{}, 0)
	body := recorder.Refused{Stage: stage, Rule: r.Rule, Reason: r.Reason, Hint: r.Hint}
	if !c.isDescribed {
		body.Blank = r.Blank
	}
	if err := g.recordEnd(c, body); err != nil {
		return g.unavailable(c, err)
	}
	reply := Reply{Status: Refused, Call: c.id, Rule: r.Rule, Hint: r.Hint, Later: r.Later}
	reply.Message = fmt.Sprintf("Refused by rule %q: %s.", r.Rule, sentence(r.Reason))
	if r.Hint != "" {
		reply.Message += fmt.Sprintf(" Instead: %s.", sentence(r.Hint))
	}
	if !r.Later {
		reply.Message += " Do not repeat the same call; it will be refused again."
	}
	return reply
}

func (g *Gateway) failed(c *call, f *tools.Failure) Reply {
	message := f.Message
	if c.touchesMasked() {
		message = f.Plain
	}
	message, hint := scrubbed(message), scrubbed(f.Hint)
	reply := Reply{Status: Failed, Call: c.id, Code: f.Code, Hint: hint, Position: f.Position}
	var body recorder.Body = recorder.Failed{
		Code: f.Code, Message: message, Hint: hint, Position: f.Position, Duration: g.now().Sub(c.started),
	}
	if f.Unsure {
		reply.Status, body = Ambiguous, recorder.Ambiguous{Why: message}
	}
	reply.Message = strings.ToUpper(message[:min(1, len(message))]) + sentence(message)[min(1, len(message)):] + "."
	c.session.count(false, tools.Stats{}, 0)
	if err := g.recordEnd(c, body); err != nil {
		return g.unrecorded(c, err)
	}
	return reply
}

// unavailable is the reply while calls can't be recorded: nothing ran.
func (g *Gateway) unavailable(c *call, err error) Reply {
	c.session.unrecorded()
	g.log.Error("a call was refused because it could not be recorded", "call", c.id, "error", err)
	return Reply{
		Status: Refused, Call: c.id, Rule: "no-record-no-run", Later: true,
		Message: fmt.Sprintf("Refused, and nothing ran: %s.", sentence(err.Error())),
		Hint:    "tell the operator; calls work again as soon as the record does",
	}
}

// unrecorded is the reply when a call ran and its outcome could not be
// recorded: the outcome stays here.
func (g *Gateway) unrecorded(c *call, err error) Reply {
	c.session.unrecorded()
	g.log.Error("the outcome of a call could not be recorded", "call", c.id, "error", err)
	reply := Reply{Status: Ambiguous, Call: c.id, Rule: "no-record-no-result"}
	reply.Message = fmt.Sprintf("The call ran, but its outcome could not be recorded and is withheld: %s.", sentence(err.Error()))
	if c.action.Effect == tools.Read {
		reply.Status, reply.Later = Failed, true
		reply.Message = fmt.Sprintf("The result could not be recorded and is withheld; nothing was changed: %s.", sentence(err.Error()))
	}
	return reply
}

// faulty is the reply to an error that should not be. Its text is for the log.
func (g *Gateway) faulty(c *call, err error) Reply {
	fault := ulid.Make().String()
	g.log.Error("a call failed by a fault of the gateway", "call", c.id, "fault", fault, "error", err)
	return g.recordFault(c, fault)
}

// panicked is the reply to a panic anywhere on the path.
func (g *Gateway) panicked(c *call, cause any, stack []byte) Reply {
	fault := ulid.Make().String()
	g.log.Error("a call panicked", "call", c.id, "fault", fault, "panic", fmt.Sprint(cause), "stack", string(stack))
	return g.recordFault(c, fault)
}

// recordFault records a fault of ours. A change that was under way may have
// been made.
func (g *Gateway) recordFault(c *call, fault string) Reply {
	message := fmt.Sprintf("The gateway failed; tell the operator the fault id %s.", fault)
	reply := Reply{Status: Failed, Call: c.id, Rule: "fault", Message: message}
	var body recorder.Body = recorder.Failed{Message: "a fault of the gateway", Fault: fault, Duration: g.now().Sub(c.at)}
	if !c.started.IsZero() && c.action.Effect != tools.Read {
		reply.Status, body = Ambiguous, recorder.Ambiguous{Why: "a fault of the gateway: " + fault}
	}
	if err := g.recordEnd(c, body); err != nil {
		return g.unrecorded(c, err)
	}
	return reply
}

// described is the reply to a dry run.
func (g *Gateway) described(c *call) Reply {
	content, err := description(c)
	if err != nil {
		return g.faulty(c, err)
	}
	c.session.count(false, tools.Stats{}, len(content))
	e := c.event(g.now(), recorder.Finished{})
	e.Content = recorder.NewContent(content)
	if err := g.config.Record.Append(context.Background(), append(g.history(c), e)...); err != nil {
		return g.unavailable(c, err)
	}
	return Reply{
		Status: Described, Call: c.id, Result: content,
		Message: fmt.Sprintf("Nothing ran. Policy would let this %s run (%s).", c.action.Effect, ruleNames(c.decision)),
	}
}

// finished is the reply to a call that ran.
func (g *Gateway) finished(c *call, result tools.Result, content []byte) Reply {
	c.session.count(false, result.Stats(), len(content))
	reply := Reply{Status: OK, Call: c.id, Result: content}
	if next := result.Next(); next != "" {
		reply.NextCursor = g.cursors.close(next, c.bound)
	}
	return reply
}

func ruleNames(d policy.Decision) string {
	names := make([]string, len(d.Rules))
	for i, r := range d.Rules {
		names[i] = r.Name
	}
	return strings.Join(names, ", ")
}

// sentence is text to which the end of a sentence can be added.
func sentence(text string) string { return strings.TrimRight(strings.TrimSpace(text), ".") }
