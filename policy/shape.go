package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/chaperone-dev/chaperone/policy/obligation"
)

// The sets whose elements are strings. The others are [obligation.Kinds].
const (
	setAllow = "allow"
	setLabel = "label"
)

// setNames lists the sets of the contract, in the order of the documentation.
func setNames() []string {
	names := []string{setAllow}
	for _, kind := range obligation.Kinds() {
		names = append(names, kind.Name)
	}
	return append(names, setLabel)
}

// checkShapes looks at rules as they are written: what adds to a set of the
// contract must be a partial set, and what it adds must be well-formed as far
// as that can be seen.
func (d *draft) checkShapes() {
	for _, path := range slices.Sorted(maps.Keys(d.modules)) {
		module := d.modules[path]
		ast.WalkWiths(module, func(w *ast.With) bool {
			d.errorAt(w.Location, "`with` belongs in tests: a decision must be about the call that is made")
			return false
		})
		d.checkPackage(module.Package)
		if !module.Package.Path.Equal(packageRef()) {
			continue
		}
		for _, rule := range module.Rules {
			if name := ruleName(rule); slices.Contains(setNames(), name) {
				d.checkRule(name, rule)
			}
		}
	}
}

func packageRef() ast.Ref {
	return ast.Ref{ast.DefaultRootDocument, ast.StringTerm(packageName)}
}

// ruleName is the first part of a rule's name.
func ruleName(rule *ast.Rule) string { return strings.Trim(rule.Head.Ref()[0].Value.String(), `"`) }

// checkPackage refuses a package that would hide one of the sets.
func (d *draft) checkPackage(p *ast.Package) {
	if len(p.Path) < 3 || !p.Path.HasPrefix(packageRef()) {
		return
	}
	if name, ok := p.Path[2].Value.(ast.String); ok && slices.Contains(setNames(), string(name)) {
		d.errorAt(p.Location, "package %s.%s would hide the set %s; name it otherwise", packageName, string(name), string(name))
	}
}

func (d *draft) checkRule(name string, rule *ast.Rule) {
	head := rule.Head
	if head.RuleKind() != ast.MultiValue || len(head.Ref()) != 1 || len(head.Args) > 0 || rule.Default || rule.Else != nil {
		d.errorAt(rule.Location, "%s is a set that rules add to; write `%s contains %s if { ... }`", name, name, sample(name))
		return
	}
	element := written(head.Key, rule.Body)
	if err := checkElement(name, element); err != nil {
		d.errorAt(element.Location, "%s: %v", name, err)
	}
}

func sample(name string) string {
	for _, kind := range obligation.Kinds() {
		if kind.Name == name {
			return kind.Example
		}
	}
	return `"a name"`
}

// written returns what a head's variable is assigned in the body, or the head's
// term itself.
func written(key *ast.Term, body ast.Body) *ast.Term {
	for _, expr := range body {
		if expr.IsAssignment() && expr.Operand(0).Equal(key) {
			return expr.Operand(1)
		}
	}
	return key
}

// checkElement checks an element as far as it is written out.
func checkElement(name string, element *ast.Term) error {
	switch element.Value.(type) {
	case ast.Var, ast.Ref, ast.Call, *ast.TemplateString:
		return nil // known only when the rule fires
	}
	for _, kind := range obligation.Kinds() {
		if kind.Name == name {
			return checkObject(kind, element)
		}
	}
	text, ok := element.Value.(ast.String)
	switch {
	case !ok:
		return fmt.Errorf("must be a string, not %s", element)
	case name == setLabel:
		return obligation.CheckLabel(string(text))
	case strings.TrimSpace(string(text)) == "":
		return fmt.Errorf("name the rule: the string may not be empty")
	}
	return nil
}

// checkObject checks an object with the example's values in the place of those
// that are not constants.
func checkObject(kind obligation.Kind, element *ast.Term) error {
	object, ok := element.Value.(ast.Object)
	if !ok {
		return fmt.Errorf("must be an object like %s", kind.Example)
	}
	var example map[string]json.RawMessage
	if err := json.Unmarshal([]byte(kind.Example), &example); err != nil {
		return fmt.Errorf("example of %s: %w", kind.Name, err)
	}
	values := map[string]json.RawMessage{}
	for _, key := range object.Keys() {
		name, ok := key.Value.(ast.String)
		if !ok {
			return fmt.Errorf("key %s must be written out as a string", key)
		}
		values[string(name)] = json.RawMessage(`""`)
		if text, constant := constantJSON(object.Get(key)); constant {
			values[string(name)] = text
		} else if stand, known := example[string(name)]; known {
			values[string(name)] = stand
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	return kind.Check(text)
}

// constantJSON returns the constants of a term; ok is false when it has none.
func constantJSON(t *ast.Term) (text json.RawMessage, ok bool) {
	switch v := t.Value.(type) {
	case *ast.Array:
		return constantList(v.Len(), v.Foreach)
	case ast.Set:
		return constantList(v.Len(), v.Foreach)
	}
	if !ast.IsConstant(t.Value) {
		return nil, false
	}
	text, err := appendJSON(nil, t.Value)
	return text, err == nil
}

func constantList(n int, each func(func(*ast.Term))) (text json.RawMessage, ok bool) {
	var found []*ast.Term
	each(func(t *ast.Term) {
		if ast.IsConstant(t.Value) {
			found = append(found, t)
		}
	})
	text, err := appendJSON(nil, ast.NewArray(found...))
	return text, err == nil && (n == 0 || len(found) > 0)
}
