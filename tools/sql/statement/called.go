package statement

import (
	"cmp"
	"slices"

	"github.com/chaperone-dev/chaperone/tools"
)

// Object is something that a statement uses, as the server resolves it.
type Object struct {
	// Class is "function", "operator" or "type".
	Class string `json:"class"`
	OID   uint32 `json:"oid"`
}

// call is a function that running a statement may run.
type call struct {
	function *Function
	// through is what the server would name if the statement used it.
	through Object
	// certain says that the statement can't do without it.
	certain bool
}

// impureCalls are all functions that running the statement may run and that do
// more than compute.
func (w *world) impureCalls(s names) []call {
	var out []call
	for _, name := range sortedNames(s.functions) {
		out = append(out, w.callsNamed(name)...)
	}
	operators := set[Name]{}
	operators.addAll(s.operators)
	for _, sign := range comparisons {
		operators.add(Name{"", sign})
	}
	for _, name := range sortedNames(operators) {
		for _, o := range w.operatorsNamed(name) {
			if f := w.functions[o.Function]; f != nil && !w.readOnly(f) {
				out = append(out, call{function: f, through: Object{"operator", o.OID}})
			}
		}
	}
	for _, c := range w.casts {
		if f := w.functions[c.Function]; f != nil && !w.readOnly(f) {
			out = append(out, call{function: f, through: Object{"function", f.OID}})
		}
	}
	return append(out, w.typeCalls(s)...)
}

// narrow leaves out calls through objects that the server, which knows, does
// not use. It does not say which of its own it uses.
func narrow(calls []call, used map[Object]bool) []call {
	return slices.DeleteFunc(calls, func(c call) bool {
		return c.through.OID >= firstUserOID && !used[c.through]
	})
}

// callsNamed are the functions that a call by name may run.
func (w *world) callsNamed(name Name) []call {
	var out []call
	candidates := w.candidates(name)
	for _, f := range candidates {
		if !w.readOnly(f) {
			out = append(out, call{function: f, through: Object{"function", f.OID}})
		}
	}
	for i := range out {
		out[i].certain = len(out) == len(candidates)
	}
	return out
}

// typeCalls are the functions that making values runs: of types that the
// statement names, and of the columns that it may make values for.
func (w *world) typeCalls(s names) []call {
	oids := set[uint32]{}
	for _, names := range []set[Name]{s.types, s.functions} {
		for name := range names {
			for _, t := range w.typesNamed(name) {
				oids.add(t.OID)
			}
		}
	}
	for name := range s.relations {
		if r := w.relation(name); r != nil {
			for _, oid := range r.Types {
				oids.add(oid)
			}
		}
	}
	var out []call
	for oid := range oids {
		if t := w.types[oid]; t != nil {
			for _, f := range w.typeFunctions(t) {
				out = append(out, call{function: f, through: Object{"type", oid}})
			}
		}
	}
	return out
}

// candidates are the functions that a call may mean.
func (w *world) candidates(name Name) []*Function {
	var out []*Function
	for _, f := range w.functions {
		if f.Name.Name == name.Name && reachable(name.Schema, f.Schema, f.Visible) {
			out = append(out, f)
		}
	}
	return out
}

func (w *world) operatorsNamed(name Name) []*Operator {
	var out []*Operator
	for _, o := range w.operators {
		if o.Name.Name == name.Name && reachable(name.Schema, o.Schema, o.Visible) {
			out = append(out, o)
		}
	}
	return out
}

func (w *world) typesNamed(name Name) []*Type {
	var out []*Type
	for _, t := range w.types {
		if t.Name.Name == name.Name && reachable(name.Schema, t.Schema, t.Visible) {
			out = append(out, t)
		}
	}
	return out
}

// reachable reports whether a name written with schema, or without one, can
// mean an object of the other schema.
func reachable(written, schema string, visible bool) bool {
	return written == schema || written == "" && visible
}

// pure reports whether a call by this name can only compute from its arguments
// or from what every reader may know. The result of any other call may hold
// anything.
func (w *world) pure(name Name) bool {
	for _, f := range w.candidates(name) {
		effect, _ := w.trust.judge(f)
		if effect != tools.Read || reveals[f.Name.Name] || contains(w.trust.Functions, f.Schema+"."+f.Name.Name) {
			return false
		}
	}
	for _, t := range w.typesNamed(name) {
		if len(w.typeFunctions(t)) > 0 {
			return false
		}
	}
	return true
}

func (w *world) pureOperator(name Name) bool {
	for _, o := range w.operatorsNamed(name) {
		if f := w.functions[o.Function]; f == nil || !w.readOnly(f) {
			return false
		}
	}
	return true
}

func (w *world) impureCasts() bool {
	for _, c := range w.casts {
		if f := w.functions[c.Function]; f != nil && !w.readOnly(f) {
			return true
		}
	}
	return false
}

func (w *world) readOnly(f *Function) bool {
	effect, _ := w.trust.judge(f)
	return effect == tools.Read
}

// typeFunctions are the functions that making a value of the type runs: its
// own and those of the types inside it.
func (w *world) typeFunctions(t *Type) []*Function {
	var out []*Function
	for _, oid := range append([]uint32{t.OID}, t.Inner...) {
		inner := w.types[oid]
		if inner == nil || extensions[inner.Extension] {
			continue
		}
		for _, oid := range inner.Functions {
			if f := w.functions[oid]; f != nil && !w.readOnly(f) {
				out = append(out, f)
			}
		}
		for name := range w.checks[oid] {
			for _, f := range w.candidates(name) {
				if !w.readOnly(f) {
					out = append(out, f)
				}
			}
		}
	}
	return out
}

func sortedNames(names set[Name]) []Name {
	out := make([]Name, 0, len(names))
	for name := range names {
		out = append(out, name)
	}
	slices.SortFunc(out, func(a, b Name) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	return out
}
