package gateway

import (
	"context"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// judge answers a plan that discovers further actions. They may be allowed or
// denied, never held.
type judge struct {
	gateway *Gateway
	call    *call
	// before says that the call is only being described. People have not been
	// asked by then, so that a change that they would be asked about may be tried.
	// A read is no trial: one that a rule holds does not go out.
	before bool
}

// Masker implements tools.Gate.
func (j judge) Masker() tools.Masker { return j.call.masker }

// Judge implements tools.Gate. There are no verdicts unless they are recorded.
func (j judge) Judge(ctx context.Context, actions []tools.Action) ([]tools.Verdict, error) {
	verdicts := make([]tools.Verdict, len(actions))
	judged := recorder.Judged{Actions: make([]recorder.Judgement, len(actions))}
	worst := tools.Read
	for i, a := range actions {
		verdicts[i], judged.Actions[i] = j.judge(ctx, a)
		worst = tools.Worst(worst, a.Effect)
	}
	record, e := j.gateway.config.Record, j.call.event(j.gateway.now(), judged)
	if j.before {
		// Nothing that is asked for now changes anything, and the call itself is
		// not on record yet.
		j.call.tried.add(e)
		return verdicts, nil
	}
	var err error
	if worst == tools.Read {
		err = record.Note(e)
	} else {
		err = record.Append(ctx, e)
	}
	if err != nil {
		return nil, err
	}
	return verdicts, nil
}

// objection says why an action must not go out; nil lets it.
func (j judge) objection(a tools.Action, d policy.Decision, m tools.Masker) *tools.Refusal {
	held := d.Outcome == policy.Approve || d.Outcome == policy.Confirm
	switch {
	case held && j.before && a.Effect != tools.Read:
	case held:
		return &tools.Refusal{
			Rule: denied(d).Rule, Reason: "people would have to be asked about it, and it is not the call itself",
			Hint: "do it by a call of its own first",
		}
	case d.Outcome != policy.Allow:
		return denied(d)
	}
	if !a.Effect.Within(j.call.tool.Ceiling) {
		return j.gateway.beyond(j.call.tool, a)
	}
	return keepMasked(m, a.Flows)
}

// judge holds one action to what the call itself was held to.
func (j judge) judge(ctx context.Context, a tools.Action) (tools.Verdict, recorder.Judgement) {
	g, c := j.gateway, j.call
	d := c.decider.Decide(ctx, g.input(c, a))
	masker := d.Masks.Masker(g.maskKey)
	blank := d.Fault != "" || masker.Mask(a.Origins) != nil
	if blank {
		c.hides.Store(true)
	}
	why := j.objection(a, d, masker)
	if why == nil {
		c.session.stick(d.Labels)
	}
	return tools.Verdict{Allowed: why == nil, Refusal: why, Masker: masker}, recorder.Judgement{Action: g.kept(c, a, blank), Decision: d}
}
