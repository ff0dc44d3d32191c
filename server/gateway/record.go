package gateway

import (
	"context"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// recordIntent puts on record what is about to run. What may change something
// waits until that is on disk; a read's history goes there with its outcome.
func (g *Gateway) recordIntent(ctx context.Context, c *call) error {
	c.session.stick(c.decision.Labels)
	c.started = g.now()
	events := append(g.history(c), c.event(c.started, recorder.Started{}))
	if c.action.Effect == tools.Read {
		return g.config.Record.Note(events...)
	}
	return g.config.Record.Append(ctx, events...)
}

// recordOutcome returns when the end of a run is on disk.
func (g *Gateway) recordOutcome(c *call, result tools.Result, content []byte) error {
	now := g.now()
	e := c.event(now, recorder.Finished{Stats: result.Stats(), Duration: now.Sub(c.started), Truncated: result.Next() != ""})
	e.Content = recorder.NewContent(content)
	// The caller may be gone; what happened is recorded all the same.
	return g.config.Record.Append(context.Background(), e)
}

// recordEnd returns when the end of a call that yielded nothing is on disk.
func (g *Gateway) recordEnd(c *call, body recorder.Body) error {
	return g.config.Record.Append(context.Background(), append(g.history(c), c.event(g.now(), body))...)
}

// history is what happened to the call so far, as far as it is not yet on its
// way to the record.
func (g *Gateway) history(c *call) []recorder.Event {
	if c.noted {
		return nil
	}
	c.noted = true
	events := append(c.session.opening(), c.event(c.at, recorder.Received{
		Tool: clip(c.in.Tool, 64), Connection: c.connection.Name, Reason: c.reason, DryRun: c.request.DryRun,
		Args: g.digests.digest(string(c.in.Args)), Size: len(c.in.Args),
	}))
	if c.isDescribed {
		events = append(events, c.event(c.at, g.descriptionOf(c)))
	}
	if c.isDecided {
		events = append(events, c.event(c.at, recorder.Decided{
			Decision: c.decision, Principal: c.input.Principal, Session: c.input.Session,
			Connection: c.input.Connection, Call: c.input.Call,
		}))
	}
	return events
}

// descriptionOf is the action for the record, without constants where one may
// belong to a column that is masked.
func (g *Gateway) descriptionOf(c *call) recorder.Described {
	blank := c.touchesMasked()
	action := c.action
	action.Display = scrubbed(action.Display)
	kept, err := recorder.NewAction(action, blank)
	if err != nil {
		g.log.Error("an action could not be recorded in full", "call", c.id, "error", err)
		kept = recorder.Action{Verb: action.Verb, Effect: action.Effect, Targets: action.Targets, Display: action.Blank}
	}
	d := recorder.Described{Action: kept}
	for _, p := range action.Params {
		if p = scrubbed(p); blank || action.Secret {
			p = "?"
		}
		d.Params = append(d.Params, p)
	}
	return d
}

func (c *call) event(at time.Time, body recorder.Body) recorder.Event {
	return recorder.Event{Time: at, Session: c.session.ID, Call: c.id, Body: body}
}
