package policy

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// Reads reports whether some rule may look at a place of the input, such as
// Reads("sql", "estimated_rows"), or at anything in it or around it. A family
// need not find out facts that no rule reads.
func (p *Policy) Reads(path ...string) bool {
	for _, ref := range p.reads {
		if overlaps(ref[1:], path) {
			return true
		}
	}
	return false
}

// overlaps reports whether one of the two leads to the other.
func overlaps(ref ast.Ref, path []string) bool {
	for i := range min(len(ref), len(path)) {
		if ref[i].Value.Compare(ast.String(path[i])) != 0 {
			return false
		}
	}
	return true
}

// inputRefs are the places of the input that rules name, each up to the first
// key that is not a constant.
func inputRefs(c *ast.Compiler) []ast.Ref {
	var refs []ast.Ref
	for _, module := range c.Modules {
		ast.WalkRefs(module, func(ref ast.Ref) bool {
			if ref.HasPrefix(ast.InputRootRef) {
				refs = append(refs, ref.ConstantPrefix())
			}
			return false
		})
	}
	return refs
}
