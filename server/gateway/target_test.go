package gateway

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/chaperone-dev/chaperone/tools"
)

// target is a family and its target. Its zero value describes everything as
// what the tool's ceiling is, and yields one text.
type target struct {
	trace *trace
	// describe and action change what is described, run what happens then, and
	// mask what becomes of the text.
	describe func(context.Context, tools.Request) error
	action   func(*tools.Action)
	run      func(context.Context, tools.Gate) (tools.Result, error)
	mask     func()
	// rehearse makes the preview of a write; nil makes none.
	rehearse func() *tools.Preview
	// held is the preview that the latest run was held to.
	held *tools.Preview
	// text is what a run yields, and next what it says of the rest.
	text, next string

	mu      sync.Mutex
	request tools.Request
}

const (
	fakeInput  = `{"type":"object","properties":{"do":{"type":"string"}},"additionalProperties":false}`
	fakeOutput = `{"type":"object","properties":{"text":{"type":"string"}},"additionalProperties":false}`
)

func (t *target) Name() string { return "fake" }

func (t *target) Tools() []tools.Tool {
	in, out := json.RawMessage(fakeInput), json.RawMessage(fakeOutput)
	return []tools.Tool{
		{Name: "fake_read", Ceiling: tools.Read, Pages: true, Input: in, Output: out},
		{Name: "fake_write", Ceiling: tools.Write, Input: in, Output: out},
	}
}

func (t *target) FactsSchema() json.RawMessage { return json.RawMessage(`{"type":"object"}`) }

func (t *target) Samples() []tools.Action {
	return []tools.Action{
		{Verb: "look", Effect: tools.Read, Targets: []tools.Target{}}, {Verb: "drop", Effect: tools.Write, Targets: []tools.Target{}},
	}
}

func (t *target) Open(tools.ConnectionConfig) (tools.Connection, error) { return t, nil }

func (t *target) Check(context.Context) []tools.Finding { return nil }

func (t *target) Close() error { return nil }

func (t *target) Describe(ctx context.Context, r tools.Request) (tools.Plan, error) {
	t.trace.add("describe")
	t.mu.Lock()
	t.request = r
	t.mu.Unlock()
	if t.describe != nil {
		if err := t.describe(ctx, r); err != nil {
			return nil, err
		}
	}
	a := tools.Action{Verb: "do", Effect: tools.Read, Targets: []tools.Target{}, Display: "do 'it'", Blank: "do ?", Why: "it was asked for"}
	if r.Tool == "fake_write" {
		a.Effect = tools.Write
	}
	if t.action != nil {
		t.action(&a)
	}
	if t.rehearse != nil && a.Effect != tools.Read {
		return rehearsed{plan{t, a}}, nil
	}
	return plan{t, a}, nil
}

// rehearsed is a plan that can be rehearsed.
type rehearsed struct{ plan }

func (p rehearsed) Preview(_ context.Context, measure bool) (*tools.Preview, error) {
	p.target.trace.add("rehearse, measured: %v", measure)
	return p.target.rehearse(), nil
}

func (p rehearsed) HoldTo(preview *tools.Preview, tolerance float64) tools.Plan {
	p.target.trace.add("held to %d rows within %g", preview.Rows, tolerance)
	p.target.mu.Lock()
	defer p.target.mu.Unlock()
	p.target.held = preview
	return p.plan
}

type plan struct {
	target *target
	action tools.Action
}

func (p plan) Action() tools.Action { return p.action }

func (p plan) Run(ctx context.Context, gate tools.Gate, limits tools.Limits) (tools.Result, error) {
	p.target.trace.add("run within %d rows", limits.Rows)
	if p.target.run != nil {
		return p.target.run(ctx, gate)
	}
	return p.target.result(), nil
}

func (t *target) result() tools.Result { return &result{target: t, text: t.text} }

type result struct {
	target *target
	text   string
}

func (r *result) Mask(m tools.Masker, scrub tools.Scrub) {
	r.target.trace.add("mask")
	if r.target.mask != nil {
		r.target.mask()
	}
	if hide := m.Mask(secretOrigin); hide != nil {
		r.text, _ = hide.Apply(r.text)
	}
	r.text = scrub(r.text)
}

func (r *result) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"text": r.text})
}

func (r *result) Stats() tools.Stats { return tools.Stats{RowsRead: 3} }

func (r *result) Next() string { return r.target.next }
