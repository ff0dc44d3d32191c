package main

import (
	"context"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/gateway"
)

// describe describes a call of the command line for someone who writes a
// policy, as if who made it. It needs the connections, and neither the record nor
// a policy that is sound.
func (o *options) describe(ctx context.Context, f callFlags, who policy.Principal, args []string) (*policy.Input, error) {
	incoming, err := f.incoming(o, args)
	if err != nil {
		return nil, err
	}
	c, err := o.load()
	if err != nil {
		return nil, err
	}
	connections, err := app.Connect(c)
	if err != nil {
		return nil, err
	}
	defer app.Disconnect(connections)
	g, err := gateway.New(gateway.Config{
		Families: app.Families(), Connections: connections, Record: nothing{}, Log: o.logger(),
		Policy: func() gateway.Decider { return nothing{} },
	})
	if err != nil {
		return nil, err
	}
	return g.Explain(ctx, g.OpenSession(who, policy.Client{Name: "chaperone policy", Version: version()}, "cli"), incoming)
}

// nothing stands for the record and the policy where a gateway only describes. It
// takes no record, so that nothing runs.
type nothing struct{}

func (nothing) Append(context.Context, ...recorder.Event) error { return recorder.ErrUnavailable }
func (nothing) Note(...recorder.Event) error                    { return recorder.ErrUnavailable }
func (nothing) Ready() error                                    { return recorder.ErrUnavailable }
func (nothing) Key(string) [32]byte                             { return [32]byte{} }
func (nothing) Reads(...string) bool                            { return true }

// Decide lets a description ask the target for what it needs, which changes
// nothing there: what policy says is what the operator wants to find out.
func (nothing) Decide(context.Context, *policy.Input) policy.Decision {
	return policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "description"}}}
}
