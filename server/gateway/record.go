package gateway

import (
	"context"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// recordIntent puts on record what is about to run. What may change something
// waits until that is on disk; a read's history goes there with its outcome.
func (g *Gateway) recordIntent(ctx context.Context, c *call) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := g.unfrozen(c); err != nil {
		return err
	}
	c.session.stick(c.decision.Labels)
	now := g.now()
	events := append(g.history(c), c.event(now, recorder.Started{}))
	var err error
	switch {
	case c.decision.Outcome == policy.Approve:
		err = c.session.kept(g.spend(context.WithoutCancel(ctx), c, events))
	case c.action.Effect == tools.Read:
		err = c.session.kept(g.config.Record.Note(events...))
	default:
		err = g.append(c, events...)
	}
	if err == nil {
		c.started = now
	}
	return err
}

// recordOutcome returns when the end of a run is on disk.
func (g *Gateway) recordOutcome(c *call, y yield) error {
	now := g.now()
	e := c.event(now, recorder.Finished{Stats: y.stats, Duration: c.took(now), Truncated: y.next != ""})
	e.Content = recorder.NewContent(y.content)
	return g.append(c, e)
}

// recordEnd returns when the end of a call that yielded nothing is on disk.
func (g *Gateway) recordEnd(c *call, body recorder.Body) error {
	return g.append(c, append(g.history(c), c.event(g.now(), body))...)
}

// append returns when the events are on disk. The caller may be gone; what
// happened is recorded all the same.
func (g *Gateway) append(c *call, events ...recorder.Event) error {
	return c.session.kept(g.config.Record.Append(context.Background(), events...))
}

// history is what happened to the call so far, as far as it is not yet on its
// way to the record. What may panic comes first, so that a panic leaves
// everything to be asked for again.
func (g *Gateway) history(c *call) []recorder.Event {
	if c.noted {
		return nil
	}
	received := recorder.Received{
		Approval: c.approvalID(),
		Tool:     clip(c.in.Tool, 64), Connection: c.connection.Name, Reason: c.reason, DryRun: c.request.DryRun,
		Args: g.digests.digest(string(c.in.Args)), Size: len(c.in.Args),
	}
	events := append([]recorder.Event{c.event(c.at, received)}, c.tried.all()...)
	if c.isDescribed {
		events = append(events, c.event(c.at, g.descriptionOf(c)))
	}
	if c.isDecided {
		events = append(events, c.event(c.at, recorder.Decided{
			Decision: c.decision, Principal: c.input.Principal, Session: c.input.Session,
			Connection: c.input.Connection, Call: c.input.Call,
		}))
	}
	if c.preview != nil {
		events = append(events, c.event(c.at, recorder.Previewed{Preview: *c.preview}))
	}
	if c.confirmed != "" {
		events = append(events, c.event(c.at, recorder.Confirmed{Answer: c.confirmed}))
	}
	c.noted = true
	return append(c.session.opening(), events...)
}

// descriptionOf is the action for the record, without constants where one may
// belong to a column that is masked.
func (g *Gateway) descriptionOf(c *call) recorder.Described {
	blank := c.touchesMasked()
	d := recorder.Described{Action: g.kept(c, c.action, blank)}
	for _, p := range c.action.Params {
		if p = scrubbed(p); blank || c.action.Secret {
			p = "?"
		}
		d.Params = append(d.Params, p)
	}
	return d
}

// kept is an action as the record keeps it.
func (g *Gateway) kept(c *call, a tools.Action, blank bool) recorder.Action {
	a.Display = scrubbed(a.Display)
	kept, err := recorder.NewAction(a, blank)
	if err != nil {
		g.log.Error("an action could not be recorded in full", "call", c.id, "error", err)
		return recorder.Action{Verb: a.Verb, Effect: a.Effect, Targets: a.Targets, Display: a.Blank}
	}
	return kept
}

// approvalID is the request that the call goes on by, or "".
func (c *call) approvalID() string {
	if c.approval == nil {
		return ""
	}
	return c.approval.ID
}

func (c *call) event(at time.Time, body recorder.Body) recorder.Event {
	return recorder.Event{Time: at, Session: c.session.ID, Call: c.id, Body: body}
}
