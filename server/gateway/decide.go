package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/tools"
)

// decide asks policy, and refuses what it denies. What it wants people to agree
// to is asked for later on the path.
func (g *Gateway) decide(ctx context.Context, c *call) error {
	c.input = g.input(c, c.action)
	c.decision = c.decider.Decide(ctx, c.input)
	c.isDecided = true
	c.masker = c.decision.Masks.Masker(g.maskKey)
	switch c.decision.Outcome {
	case policy.Allow, policy.Approve, policy.Confirm:
	default:
		return denied(c.decision)
	}
	if r := keepMasked(c.masker, c.action.Flows); r != nil {
		return r
	}
	return nil
}

// input is what policy judges an action of the call by.
func (g *Gateway) input(c *call, a tools.Action) *policy.Input {
	in := &policy.Input{
		Principal: c.session.Principal, Session: c.session.input(c.at), Connection: c.connection.Connection,
		Call:   policy.Call{Tool: c.tool.Name, Reason: c.reason, DryRun: c.request.DryRun, Time: c.at.UTC()},
		Action: a,
	}
	if c.preview != nil {
		in.Preview = &c.preview.Impact
	}
	return in
}

// denied is the refusal of a decision that denies.
func denied(d policy.Decision) *tools.Refusal {
	r := &tools.Refusal{Rule: "default-deny", Reason: "policy does not allow it"}
	if len(d.Rules) > 0 {
		first := d.Rules[0]
		r.Rule, r.Hint = first.Name, first.Hint
		if first.Message != "" {
			r.Reason = first.Message
		}
	}
	for _, more := range d.Rules[min(1, len(d.Rules)):] {
		r.Reason += fmt.Sprintf("; %s: %s", more.Name, more.Message)
	}
	return r
}

// keepMasked refuses to copy a value that is masked to where it would not be, or
// less; nil refuses nothing.
func keepMasked(m tools.Masker, flows []tools.Flow) *tools.Refusal {
	for _, flow := range flows {
		known := tools.Origins{Known: flow.From.Known, Made: flow.From.Made}
		if m.Mask(known) == nil || covers(m, flow.To, known) {
			continue
		}
		where := "where they are not masked"
		if m.Mask(flow.To) != nil {
			where = "whose mask would show parts of them that policy hides"
		}
		return &tools.Refusal{
			Rule:   "mask",
			Reason: fmt.Sprintf("it would copy values of %s, which policy masks, to %s, %s", masked(m, known), places(flow.To), where),
			Hint:   "leave the masked columns out",
		}
	}
	return nil
}

// covers reports whether the mask there leaves nothing of a value, or no more of
// it than the one on what is kept there.
func covers(m tools.Masker, there, kept tools.Origins) bool {
	is := m.Mask(there)
	if is == nil {
		return false
	}
	both, none := there, there
	both.Known, both.Made = slices.Concat(there.Known, kept.Known), slices.Concat(there.Made, kept.Made)
	none.Made = there.Known
	return is.Name() == m.Mask(both).Name() || is.Name() == m.Mask(none).Name()
}

// masked names the origins that a mask applies to.
func masked(m tools.Masker, o tools.Origins) string {
	var names []string
	for _, origin := range o.Known {
		if m.Mask(tools.Origins{Known: []tools.Origin{origin}}) != nil {
			names = append(names, string(origin))
		}
	}
	return strings.Join(names, ", ")
}

func places(o tools.Origins) string {
	if len(o.Known) == 0 {
		return "another place"
	}
	return string(o.Known[0])
}
