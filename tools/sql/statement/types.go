package statement

import (
	"slices"
	"strings"
)

// making are the impure functions that making a value of the type runs: its
// own, those of the types inside it, and those of the types that the checks of
// its domains make values of. Checks may lead in circles.
func (w *world) making(t *Type) []*Function {
	var out []*Function
	seen := set[uint32]{}
	for next := []*Type{t}; len(next) > 0; {
		t, next = next[0], next[1:]
		if t == nil || seen.has(t.OID) {
			continue
		}
		seen.add(t.OID)
		functions, more := w.ownMaking(t)
		out = append(out, functions...)
		for _, oid := range slices.Concat(t.Inner, more) {
			next = append(next, w.types[oid])
		}
	}
	return out
}

// ownMaking is what the type itself adds: input and output functions, unless
// they came with an extension, and the check of a domain, with the types that
// it makes values of.
func (w *world) ownMaking(t *Type) (out []*Function, more []uint32) {
	if t.Extension == "" {
		for _, oid := range t.Functions {
			if f := w.impure(oid); f != nil {
				out = append(out, f)
			}
		}
	}
	check := w.checks[t.OID]
	for _, c := range w.narrow(w.ownCalls(check.names), check.uses) {
		out = append(out, c.function)
	}
	used := w.expand(check.uses)
	for oid := range w.typesIn(check.names) {
		if used[Object{"type", oid}] {
			more = append(more, oid)
		}
	}
	return out, more
}

// parsedEarly reports whether turning a string constant of the statement into
// a value of the type runs impure functions. The server does so as soon as it
// parses a statement, though the check of a plain domain runs later.
func (w *world) parsedEarly(t *Type, traits set[trait]) bool {
	for t != nil && t.Kind == domainKind {
		t = w.types[t.Base]
	}
	switch {
	case t == nil || len(w.making(t)) == 0:
		return false
	case t.Kind == baseKind && len(t.Inner) == 0:
		return traits.has(literals)
	}
	return traits.has(nested)
}

// dangerousToParse reports whether the server may run impure functions when it
// only parses the statement.
func (w *world) dangerousToParse(n names) bool {
	for _, t := range w.types {
		if w.parsedEarly(t, n.traits) {
			return true
		}
	}
	return false
}

// unseen are calls that the server makes by the types at hand, and would not
// name if it were asked.
func (w *world) unseen(n names) []call {
	var out []call
	add := func(oids ...uint32) {
		for _, oid := range oids {
			if f := w.impure(oid); f != nil {
				out = append(out, call{function: f, certain: true})
			}
		}
	}
	populates, measures := n.any(populating, "#="), n.any(nil, measuring...)
	for _, t := range w.types {
		if t.Kind == baseKind && t.Extension == "" {
			add(t.Functions...)
		}
		if n.traits.has(compares) {
			add(t.Support...)
		}
		if measures {
			add(t.Distance)
		}
		if populates {
			for _, f := range w.making(t) {
				out = append(out, call{function: f, certain: true})
			}
		}
	}
	if n.any(buildsJSON) {
		for _, c := range w.casts {
			if c.JSON && w.types[c.Source] != nil {
				add(c.Function)
			}
		}
	}
	return out
}

// populating are functions that make values, from text, by the type of an
// argument; so does hstore's operator #=.
func populating(function string) bool { return strings.Contains(function, "populate_record") }

// buildsJSON are functions that look for a cast to json.
func buildsJSON(function string) bool {
	return strings.HasPrefix(function, "json") || strings.HasSuffix(function, "to_json") || function == "to_jsonb"
}

// measuring are operators whose selectivity the planner estimates by distances.
var measuring = []string{"&&", "@>", "<@", "<<", ">>", "&<", "&>", "-|-", "<", "<=", ">", ">=", "BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC"}

// any reports whether one of the functions is of a kind, or one of the
// operators is written.
func (n names) any(kind func(string) bool, operators ...string) bool {
	for name := range n.functions {
		if kind != nil && kind(name.Name) {
			return true
		}
	}
	for name := range n.operators {
		if slices.Contains(operators, name.Name) {
			return true
		}
	}
	return false
}
