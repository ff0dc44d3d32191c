package policy

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Bounds on expansion: on the expressions it makes of a policy, and on the
// comprehensions within each other, for which OPA's type checker takes twice as
// long with each.
const (
	mostExpanded    = 50_000
	deepestClosures = 10
)

// expander writes rules out for checking, so that what OPA's type checker does
// not look into stands where it does: the body of `every`, and the bodies of
// functions, with the arguments of the call in the place of the parameters. A
// field that is misspelt in a function is then found for the objects that are
// passed to it. The expanded rules are checked and never evaluated.
type expander struct {
	*draft
	// reserved are the words that are no variables.
	reserved map[ast.Var]bool
	// left is how many more expressions may be made, and depth how many
	// comprehensions are around the one in hand.
	left, depth int
	// names counts the variables made.
	names int
}

// expand returns copies of all live rules, those that others ask for first. It
// returns none, and reports why, when they grow too large.
func (d *draft) expand() []*ast.Rule {
	x := &expander{draft: d, left: mostExpanded, reserved: map[ast.Var]bool{"input": true, "data": true}}
	for _, builtin := range d.builtins.Builtins {
		name, _, _ := strings.Cut(builtin.Name, ".")
		x.reserved[ast.Var(name)] = true
	}
	sorted, _ := d.compiler.Graph.Sort()
	var rules []*ast.Rule
	for _, node := range sorted {
		rule, ok := node.(*ast.Rule)
		if !ok {
			continue
		}
		rule = rule.Copy()
		rule.Body = x.body(rule.Body)
		if x.left < 0 {
			d.errorAt(rule.Location, "functions and comprehensions nest too deeply here to be checked; make them flatter")
			return nil
		}
		rules = append(rules, rule)
	}
	return rules
}

func (x *expander) body(body ast.Body) ast.Body {
	var out ast.Body
	for _, expr := range body {
		if x.left--; x.left < 0 {
			return out
		}
		for _, e := range x.expr(expr) {
			out.Append(e)
		}
	}
	return out
}

func (x *expander) expr(expr *ast.Expr) []*ast.Expr {
	if every, ok := expr.Terms.(*ast.Every); ok {
		return x.every(expr, every)
	}
	if rules := x.function(expr); len(rules) > 0 {
		return x.call(expr, rules)
	}
	return []*ast.Expr{x.closures(expr)}
}

// every writes `every k, v in xs { body }` as `v = xs[k]; body`.
func (x *expander) every(expr *ast.Expr, every *ast.Every) []*ast.Expr {
	domain := x.fresh("")
	out := []*ast.Expr{
		equal(expr, domain, every.Domain),
		equal(expr, every.Value, ast.RefTerm(domain, every.Key)),
	}
	return append(out, x.body(every.Body)...)
}

// function returns the definitions of the function that an expression calls,
// nil when it calls none of the policy's own.
func (x *expander) function(expr *ast.Expr) []*ast.Rule {
	if !expr.IsCall() || !expr.Operator().HasPrefix(ast.DefaultRootRef) {
		return nil
	}
	return x.compiler.GetRulesExact(expr.Operator())
}

// call writes `f(a, out)` as `param = a; body; values = [value]; out = values[_]`
// with the params, body and value of each definition of f.
func (x *expander) call(expr *ast.Expr, rules []*ast.Rule) []*ast.Expr {
	operands := expr.Operands()
	params := len(rules[0].Head.Args)
	var out []*ast.Expr
	var values []*ast.Term
	for _, rule := range rules {
		for ; rule != nil && x.left >= 0; rule = rule.Else {
			own := x.rename(rule)
			for i, param := range own.Head.Args {
				out = append(out, equal(expr, param, operands[i]))
			}
			out = append(out, x.body(own.Body)...)
			values = append(values, own.Head.Value)
		}
	}
	if len(operands) > params {
		all := x.fresh("")
		out = append(out, equal(expr, all, ast.ArrayTerm(values...)),
			equal(expr, operands[params], ast.RefTerm(all, x.fresh(""))))
	}
	return out
}

// closures expands the comprehensions in an expression.
func (x *expander) closures(expr *ast.Expr) *ast.Expr {
	if x.depth++; x.depth > deepestClosures {
		x.left = -1
	}
	defer func() { x.depth-- }()
	expr = expr.Copy()
	ast.WalkClosures(expr, func(closure any) bool {
		switch c := closure.(type) {
		case *ast.ArrayComprehension:
			c.Body = x.body(c.Body)
		case *ast.SetComprehension:
			c.Body = x.body(c.Body)
		case *ast.ObjectComprehension:
			c.Body = x.body(c.Body)
		}
		return true
	})
	return expr
}

// rename copies a definition with variables of its own, so that none of them
// is taken for one of the caller's.
func (x *expander) rename(rule *ast.Rule) *ast.Rule {
	rule = rule.Copy()
	rule.Else = nil
	fresh := map[ast.Var]ast.Value{}
	_, err := ast.TransformVars(rule, func(v ast.Var) (ast.Value, error) {
		if x.reserved[v] || v.IsWildcard() {
			return v, nil
		}
		if fresh[v] == nil {
			fresh[v] = x.fresh(v).Value
		}
		return fresh[v], nil
	})
	if err != nil {
		x.errorAt(rule.Location, "%v", err)
	}
	return rule
}

// fresh returns a variable that occurs nowhere else, in the place of one that
// the policy knows or of none.
func (x *expander) fresh(original ast.Var) *ast.Term {
	x.names++
	// Far from the numbers that the compiler gives out.
	v := ast.Var(fmt.Sprintf("__local%d__", 1_000_000_000+x.names))
	if older, ok := x.renamed[original]; ok {
		original = older
	}
	if original != "" {
		x.renamed[v] = original
	}
	return ast.NewTerm(v)
}

// equal builds a = b at the place of an expression.
func equal(at *ast.Expr, a, b *ast.Term) *ast.Expr {
	return ast.Equality.Expr(a, b).SetLocation(at.Location)
}
