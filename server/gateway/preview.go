package gateway

import (
	"context"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/tools"
)

// preview finds out what the call would touch, where a person will be asked, a
// rule looks at it, or the caller wants to know, and lets policy decide again
// by it. The plan that it returns is held to that.
func (g *Gateway) preview(ctx context.Context, c *call, plan tools.Plan) (tools.Plan, error) {
	rehearsed, ok := plan.(tools.Rehearsed)
	if !ok || !g.wantsPreview(c) {
		return plan, nil
	}
	g.attach(c)
	if c.approval != nil {
		// What the approvers saw is what counts, however things are now.
		c.preview = c.approval.Preview
	} else {
		found, err := g.rehearse(ctx, c, rehearsed)
		if err != nil {
			return nil, err
		}
		c.preview = found
	}
	if c.preview == nil {
		return plan, nil
	}
	tolerance := c.decision.Approve.Tolerance()
	if err := g.decide(ctx, c); err != nil {
		return nil, err
	}
	if c.approval == nil {
		c.preview.Mask(c.masker, scrubbed)
	}
	if c.decision.Outcome == policy.Approve {
		tolerance = c.decision.Approve.Tolerance()
	}
	return rehearsed.HoldTo(c.preview, tolerance), nil
}

func (g *Gateway) rehearse(ctx context.Context, c *call, plan tools.Rehearsed) (*tools.Preview, error) {
	ctx, cancel := context.WithTimeout(ctx, describeTime)
	defer cancel()
	return plan.Preview(ctx, c.decision.Approve.Measure())
}

func (g *Gateway) wantsPreview(c *call) bool {
	asks := c.decision.Outcome == policy.Approve || c.decision.Outcome == policy.Confirm
	changes := c.action.Effect != tools.Read
	return asks || c.request.DryRun || changes && c.decider.Reads("preview")
}
