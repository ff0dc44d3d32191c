package gateway

import (
	"context"

	"github.com/chaperone-dev/chaperone/policy"
)

// Explain describes a call as Call would, and returns what policy would be
// asked about it. Nothing runs and nothing is recorded: it is for people who
// write policies, at the operator's own command line.
func (g *Gateway) Explain(ctx context.Context, s *Session, in Incoming) (*policy.Input, error) {
	c := g.receive(s, in)
	if err := g.open(c); err != nil {
		return nil, err
	}
	c.request.Wanted = func(string) bool { return true }
	plan, err := g.plan(ctx, c)
	if err != nil {
		return nil, err
	}
	return g.input(c, plan.Action()), nil
}
