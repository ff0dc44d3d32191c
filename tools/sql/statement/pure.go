package statement

import (
	"slices"

	"github.com/chaperone-dev/chaperone/tools"
)

// pure reports whether a call by this name can only compute from its arguments
// or from what every reader may know. The result of any other call may hold
// anything.
func (w *world) pure(name Name) bool {
	if name == systemUser {
		return false
	}
	for _, f := range w.candidates(name) {
		effect, _ := w.trust.judge(f)
		if effect != tools.Read || reveals[f.Name.Name] || contains(w.trust.Functions, f.Schema+"."+f.Name.Name) {
			return false
		}
	}
	for _, t := range w.typesNamed(name) {
		if len(w.making(t)) > 0 {
			return false
		}
	}
	return true
}

// returnsSet reports whether a call by this name may yield any number of rows.
func (w *world) returnsSet(name Name) bool {
	return slices.ContainsFunc(w.candidates(name), func(f *Function) bool { return f.Set })
}

// systemUser is a call to our grammar, and to servers before version 16 a
// column of that name.
var systemUser = Name{systemSchema, "system_user"}

// pureOperator is the same of an operator.
func (w *world) pureOperator(name Name) bool {
	n := newNames()
	n.operators.add(name)
	for _, o := range w.operators {
		if w.mayUse(n, o) && slices.ContainsFunc(o.Functions, w.vouchedFor) {
			return false
		}
	}
	return len(w.namedCalls(n)) == 0
}

// vouchedFor reports whether the operator of the connection vouches for a
// function: it changes nothing, and may read anything.
func (w *world) vouchedFor(oid uint32) bool {
	f := w.functions[oid]
	return f != nil && contains(w.trust.Functions, f.Schema+"."+f.Name.Name)
}

// pureCasts reports whether no cast of the database's can do more than compute.
func (w *world) pureCasts() bool {
	for _, c := range w.casts {
		if w.impure(c.Function) != nil || w.vouchedFor(c.Function) {
			return false
		}
	}
	return true
}

func (w *world) readOnly(f *Function) bool {
	effect, _ := w.trust.judge(f)
	return effect == tools.Read
}
