package gateway

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/tools"
)

// own stands for the gateway itself where a call needs a connection.
var own = Connection{Connection: policy.Connection{Name: "chaperone", Family: "chaperone", Labels: map[string]string{}}}

// accessTool is the gateway's one tool of its own.
func accessTool() tools.Tool {
	return tools.Tool{
		Name: "access", Title: "What you can reach", Ceiling: tools.Read, Idempotent: true,
		Description: "List the connections that you can reach, their labels, and for each kind of action whether policy" +
			" allows it, wants an approval, or denies it, and why. What a rule says of particular tables or rows shows only" +
			" when a call is made. Start here.",
		Input: json.RawMessage(`{"type":"object","properties":{},"additionalProperties":false}`), Output: tools.SchemaOf[accessOutput](map[reflect.Type]*jsonschema.Schema{
			reflect.TypeFor[policy.Outcome](): tools.Words("deny", "approve", "confirm", "allow"),
		}),
	}
}

// accessOutput is the result of the tool access.
type accessOutput struct {
	You         you                `json:"you,omitzero"`
	Connections []accessConnection `json:"connections,omitempty"`
}

type you struct {
	Subject string   `json:"subject"`
	Groups  []string `json:"groups"`
	Method  string   `json:"method"`
}

type accessConnection struct {
	Name    string            `json:"name"`
	Family  string            `json:"family"`
	Labels  map[string]string `json:"labels"`
	Tools   []string          `json:"tools"`
	Actions []accessAction    `json:"actions"`
	Masked  []string          `json:"masked,omitempty" jsonschema:"columns whose values you will not see"`
}

type accessAction struct {
	Verb     string               `json:"verb"`
	Effect   tools.Effect         `json:"effect"`
	Outcome  policy.Outcome       `json:"outcome" jsonschema:"allow, confirm, approve or deny"`
	Rules    []policy.Rule        `json:"rules"`
	Approval []obligation.Approve `json:"approval,omitempty"`
}

// accessPlan asks policy about the sample actions of every connection.
type accessPlan struct {
	gateway *Gateway
	call    *call
}

func (g *Gateway) describeAccess(c *call) (tools.Plan, error) {
	var none struct{}
	if err := tools.DecodeArgs(c.request.Args, &none); err != nil {
		return nil, badArguments(err.Error())
	}
	return accessPlan{g, c}, nil
}

// Action implements tools.Plan.
func (p accessPlan) Action() tools.Action {
	const display = "list what the caller can reach"
	return tools.Action{Verb: "access", Effect: tools.Read, Targets: []tools.Target{}, Display: display, Blank: display}
}

// Run implements tools.Plan. It reaches no target.
func (p accessPlan) Run(ctx context.Context, _ tools.Gate, _ tools.Limits) (tools.Result, error) {
	me := p.call.session.Principal
	out := &accessResult{accessOutput{
		You:         you{Subject: me.Subject, Groups: orNone(me.Groups), Method: string(me.Method)},
		Connections: []accessConnection{},
	}}
	for _, conn := range p.gateway.config.Connections {
		if a, reachable := p.about(ctx, conn); reachable {
			out.Connections = append(out.Connections, a)
		}
	}
	return out, nil
}

// about asks policy about one connection. It is reachable if anything on it is
// not denied.
func (p accessPlan) about(ctx context.Context, conn Connection) (a accessConnection, reachable bool) {
	a = accessConnection{Name: conn.Name, Family: conn.Family, Labels: conn.Labels, Tools: []string{}}
	for _, t := range p.gateway.tools {
		if t.Family == conn.Family {
			a.Tools = append(a.Tools, t.Name)
		}
	}
	for _, sample := range p.gateway.samples(conn.Family) {
		input := p.gateway.input(p.call, sample)
		input.Connection = conn.Connection
		input.Call.Tool = p.gateway.toolFor(conn.Family, sample.Effect)
		d := p.call.decider.Decide(ctx, input)
		reachable = reachable || d.Outcome != policy.Deny
		a.Actions = append(a.Actions, accessAction{sample.Verb, sample.Effect, d.Outcome, d.Rules, d.Approve})
		for _, m := range d.Masks {
			a.Masked = append(a.Masked, m.Columns...)
		}
	}
	slices.Sort(a.Masked)
	a.Masked = slices.Compact(a.Masked)
	return a, reachable
}

func (g *Gateway) samples(family string) []tools.Action {
	for _, f := range g.config.Families {
		if f.Name() == family {
			return f.Samples()
		}
	}
	return nil
}

// toolFor is the first tool of a family that may do what has this effect.
func (g *Gateway) toolFor(family string, effect tools.Effect) string {
	for _, t := range g.tools {
		if t.Family == family && effect.Within(t.Ceiling) {
			return t.Name
		}
	}
	return ""
}

// accessResult is the result as the path takes it.
type accessResult struct{ accessOutput }

// MarshalJSON implements tools.Result.
func (r *accessResult) MarshalJSON() ([]byte, error) { return json.Marshal(r.accessOutput) }

// Mask implements tools.Result. What it holds is configuration and policy.
func (r *accessResult) Mask(tools.Masker, tools.Scrub) {}

// Stats implements tools.Result.
func (r *accessResult) Stats() tools.Stats { return tools.Stats{} }

// Next implements tools.Result.
func (r *accessResult) Next() string { return "" }

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
