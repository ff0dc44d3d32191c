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
}

// Judge implements tools.Gate.
func (j judge) Judge(ctx context.Context, actions []tools.Action) ([]tools.Verdict, error) {
	g, c := j.gateway, j.call
	decider := g.config.Policy()
	verdicts := make([]tools.Verdict, len(actions))
	judged := recorder.Judged{Actions: make([]recorder.Judgement, 0, len(actions))}
	worst := tools.Read
	for i, a := range actions {
		d := decider.Decide(ctx, g.input(c, a))
		masker := d.Masks.Masker(g.maskKey)
		allowed := d.Outcome == policy.Allow && a.Effect.Within(c.tool.Ceiling)
		verdicts[i] = tools.Verdict{Allowed: allowed, Masker: masker}
		kept, err := recorder.NewAction(a, masker.Mask(a.Origins) != nil)
		if err != nil {
			return nil, err
		}
		judged.Actions = append(judged.Actions, recorder.Judgement{Action: kept, Decision: d})
		worst = tools.Worst(worst, a.Effect)
	}
	e := c.event(g.now(), judged)
	if worst == tools.Read {
		return verdicts, g.config.Record.Note(e)
	}
	return verdicts, g.config.Record.Append(ctx, e)
}
