package statement

import (
	"cmp"
	"maps"
	"slices"
	"strings"
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
	// through is what the server would name if the statement used it. Its
	// OID is 0 where the server would not tell.
	through Object
	// certain says that the statement can't do without it.
	certain bool
}

// impureCalls are all functions that running code with these names may run and
// that do more than compute.
func (w *world) impureCalls(n names) []call {
	return append(w.ownCalls(n), w.typeCalls(n)...)
}

// ownCalls are those other than by making values of types.
func (w *world) ownCalls(n names) []call {
	out := w.namedCalls(n)
	for _, c := range w.casts {
		if f := w.impure(c.Function); f != nil {
			out = append(out, call{function: f, through: Object{"function", f.OID}})
		}
	}
	return out
}

// namedCalls are the calls by function names and operators.
func (w *world) namedCalls(n names) []call {
	var out []call
	for _, name := range sortedNames(n.functions) {
		out = append(out, w.callsNamed(name)...)
	}
	for _, o := range w.operators {
		if !w.mayUse(n, o) {
			continue
		}
		for _, oid := range o.Functions {
			if f := w.impure(oid); f != nil {
				out = append(out, call{function: f, through: Object{"operator", o.OID}})
			}
		}
	}
	return out
}

// mayUse reports whether code with these names may use an operator: it writes
// it, or compares by it without writing it.
func (w *world) mayUse(n names, o *Operator) bool {
	if n.traits.has(compares) && (o.Sorts || o.Visible && comparisons.has(Name{"", o.Name.Name})) {
		return true
	}
	for name := range n.operators {
		if o.Name.Name == name.Name && reachable(name.Schema, o.Schema, o.Visible) {
			return true
		}
	}
	return false
}

// narrow leaves out calls through objects that the server, which knows, does
// not use, and makes the others certain. It does not say which of its own it uses.
func (w *world) narrow(calls []call, used map[Object]bool) []call {
	all := w.expand(used)
	var out []call
	for _, c := range calls {
		if c.through.OID < firstUserOID || all[c.through] {
			c.certain = true
			out = append(out, c)
		}
	}
	return out
}

// expand adds the types inside of those used.
func (w *world) expand(used map[Object]bool) map[Object]bool {
	all := maps.Clone(used)
	for o := range used {
		if t := w.types[o.OID]; o.Class == "type" && t != nil {
			for _, inner := range t.Inner {
				all[Object{"type", inner}] = true
			}
		}
	}
	return all
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

// typeCalls are the functions that making values runs, of types that are named
// and of those that named relations have.
func (w *world) typeCalls(n names) []call {
	var out []call
	for oid := range w.typesIn(n) {
		for _, f := range w.making(w.types[oid]) {
			out = append(out, call{function: f, through: Object{"type", oid}})
		}
	}
	return out
}

// typesIn are the types that names stand for.
func (w *world) typesIn(n names) set[uint32] {
	oids := set[uint32]{}
	for _, names := range []set[Name]{n.types, n.functions} {
		for name := range names {
			for _, t := range w.typesNamed(name) {
				oids.add(t.OID)
			}
		}
	}
	for name := range n.relations {
		if r := w.relation(name); r != nil {
			for _, oid := range r.Types {
				oids.add(oid)
			}
		}
	}
	return oids
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
	return written == schema || written == "" && visible || written == "pg_temp" && strings.HasPrefix(schema, "pg_temp_")
}

// impure is a function by OID if it does more than compute, or nil.
func (w *world) impure(oid uint32) *Function {
	if f := w.functions[oid]; f != nil && !w.readOnly(f) {
		return f
	}
	return nil
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
