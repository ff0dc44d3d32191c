package server

import (
	"context"
	"encoding/json"
	"strings"
	"sync"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/tools"
)

// fake is a family, and its one target, that does what a test tells it to. Its
// tools take one argument, the name of what to do.
type fake struct {
	mu   sync.Mutex
	runs map[string]func(context.Context) (tools.Result, error)
	// ran counts what was done, by name.
	ran map[string]int
}

func newFake() *fake {
	return &fake{runs: map[string]func(context.Context) (tools.Result, error){}, ran: map[string]int{}}
}

// on says what a name does. A name that is not told of yields its own text.
func (f *fake) on(name string, run func(context.Context) (tools.Result, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs[name] = run
}

// count is how often a name was done.
func (f *fake) count(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ran[name]
}

// held is what a test can stop in the middle.
type held struct{ begun, release, done chan struct{} }

// hold makes a name wait to be released, or for its context to end.
func (f *fake) hold(name string) *held {
	h := &held{make(chan struct{}, 1000), make(chan struct{}), make(chan struct{}, 1000)}
	f.on(name, func(ctx context.Context) (tools.Result, error) {
		defer func() { h.done <- struct{}{} }()
		h.begun <- struct{}{}
		select {
		case <-h.release:
			return text("released"), nil
		case <-ctx.Done():
			return nil, &tools.Failure{Message: "the run was cancelled", Plain: "the run was cancelled"}
		}
	})
	return h
}

const fakeInput = `{"type":"object","properties":{"do":{"type":"string"}},"required":["do"],"additionalProperties":false}`
const fakeOutput = `{"type":"object","properties":{"text":{"type":"string"}},"additionalProperties":false}`

func (f *fake) Name() string { return "fake" }

func (f *fake) Tools() []tools.Tool {
	return []tools.Tool{
		{Name: "fake_read", Title: "Read", Description: "Reads.", Ceiling: tools.Read, Idempotent: true, Input: json.RawMessage(fakeInput), Output: json.RawMessage(fakeOutput)},
		{Name: "fake_write", Title: "Write", Description: "Writes.", Ceiling: tools.Write, Input: json.RawMessage(fakeInput), Output: json.RawMessage(fakeOutput)},
	}
}

func (f *fake) FactsSchema() json.RawMessage { return json.RawMessage(`{"type":"object"}`) }

func (f *fake) Samples() []tools.Action {
	return []tools.Action{{Verb: "look", Effect: tools.Read, Targets: []tools.Target{}}}
}

func (f *fake) Open(tools.ConnectionConfig) (tools.Connection, error) { return f, nil }

func (f *fake) Check(context.Context) []tools.Finding { return nil }

func (f *fake) Close() error { return nil }

func (f *fake) Describe(_ context.Context, r tools.Request) (tools.Plan, error) {
	var args struct {
		Do string `json:"do"`
	}
	if err := tools.DecodeArgs(r.Args, &args); err != nil {
		return nil, &tools.Refusal{Rule: "arguments", Reason: err.Error()}
	}
	if args.Do == "refuse" {
		return nil, &tools.Refusal{Rule: "fake-rule", Reason: "it was told to refuse", Hint: "do something else"}
	}
	effect := tools.Read
	if r.Tool == "fake_write" {
		effect = tools.Write
	}
	return fakePlan{f, args.Do, effect}, nil
}

type fakePlan struct {
	fake   *fake
	do     string
	effect tools.Effect
}

func (p fakePlan) Action() tools.Action {
	return tools.Action{Verb: "do", Effect: p.effect, Targets: []tools.Target{}, Display: p.do, Blank: "do", Why: "it was asked for"}
}

func (p fakePlan) Run(ctx context.Context, gate tools.Gate, _ tools.Limits) (tools.Result, error) {
	p.fake.mu.Lock()
	p.fake.ran[p.do]++
	run := p.fake.runs[p.do]
	p.fake.mu.Unlock()
	if words, ok := strings.CutPrefix(p.do, "stream "); ok {
		for word := range strings.FieldsSeq(words) {
			if err := gate.Stream("stdout", word+"\n"); err != nil {
				return nil, err
			}
		}
	}
	if run == nil {
		return text(p.do), nil
	}
	return run(ctx)
}

// text is a result of one text.
type text string

func (r text) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"text": string(r)})
}

func (text) Mask(tools.Masker, tools.Scrub) {}

func (text) Stats() tools.Stats { return tools.Stats{} }

func (text) Next() string { return "" }

// rules is a policy for tests: it denies what says so, and masks nothing.
type rules struct{}

func (rules) Decide(_ context.Context, in *policy.Input) policy.Decision {
	d := policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "all"}}, Masks: obligation.Masks{}, Policy: "test"}
	if strings.HasPrefix(in.Action.Display, "denied") {
		d.Outcome, d.Rules = policy.Deny, []policy.Rule{{Name: "no", Message: "policy says no", Hint: "ask nicely"}}
	}
	if strings.HasPrefix(in.Action.Display, "confirm") {
		d.Outcome, d.Confirm = policy.Confirm, []obligation.Confirm{{Rule: "sure", Message: "Are you sure"}}
	}
	if strings.HasPrefix(in.Action.Display, "hold") {
		d.Outcome, d.Approve = policy.Approve, obligation.Approvals{{Rule: "held", Groups: []string{"dba"}, Count: 1}}
	}
	return d
}

func (rules) Reads(...string) bool { return false }
