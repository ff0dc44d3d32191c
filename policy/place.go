package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"
)

// checkFields looks for mistakes about the input's fields: first by OPA's type
// checker on the expanded rules, then for what types can't tell.
func (d *draft) checkFields() {
	rules := d.expand()
	d.report(d.compiler.PassesTypeCheckRules(rules))
	p := &places{draft: d, values: map[string]*field{}}
	for _, rule := range rules {
		p.rule(rule)
	}
}

// places follows which field of the input each variable stands for, through
// expanded rules. It finds fields that are looked up by a name that is not
// written out, and comparisons with words that a field never holds.
type places struct {
	*draft
	// values are the fields that the values of rules stand for.
	values map[string]*field
}

// scope is one body, with the variables of those around it.
type scope struct {
	*places
	vars map[ast.Var]*field
	// same are the terms that variables were set equal to.
	same map[ast.Var]*ast.Term
	// uses count how often the rule names a variable.
	uses map[ast.Var]int
	// line is that of the expression in hand.
	line *ast.Location
}

func (p *places) rule(rule *ast.Rule) {
	s := scope{p, map[ast.Var]*field{}, map[ast.Var]*ast.Term{}, map[ast.Var]int{}, rule.Location}
	ast.WalkVars(rule, func(v ast.Var) bool {
		s.uses[v]++
		return false
	})
	s.body(rule.Body)
	name, value := rule.Ref().String(), (*field)(nil)
	switch {
	case rule.Head.RuleKind() == ast.MultiValue:
		value = listOf(s.term(rule.Head.Key))
	case len(rule.Head.Args) == 0:
		value = s.term(rule.Head.Value)
	}
	if old, ok := p.values[name]; ok && !alike(old, value) {
		value = nil
	}
	p.values[name] = value
}

func (s scope) inner() scope {
	s.vars, s.same = maps.Clone(s.vars), maps.Clone(s.same)
	return s
}

func (s scope) body(body ast.Body) {
	for _, expr := range body {
		s.line = expr.Location
		s.expr(expr)
	}
}

// fault reports at a term, or at its expression where the compiler made the
// term.
func (s scope) fault(t *ast.Term, format string, args ...any) {
	at := t.Location
	if at == nil || at.File == "" {
		at = s.line
	}
	s.errorAt(at, format, args...)
}

func (s scope) expr(expr *ast.Expr) {
	terms, ok := expr.Terms.([]*ast.Term)
	if !ok {
		if term, ok := expr.Terms.(*ast.Term); ok {
			s.term(term)
		}
		return
	}
	var fields []*field
	for _, operand := range terms[1:] {
		fields = append(fields, s.term(operand))
	}
	s.call(terms[0].String(), terms[1:], fields)
}

// call looks at a call of a built-in function, = and != among them.
func (s scope) call(name string, args []*ast.Term, fields []*field) {
	switch name {
	case ast.Equality.Name, ast.Equal.Name, ast.NotEqual.Name, ast.Assign.Name:
		s.meet(args[0], fields[1])
		s.meet(args[1], fields[0])
		if v, ok := args[0].Value.(ast.Var); ok {
			s.same[v] = args[1]
		}
	case ast.Member.Name:
		s.among(args[0], fields[0], args[1], fields[1])
	case ast.MemberWithKey.Name:
		s.among(args[1], fields[1], args[2], fields[2])
	case ast.ObjectGet.Name:
		s.get(args, fields[0])
	default:
		if s.hands(name) {
			s.whole(name, args, fields)
		}
	}
}

// hands reports whether a built-in function hands on what it is given, so that
// it can't be followed further.
func (s scope) hands(name string) bool {
	if strings.HasPrefix(name, "json.") || strings.HasPrefix(name, "yaml.") {
		return true // through text, and back
	}
	builtin, ok := ast.BuiltinMap[name]
	if !ok {
		return false
	}
	switch builtin.Decl.Result().(type) {
	case types.Boolean, types.Number, types.String, types.Null:
		return false
	}
	return true
}

// whole refuses functions after which a misspelt field would go unseen.
func (s scope) whole(name string, args []*ast.Term, fields []*field) {
	if i := slices.IndexFunc(fields, (*field).holdsClosed); i >= 0 {
		s.fault(args[i], "%s on %s: fields of the input must be named, as in %s, or a misspelt one would go unseen",
			name, fields[i].path, fields[i].example())
	}
}

// get treats object.get as the reference that it stands for.
func (s scope) get(args []*ast.Term, f *field) {
	path := []*ast.Term{args[1]}
	if list, ok := args[1].Value.(*ast.Array); ok {
		path = items(list)
	}
	for _, key := range path {
		name, constant := key.Value.(ast.String)
		switch {
		case f.closed() && !constant:
			s.whole(ast.ObjectGet.Name, args[:1], []*field{f})
			return
		case f.closed() && f.members[string(name)] == nil:
			s.fault(args[0], "object.get: %s has no field %s%s (fields: %s)",
				f.path, key, suggest(string(name), f.names()), strings.Join(f.names(), ", "))
			return
		}
		f = f.step(key.Value)
	}
	if len(args) == 4 {
		s.meet(args[3], f)
	}
}

// among looks at `item in list`.
func (s scope) among(item *ast.Term, f *field, list *ast.Term, in *field) {
	if in != nil {
		s.meet(item, in.items)
	}
	for _, element := range s.elements(list) {
		s.meet(element, f)
	}
}

// elements are those of a list or set that is written out, here or in a rule.
func (s scope) elements(list *ast.Term) []*ast.Term {
	switch v := list.Value.(type) {
	case *ast.Array:
		return items(v)
	case ast.Set:
		return v.Slice()
	case ast.Var:
		if other, ok := s.same[v]; ok && !other.Equal(list) {
			return s.elements(other)
		}
	case ast.Ref:
		if rules := s.compiler.GetRulesExact(v); len(rules) == 1 && rules[0].Head.Value != nil {
			if value := rules[0].Head.Value; value.IsGround() {
				return s.elements(value)
			}
		}
	}
	return nil
}

func items(list *ast.Array) []*ast.Term {
	var terms []*ast.Term
	list.Foreach(func(t *ast.Term) { terms = append(terms, t) })
	return terms
}

// meet says that a term stands for a field: a variable then leads there, and a
// constant must be a word that the field can hold.
func (s scope) meet(t *ast.Term, f *field) {
	if f == nil {
		return
	}
	switch v := t.Value.(type) {
	case ast.Var:
		if s.vars[v] == nil {
			s.vars[v] = f
		}
	case ast.String:
		if f.words != nil && f.words[string(v)] == nil {
			words := slices.Sorted(maps.Keys(f.words))
			s.fault(t, "%s is never %s%s (words: %s)",
				f.path, t, suggest(string(v), words), strings.Join(words, ", "))
		}
	case *ast.Array:
		v.Foreach(func(item *ast.Term) { s.meet(item, f.items) })
	case ast.Object:
		v.Foreach(func(key, value *ast.Term) { s.meet(value, f.step(key.Value)) })
	}
}
