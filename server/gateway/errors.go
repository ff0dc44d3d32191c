package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

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
	case errors.Is(err, recorder.ErrUnavailable), errors.Is(err, recorder.ErrClosed):
		return g.unavailable(c, err)
	case errors.As(err, &failure):
		return g.failed(c, failure)
	case errors.Is(err, context.Canceled):
		return g.ended(c, stage, "cancelled", "the call was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		return g.ended(c, stage, "deadline", "the call took too long")
	}
	return g.faulty(c, err)
}

// ended is the reply to a call whose context ended it. Of a change that was
// under way and did not say how it ended, nobody knows.
func (g *Gateway) ended(c *call, stage, rule, what string) Reply {
	if by, ok := c.brokenOff(); ok {
		rule, what = by.rule, by.reason+"; that was"
	}
	if c.started.IsZero() {
		return g.refused(c, stage, &tools.Refusal{Rule: rule, Reason: what + " before it started; nothing ran", Later: true})
	}
	what += " before it was done"
	return g.failed(c, &tools.Failure{Message: what, Plain: what, Unsure: c.changes()})
}

func (g *Gateway) refused(c *call, stage string, r *tools.Refusal) Reply {
	c.session.count(true, tools.Stats{}, 0)
	reason, hint := told(r.Reason), told(r.Hint)
	body := recorder.Refused{Stage: stage, Rule: r.Rule, Reason: reason, Hint: hint}
	if !c.isDescribed {
		body.Blank = scrubbed(r.Blank)
	}
	if err := g.recordEnd(c, body); err != nil {
		return g.unavailable(c, err)
	}
	reply := Reply{Status: Refused, Call: c.id, Rule: r.Rule, Hint: hint, Later: r.Later}
	reply.Message = refusalText(r.Rule, reason, hint)
	if !r.Later {
		reply.Message += " Do not repeat the same call; it will be refused again."
	}
	return reply
}

// refusalText says what refused, why, and what would pass.
func refusalText(rule, reason, hint string) string {
	text := fmt.Sprintf("Refused by rule %q: %s", rule, sentence(reason))
	if hint != "" {
		text += fmt.Sprintf(" Instead: %s", sentence(hint))
	}
	return text
}

func (g *Gateway) failed(c *call, f *tools.Failure) Reply {
	message, hint := f.Message, f.Hint
	if c.touchesMasked() && message != f.Plain {
		// Where the target's message quotes values, its hint may do so too.
		message, hint = f.Plain, ""
	}
	if by, ok := c.brokenOff(); ok {
		message += " (" + by.reason + ")"
	}
	message, hint = told(message), told(hint)
	reply := Reply{Status: Failed, Call: c.id, Code: f.Code, Hint: hint, Position: f.Position, Message: capital(sentence(message))}
	var body recorder.Body = recorder.Failed{
		Code: f.Code, Message: message, Hint: hint, Position: f.Position, Duration: c.took(g.now()),
	}
	if f.Unsure {
		reply.Status, body = Ambiguous, recorder.Ambiguous{Why: message}
	}
	c.session.count(false, tools.Stats{}, 0)
	if err := g.recordEnd(c, body); err != nil {
		return g.unrecorded(c, err)
	}
	return reply
}

// unavailable is the reply while calls can't be recorded: nothing ran.
func (g *Gateway) unavailable(c *call, err error) Reply {
	g.log.Error("a call was refused because it could not be recorded", "call", c.id, "error", err)
	return Reply{
		Status: Refused, Call: c.id, Rule: "no-record-no-run", Later: true,
		Message: fmt.Sprintf("Refused, and nothing ran: %s", whyUnrecorded(err)),
		Hint:    "tell the operator; calls work again as soon as the record does",
	}
}

