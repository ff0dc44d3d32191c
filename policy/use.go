package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// checkUse finds rules that no decision asks for. In package chaperone a set
// that nothing asks for is a misspelt one, and would silently not be enforced.
func (d *draft) checkUse() {
	used := d.used()
	seen := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(d.compiler.Modules)) {
		for _, rule := range d.compiler.Modules[path].Rules {
			name := rule.Ref().GroundPrefix().String()
			if !used[rule] && !seen[name] {
				seen[name] = true
				d.unused(rule)
			}
		}
	}
	if !d.adds(setAllow) && !d.adds("approve") && !d.adds("confirm") {
		d.warnAt(nil, "no rule adds to allow, approve or confirm: every call is denied")
	}
}

// used are the rules that the sets of the contract ask for, directly or not.
func (d *draft) used() map[*ast.Rule]bool {
	used := map[*ast.Rule]bool{}
	var visit func(*ast.Rule)
	visit = func(rule *ast.Rule) {
		if used[rule] {
			return
		}
		used[rule] = true
		for next := range d.compiler.Graph.Dependencies(rule) {
			if rule, ok := next.(*ast.Rule); ok {
				visit(rule)
			}
		}
	}
	for _, name := range setNames() {
		for _, rule := range d.rules(name) {
			visit(rule)
		}
	}
	return used
}

// rules are those that add to a set of the contract.
func (d *draft) rules(set string) []*ast.Rule {
	return d.compiler.GetRulesExact(packageRef().Append(ast.StringTerm(set)))
}

func (d *draft) adds(set string) bool { return len(d.rules(set)) > 0 }

func (d *draft) unused(rule *ast.Rule) {
	home := rule.Module.Package.Path
	name := ruleName(rule)
	if home.Equal(packageRef()) {
		report := d.warnAt
		if rule.Head.RuleKind() == ast.MultiValue {
			report = d.errorAt
		}
		report(rule.Location, "nothing asks for %s%s (sets that decide: %s)",
			name, suggest(name, setNames()), strings.Join(setNames(), ", "))
		return
	}
	where := strings.TrimPrefix(home.String(), "data.")
	if slices.Contains(setNames(), name) && mistaken(where) {
		d.errorAt(rule.Location, "%s in package %s decides nothing; it must be in package %s", name, where, packageName)
		return
	}
	d.warnAt(rule.Location, "package %s does not use %s of package %s", packageName, name, where)
}

// mistaken reports whether a package is likely meant to be ours.
func mistaken(name string) bool {
	return strings.HasPrefix(name, packageName+".") || distance(strings.ToLower(name), packageName) < 3
}

// checkData finds references to data that neither a file nor a rule holds: they
// are undefined whatever the call is.
func (d *draft) checkData() {
	for _, path := range slices.Sorted(maps.Keys(d.compiler.Modules)) {
		ast.WalkTerms(d.compiler.Modules[path], func(t *ast.Term) bool {
			if ref, ok := t.Value.(ast.Ref); ok && ref.HasPrefix(ast.DefaultRootRef) {
				d.checkDataRef(t.Location, ref)
			}
			return false
		})
	}
}

func (d *draft) checkDataRef(at *ast.Location, ref ast.Ref) {
	rules := d.compiler.RuleTree.Child(ref[0].Value)
	var document any = d.data
	for i, term := range ref[1:] {
		key, ok := term.Value.(ast.String)
		if !ok {
			return // any member, or a position in a list
		}
		object, _ := document.(map[string]any)
		value, found := object[string(key)]
		names := slices.Collect(maps.Keys(object))
		if rules != nil {
			names = append(names, childNames(rules)...)
			rules = rules.Child(key)
		}
		switch {
		case rules != nil && len(rules.Values) > 0:
			return // a rule's value: its type is checked
		case rules == nil && !found:
			d.errorAt(at, "%s: no data file and no rule holds %s%s (what may be absent needs an empty value)",
				ref, ref[:i+2], suggest(string(key), names))
			return
		}
		document = value
	}
}

func childNames(node *ast.TreeNode) []string {
	var names []string
	for key := range node.Children {
		names = append(names, strings.Trim(key.String(), `"`))
	}
	return names
}
