package gateway

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/chaperone-dev/chaperone/tools"
)

// Call carries one call through every stage, in this order and no other:
//
//	identity -> describe -> decide -> preview -> confirm -> approve
//	         -> record intent -> run -> mask -> record outcome -> reply
//
// Whatever stops a call becomes a reply that says why. The run belongs to the
// gateway: ctx ends it only when the caller cancels or the gateway shuts down,
// never because a connection broke, and its outcome is recorded in any case.
func (g *Gateway) Call(ctx context.Context, s *Session, in Incoming) (reply Reply) {
	c := g.receive(s, in)
	defer func() {
		if fault := recover(); fault != nil {
			reply = g.panicked(c, fault, debug.Stack())
		}
	}()

	leave, err := g.identify(c)
	if err != nil {
		return g.stopped(c, stageIdentity, err)
	}
	defer leave()
	ctx, end := g.running.enter(ctx, c)
	defer end()

	if reply, done := g.recall(ctx, c); done {
		return reply
	}
	plan, err := g.describe(ctx, c)
	if err != nil {
		return g.stopped(c, stageDescribe, err)
	}
	if err := g.decide(ctx, c); err != nil {
		return g.stopped(c, stageDecide, err)
	}
	plan, err = g.preview(ctx, c, plan)
	if err != nil {
		return g.stopped(c, stagePreview, err)
	}
	if c.request.DryRun {
		return g.described(c)
	}
	if asked, err := g.confirm(ctx, c); err != nil {
		return g.stopped(c, stageConfirm, err)
	} else if asked {
		return g.asking(c)
	}
	if approved, err := g.approve(ctx, c); err != nil {
		return g.notTaken(ctx, c, stageApprove, err)
	} else if !approved {
		return g.pending(c)
	}
	if err := g.recordIntent(ctx, c); err != nil {
		return g.notTaken(ctx, c, stageRecord, err)
	}
	result, err := g.run(ctx, c, plan)
	if err != nil {
		return g.stopped(c, stageRun, err)
	}
	masked, err := g.mask(c, result)
	if err != nil {
		return g.stopped(c, stageMask, err)
	}
	if err := g.recordOutcome(c, masked); err != nil {
		return g.unrecorded(c, err)
	}
	return g.finished(c, masked)
}

// The stages at which a call may stop.
const (
	stageIdentity = "identity"
	stageDescribe = "describe"
	stageDecide   = "decide"
	stagePreview  = "preview"
	stageConfirm  = "confirm"
	stageApprove  = "approve"
	stageRecord   = "record"
	stageRun      = "run"
	stageMask     = "mask"
)

// receive gives the call its id. Nothing about it is believed yet.
func (g *Gateway) receive(s *Session, in Incoming) *call {
	now := g.now()
	return &call{id: ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String(), session: s, in: in, at: now}
}

// identify lets a verified principal in who has not too many calls under way,
// as long as calls can be recorded. leave is to be called at the end.
func (g *Gateway) identify(c *call) (leave func(), err error) {
	p := c.session.Principal
	if !p.Valid() {
		return nil, &tools.Refusal{Rule: "identity", Reason: "the caller is not known", Hint: "sign in"}
	}
	if err := g.unfrozen(c); err != nil {
		return nil, err
	}
	if err := g.config.Record.Ready(); err != nil {
		return nil, err
	}
	return g.busy.enter(callerKey(p))
}

// describe finds the tool and the connection, and turns the arguments into a
// plan. A tool refuses here what is worse than it may do.
func (g *Gateway) describe(ctx context.Context, c *call) (tools.Plan, error) {
	if err := g.open(c); err != nil {
		return nil, err
	}
	c.opened()
	if err := g.unfrozen(c); err != nil {
		return nil, err
	}
	plan, err := g.plan(ctx, c)
	if err != nil {
		return nil, err
	}
	c.describedAs(plan.Action())
	switch {
	case c.action.Effect == tools.Unknown:
		return nil, notUnderstood(c.action)
	case !c.action.Effect.Within(c.tool.Ceiling):
		return nil, g.beyond(c.tool, c.action)
	}
	return plan, nil
}

// The bounds of a call whose target does not answer, and whose family has no
// bound of its own. They keep a call from holding its place for ever.
const (
	describeTime = time.Minute
	runTime      = 15 * time.Minute
)

func (g *Gateway) plan(ctx context.Context, c *call) (tools.Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, describeTime)
	defer cancel()
	if c.tool.Family == "" {
		return g.describeAccess(c)
	}
	return c.connection.Target.Describe(ctx, c.request)
}

// run is the only place that runs a plan.
func (g *Gateway) run(ctx context.Context, c *call, plan tools.Plan) (tools.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	gate := judge{gateway: g, call: c}
	defer gate.endStreams()
	return plan.Run(ctx, gate, c.decision.Limits)
}

// beyond refuses an action that is worse than the tool may do, and names the
// tool that may.
func (g *Gateway) beyond(tool Tool, a tools.Action) *tools.Refusal {
	r := &tools.Refusal{
		Rule:   "tool-ceiling",
		Reason: fmt.Sprintf("%s takes nothing worse than a %s, and this is a %s: %s", tool.Name, tool.Ceiling, a.Effect, a.Why),
	}
	for _, t := range g.tools {
		if t.Family == tool.Family && a.Effect.Within(t.Ceiling) {
			r.Hint = fmt.Sprintf("use %s, and say why in reason", t.Name)
			break
		}
	}
	return r
}

func notUnderstood(a tools.Action) error {
	return &tools.Refusal{Rule: "not-understood", Reason: "nothing runs that is not understood: " + a.Why}
}
