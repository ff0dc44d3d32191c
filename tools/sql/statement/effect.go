package statement

import (
	"context"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/chaperone-dev/chaperone/tools"
)

// calls are the functions that the statement may run and that do more than
// compute. Where names alone leave doubt, the server is asked.
func (a *analyzer) calls(ctx context.Context, s *Statement, types []uint32, cat Resolver) ([]call, error) {
	w := a.world
	own := w.impureCalls(a.own)
	if slices.ContainsFunc(own, call.doubtful) && resolvable[s.Verb] && !w.dangerousToParse(a.own) {
		if used, ok := cat.Uses(ctx, s.Body, types); ok {
			if err := w.lookUpTypes(ctx, cat, usedTypes(used)); err != nil {
				return nil, err
			}
			own = append(w.narrow(w.impureCalls(a.own), used), w.makingAll(usedTypes(used))...)
		}
	}
	hidden, folded := newCode(), newCode()
	var support []uint32
	for _, r := range a.opened() {
		hidden.add(w.attached[attachment{r.OID, hiddenKind}])
		folded.add(w.attached[attachment{r.OID, foldedKind}])
		support = append(support, r.Support...)
	}
	everything := newNames()
	everything.addAll(a.own)
	everything.addAll(hidden.names)
	return slices.Concat(
		own, w.makingAll(types), w.narrow(w.impureCalls(hidden.names), hidden.uses), w.foldedCalls(folded),
		a.defaults(s), w.unseen(everything), w.certainly(support),
	), nil
}

func (c call) doubtful() bool { return !c.certain }

// resolvable are the statements that the server can be asked about.
var resolvable = map[string]bool{"select": true, "insert": true, "update": true, "delete": true, "explain": true}

func usedTypes(used map[Object]bool) []uint32 {
	var out []uint32
	for o := range used {
		if o.Class == "type" {
			out = append(out, o.OID)
		}
	}
	return out
}

// makingAll are the impure functions that making values of these types runs.
func (w *world) makingAll(types []uint32) []call {
	var out []call
	for _, oid := range types {
		for _, f := range w.making(w.types[oid]) {
			out = append(out, call{function: f, certain: true})
		}
	}
	return out
}

// certainly are the calls of those functions that are impure.
func (w *world) certainly(functions []uint32) []call {
	var out []call
	for _, oid := range functions {
		if f := w.impure(oid); f != nil {
			out = append(out, call{function: f, certain: true})
		}
	}
	return out
}

// foldedCalls are the impure functions that the planner computes when it opens
// a table. A cast does not show in the expression unless it is of a constant
// of a type of the database's.
func (w *world) foldedCalls(c code) []call {
	calls := w.namedCalls(c.names)
	for name := range c.names.types {
		if len(w.typesNamed(name)) > 0 {
			calls = w.impureCalls(c.names)
			break
		}
	}
	return w.narrow(calls, c.uses)
}

// defaults are functions that planning a change computes because they are the
// defaults of columns. A change that is run as well is no read in any case.
func (a *analyzer) defaults(s *Statement) []call {
	if !s.Explain {
		return nil
	}
	c := newCode()
	for use := range a.follower.notes.tables {
		if use.access == accessWrite {
			c.add(a.world.attached[attachment{use.oid, defaultKind}])
		}
	}
	calls := a.world.narrow(a.world.impureCalls(c.names), c.uses)
	return slices.DeleteFunc(calls, func(c call) bool { return c.function.builtin() })
}

// opened are the relations that running the statement opens: those it reaches
// otherwise than through a materialized view, and their children.
func (a *analyzer) opened() []*Relation {
	seen := map[uint32]bool{}
	var out []*Relation
	var open func(oid uint32, children bool)
	open = func(oid uint32, children bool) {
		r := a.world.relations[oid]
		if r == nil || seen[oid] {
			return
		}
		seen[oid] = true
		out = append(out, r)
		for _, child := range r.Children {
			if children {
				open(child, true)
			}
		}
	}
	for _, whole := range []bool{true, false} {
		for use := range a.follower.notes.tables {
			if !use.stored && use.only != whole {
				open(use.oid, whole)
			}
		}
	}
	return out
}

// effect is the worst of the statement's kind, the functions it may run and
// the relations it reaches.
func (a *analyzer) effect(s *Statement, impure []call) (tools.Effect, string) {
	v := s.verdict
	for _, c := range impure {
		effect, why := a.world.trust.judge(c.function)
		if !c.certain {
			effect, why = max(effect, tools.Write), "it may call "+c.function.Schema+"."+c.function.Name.Name+", which is not known to be harmless"
		}
		v.worsen(effect, why)
	}
	for _, r := range a.opened() {
		if r.Kind == foreignKind {
			v.worsen(tools.Write, "it reaches the foreign table "+r.Schema+"."+r.Name.Name)
		}
		if view := a.world.parsed[r.OID]; view != nil && s.Runs {
			v.worsen(max(view.effect, tools.Write), "the view "+r.Schema+"."+r.Name.Name+" locks rows")
		}
	}
	for use := range a.follower.notes.tables {
		if r := a.world.relations[use.oid]; r != nil && r.system() && use.access != accessRead && !s.planned() {
			v.worsen(tools.Unknown, "it changes the system catalog")
		}
	}
	if s.planned() && a.follower.notes.rules {
		v.worsen(tools.Write, "a rewrite rule turns the change into something else")
	}
	for o := range a.touched().known {
		if credentials[origin{schema: o.schema, table: o.table, column: o.column}] {
			v.worsen(tools.Unknown, "it reads "+o.String()+", which holds credentials; name the columns that you need")
		}
	}
	a.worsenDoubts(&v)
	return v.effect, v.why
}

// worsenDoubts refuses what was not understood.
func (a *analyzer) worsenDoubts(v *verdict) {
	switch name := a.strangeName(); {
	case a.world.garbled != "":
		v.worsen(tools.Unknown, a.world.garbled+" could not be understood")
	case a.follower.lost:
		v.worsen(tools.Unknown, "it is too large to be followed")
	case name != "":
		v.worsen(tools.Unknown, "the database, whose encoding is not UTF8, may spell the name "+name+" in another way")
	}
}

// strangeName is a name that a database in another encoding might read as
// another one: it folds capital letters beyond ASCII, and cuts names at another
// length.
func (a *analyzer) strangeName() string {
	if a.world.utf8 {
		return ""
	}
	for _, names := range []set[Name]{a.own.relations, a.own.functions, a.own.types} {
		for _, name := range sortedNames(names) {
			for _, word := range []string{name.Schema, name.Name} {
				if strange(word) {
					return word
				}
			}
		}
	}
	return ""
}

func strange(word string) bool {
	foreign := false
	for _, r := range word {
		if r >= utf8.RuneSelf {
			foreign = true
			if unicode.ToLower(r) != r {
				return true
			}
		}
	}
	return foreign && len(word) > maxName-utf8.UTFMax
}

// maxName is where the server cuts names (NAMEDATALEN in pg_config_manual.h).
const maxName = 63
