package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// checkSamples holds the inputs that tests write out to the input's schema. A
// test on a field that does not exist proves nothing.
func (d *draft) checkSamples(module *ast.Module) {
	for _, rule := range module.Rules {
		s := sampler{d, module, map[ast.Var]*ast.Term{}}
		ast.WalkExprs(rule, func(expr *ast.Expr) bool {
			if v, ok := assigned(expr); ok {
				s.local[v] = expr.Operand(1)
			}
			return false
		})
		ast.WalkWiths(rule, func(w *ast.With) bool {
			if ref, ok := w.Target.Value.(ast.Ref); ok && ref.HasPrefix(ast.InputRootRef) {
				s.check(w.Value, s.target(w.Target, ref), 0)
			}
			return false
		})
	}
}

func assigned(expr *ast.Expr) (ast.Var, bool) {
	if !expr.IsAssignment() {
		return "", false
	}
	v, ok := expr.Operand(0).Value.(ast.Var)
	return v, ok
}

type sampler struct {
	*draft
	module *ast.Module
	local  map[ast.Var]*ast.Term
}

// target returns the field that `with input.a.b` replaces.
func (s sampler) target(t *ast.Term, ref ast.Ref) *field {
	f := s.input
	for _, key := range ref[1:] {
		f = s.member(t, f, key)
	}
	return f
}

// member returns the field under a key, nil when it is not known; a closed
// object without that key is an error.
func (s sampler) member(at *ast.Term, f *field, key *ast.Term) *field {
	name, constant := key.Value.(ast.String)
	if f.closed() && constant && f.members[string(name)] == nil {
		s.errorAt(at.Location, "%s has no field %s%s (fields: %s)",
			f.path, key, suggest(string(name), f.names()), strings.Join(f.names(), ", "))
	}
	return f.step(key.Value)
}

// check follows what is written out, through variables and rules of the same
// file, to a bounded depth as rules may be wrong in any way.
func (s sampler) check(t *ast.Term, f *field, depth int) {
	if f == nil || depth > deepest {
		return
	}
	switch v := t.Value.(type) {
	case ast.Object:
		s.expect(t, f, "object")
		v.Foreach(func(key, value *ast.Term) { s.check(value, s.member(key, f, key), depth+1) })
	case *ast.Array:
		s.expect(t, f, "array")
		v.Foreach(func(item *ast.Term) { s.check(item, f.items, depth+1) })
	case ast.String:
		s.expect(t, f, "string")
		if f.words != nil && f.words[string(v)] == nil {
			s.errorAt(t.Location, "%s is never %s (words: %s)", f.path, t, strings.Join(slices.Sorted(maps.Keys(f.words)), ", "))
		}
	case ast.Number:
		s.expect(t, f, "number", "integer")
	case ast.Boolean:
		s.expect(t, f, "boolean")
	case ast.Var:
		if value := s.value(v); value != nil {
			s.check(value, f, depth+1)
		}
	case ast.Call:
		s.call(v, f, depth)
	}
}

// call follows what a function of the same file returns, and object.union.
func (s sampler) call(call ast.Call, f *field, depth int) {
	if call[0].String() == ast.ObjectUnion.Name {
		s.check(call[1], f, depth+1)
		s.check(call[2], f, depth+1)
		return
	}
	if value := s.value(ast.Var(call[0].String())); value != nil {
		s.check(value, f, depth+1)
	}
}

func (s sampler) expect(t *ast.Term, f *field, kinds ...string) {
	if !slices.Contains(kinds, f.kind) {
		s.errorAt(t.Location, "%s is of type %s, not %s", f.path, f.kind, kinds[0])
	}
}

// value returns what a variable is set to, here or by a rule of the file, or
// what a function of the file returns.
func (s sampler) value(v ast.Var) *ast.Term {
	if t := s.local[v]; t != nil {
		return t
	}
	for _, rule := range s.module.Rules {
		if rule.Head.Name == v && rule.Head.Value != nil {
			return rule.Head.Value
		}
	}
	return nil
}