// unrecorded is the reply when a call ran and its outcome could not be
// recorded: the outcome stays here.
func (g *Gateway) unrecorded(c *call, err error) Reply {
	if c.started.IsZero() {
		return g.unavailable(c, err)
	}
	g.log.Error("the outcome of a call could not be recorded", "call", c.id, "error", err)
	reply := Reply{Status: Failed, Call: c.id, Rule: "no-record-no-result", Later: true}
	reply.Message = fmt.Sprintf("The result could not be recorded and is withheld; nothing was changed: %s", whyUnrecorded(err))
	if c.changes() {
		reply.Status, reply.Later = Ambiguous, false
		reply.Message = fmt.Sprintf("The call ran, but its outcome could not be recorded and is withheld: %s", whyUnrecorded(err))
	}
	return reply
}

// whyUnrecorded is what a caller learns of an error of the record. What is not
// a state of the disk is a fault of ours, whose text is for the log.
func whyUnrecorded(err error) string {
	if errors.Is(err, recorder.ErrUnavailable) {
		return sentence(err.Error())
	}
	return sentence(recorder.ErrUnavailable.Error())
}

// faulty is the reply to an error that should not be. Its text is for the log.
func (g *Gateway) faulty(c *call, err error) Reply {
	fault := ulid.Make().String()
	g.log.Error("a call failed by a fault of the gateway", "call", c.id, "fault", fault, "error", err)
	return g.recordFault(c, fault)
}

// panicked is the reply to a panic anywhere on the path.
func (g *Gateway) panicked(c *call, cause any, stack []byte) (reply Reply) {
	fault := ulid.Make().String()
	g.log.Error("a call panicked", "call", c.id, "fault", fault, "panic", fmt.Sprint(cause), "stack", string(stack))
	defer func() {
		if recover() != nil {
			// What panicked does so again when it is put on record. The rest of
			// the call goes there without it.
			c.isDescribed, c.isDecided = false, false
			reply = g.recordFault(c, fault)
		}
	}()
	return g.recordFault(c, fault)
}

// recordFault records a fault of ours. A change that was under way may have
// been made.
func (g *Gateway) recordFault(c *call, fault string) Reply {
	message := fmt.Sprintf("The gateway failed; tell the operator the fault id %s.", fault)
	reply := Reply{Status: Failed, Call: c.id, Rule: "fault", Message: message}
	var body recorder.Body = recorder.Failed{Message: "a fault of the gateway", Fault: fault, Duration: c.took(g.now())}
	if c.changes() {
		reply.Status, body = Ambiguous, recorder.Ambiguous{Why: "a fault of the gateway: " + fault}
	}
	if err := g.recordEnd(c, body); err != nil {
		return g.unrecorded(c, err)
	}
	c.session.count(false, tools.Stats{}, 0)
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
	if err := g.append(c, append(g.history(c), e)...); err != nil {
		return g.unavailable(c, err)
	}
	return Reply{Status: Described, Call: c.id, Result: content, Message: fmt.Sprintf("Nothing ran. Policy would %s.", would(c))}
}

// would says what policy would do with a call, and by which rules.
func would(c *call) string {
	switch c.decision.Outcome {
	case policy.Approve:
		return fmt.Sprintf("hold it for approval by %s", whoApproves(c.decision.Approve))
	case policy.Confirm:
		return fmt.Sprintf("have the person at the client confirm it (%s)", ruleNames(c.decision))
	}
	return fmt.Sprintf("let it run (%s)", ruleNames(c.decision))
}

// finished is the reply to a call that ran.
func (g *Gateway) finished(c *call, y yield) Reply {
	c.session.count(false, y.stats, len(y.content))
	reply := Reply{Status: OK, Call: c.id, Result: y.content}
	if y.next != "" {
		reply.NextCursor = g.cursors.close(y.next, c.bound)
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

// maxText bounds a text that says why. It may quote what the caller sent, or
// what the target holds, of any length.
const maxText = 2000

// told is text as callers and the record get it.
func told(text string) string { return clip(scrubbed(text), maxText) }

// sentence is text with the end of a sentence.
func sentence(text string) string {
	text = strings.TrimRight(strings.TrimSpace(text), ".")
	if strings.HasSuffix(text, "?") || strings.HasSuffix(text, "!") {
		return text
	}
	return text + "."
}

// capital is text that begins with a capital letter.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if first == utf8.RuneError {
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}
