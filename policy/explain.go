package policy

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Explanation is a decision with what became of each rule that could have
// taken part in it.
type Explanation struct {
	Decision Decision `json:"decision"`
	// Rules are all that add to the sets of the contract, by file and line.
	Rules []RuleTrace `json:"rules"`
}

// RuleTrace says what became of one rule.
type RuleTrace struct {
	// Set is what the rule adds to: "allow", "deny".
	Set  string `json:"set"`
	File string `json:"file"`
	Line int    `json:"line"`
	// Text is the rule's first line, as it is written.
	Text  string `json:"text"`
	Fired bool   `json:"fired"`
	// Stopped is the expression that kept the rule from firing: of all
	// attempts, the one that came furthest. It is nil when the rule fired.
	Stopped *Stop `json:"stopped,omitempty"`
}

// Stop is an expression that was not true.
type Stop struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Explain judges an action like [Policy.Decide], and says why. It takes some
// ten times as long.
func (p *Policy) Explain(ctx context.Context, in *Input) Explanation {
	tracer := newRuleTracer()
	e := Explanation{Decision: p.judge(ctx, in, tracer)}
	for _, set := range setNames() {
		for _, rule := range p.compiler.GetRulesExact(packageRef().Append(ast.StringTerm(set))) {
			e.Rules = append(e.Rules, tracer.trace(set, rule))
		}
	}
	slices.SortFunc(e.Rules, func(a, b RuleTrace) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return e
}

// ruleTracer follows the bodies of rules. Expressions in functions and
// comprehensions count for these, not for the rule that uses them.
type ruleTracer struct {
	bodies  map[uint64]*ast.Rule
	fired   map[*ast.Rule]bool
	stopped map[*ast.Rule]*ast.Expr
}

func newRuleTracer() *ruleTracer {
	return &ruleTracer{map[uint64]*ast.Rule{}, map[*ast.Rule]bool{}, map[*ast.Rule]*ast.Expr{}}
}

func (*ruleTracer) Enabled() bool               { return true }
func (*ruleTracer) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent is called by the evaluation.
func (t *ruleTracer) TraceEvent(event topdown.Event) {
	switch node := event.Node.(type) {
	case *ast.Rule:
		t.bodies[event.QueryID] = node
		if event.Op == topdown.ExitOp {
			t.fired[node] = true
		}
	case *ast.Expr:
		rule := t.bodies[event.QueryID]
		if event.Op != topdown.FailOp || rule == nil {
			return
		}
		if furthest := t.stopped[rule]; furthest == nil || node.Index > furthest.Index {
			t.stopped[rule] = node
		}
	}
}

func (t *ruleTracer) trace(set string, rule *ast.Rule) RuleTrace {
	trace := RuleTrace{Set: set, Fired: t.fired[rule], Text: firstLine(rule.Location)}
	trace.File, trace.Line = rule.Location.File, rule.Location.Row
	if expr := t.stopped[rule]; expr != nil && !trace.Fired {
		trace.Stopped = stopAt(expr)
	}
	return trace
}

func stopAt(expr *ast.Expr) *Stop {
	return &Stop{expr.Location.File, expr.Location.Row, firstLine(expr.Location)}
}

func firstLine(at *ast.Location) string {
	line, _, _ := strings.Cut(string(at.Text), "\n")
	return line
}
