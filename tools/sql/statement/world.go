package statement

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"
)

// ErrTooDeep is the error of Analyze for views that stand on views too often.
var ErrTooDeep = errors.New("the views below this statement are nested too deeply")

// maxRounds bounds how deep views may stand on views; each round looks one
// level further.
const maxRounds = 16

// world is what has been looked up for one statement.
type world struct {
	trust     Trust
	seen      names
	named     map[Name]*Relation
	relations map[uint32]*Relation
	functions map[uint32]*Function
	operators map[uint32]*Operator
	types     map[uint32]*Type
	casts     []Cast
	// parsed are the definitions of views by OID; nil where one could not be
	// understood.
	parsed map[uint32]*Statement
	// garbled says that an expression in the catalog could not be understood.
	garbled string
	// hidden are names used by what the statement does not show, the queries
	// of views and row security; folded are those that the planner runs when
	// it opens a table.
	hidden, folded names
	// defined are the names in the queries of all views, also of materialized
	// ones, which a read does not run.
	defined names
	// uses are the objects that the server knows the hidden names to mean.
	uses map[Object]bool
	// checks are the functions that a domain's constraints call, by type.
	checks map[uint32]set[Name]
}

func newWorld(trust Trust) *world {
	return &world{
		trust: trust, seen: newNames(), hidden: newNames(), folded: newNames(), defined: newNames(),
		named: map[Name]*Relation{}, relations: map[uint32]*Relation{}, functions: map[uint32]*Function{},
		operators: map[uint32]*Operator{}, types: map[uint32]*Type{}, parsed: map[uint32]*Statement{},
		checks: map[uint32]set[Name]{}, uses: map[Object]bool{},
	}
}

// knows reports whether all function names have been looked up.
func (w *world) knows(functions set[Name]) bool {
	for name := range functions {
		if !w.seen.functions.has(Name{"", name.Name}) {
			return false
		}
	}
	return true
}

// lookUp resolves names, and the names in whatever they lead to, until there is
// nothing new.
func (w *world) lookUp(ctx context.Context, cat Catalog, n names) error {
	for range maxRounds {
		want, some := w.missing(n)
		if !some {
			return nil
		}
		found, err := cat.Lookup(ctx, want)
		if err != nil {
			return err
		}
		n = w.take(found)
	}
	return ErrTooDeep
}

// missing says what of n has not been looked up yet, and notes it as seen. A
// function's name may also be a type's, since a cast can be written as a call.
func (w *world) missing(n names) (want Want, some bool) {
	for name := range n.relations {
		if !w.seen.relations.has(name) {
			w.seen.relations.add(name)
			want.Relations = append(want.Relations, name)
		}
	}
	for name := range n.functions {
		n.types.add(name)
	}
	want.Functions = unseen(w.seen.functions, n.functions)
	want.Operators = unseen(w.seen.operators, n.operators)
	want.Types = unseen(w.seen.types, n.types)
	some = len(want.Relations)+len(want.Functions)+len(want.Operators)+len(want.Types) > 0
	return want, some
}

func unseen(seen, names set[Name]) []string {
	fresh := set[string]{}
	for name := range names {
		if bare := (Name{"", name.Name}); !seen.has(bare) {
			seen.add(bare)
			fresh.add(name.Name)
		}
	}
	out := make([]string, 0, len(fresh))
	for name := range fresh {
		out = append(out, name)
	}
	return out
}

// take files what was found, and returns the names in its definitions.
func (w *world) take(found *Found) names {
	fresh := newNames()
	for i := range found.Relations {
		w.takeRelation(&found.Relations[i])
	}
	fresh.addAll(w.hidden)
	fresh.addAll(w.folded)
	fresh.addAll(w.defined)
	for i := range found.Types {
		w.takeType(&found.Types[i], fresh)
	}
	for i := range found.Functions {
		w.functions[found.Functions[i].OID] = &found.Functions[i]
	}
	for i := range found.Operators {
		w.operators[found.Operators[i].OID] = &found.Operators[i]
	}
	for _, named := range found.Named {
		w.named[named.Name] = w.relations[named.OID]
	}
	w.casts = found.Casts
	return fresh
}

func (w *world) takeRelation(r *Relation) {
	if w.relations[r.OID] != nil {
		return
	}
	w.relations[r.OID] = r
	if r.Definition != "" {
		w.parsed[r.OID] = w.definition(r.Definition, r.Schema+"."+r.Name.Name)
		w.defined.addAll(w.parsed[r.OID].names)
		if r.Kind == kindView {
			w.hidden.addAll(w.parsed[r.OID].names)
		}
	}
	for _, o := range r.Uses {
		w.uses[o] = true
	}
	for _, e := range r.Attached {
		w.hidden.addAll(w.definition("SELECT "+e, r.Schema+"."+r.Name.Name).names)
	}
	for _, e := range r.Folded {
		w.folded.functions.addAll(constantCalls(w.definition("SELECT "+e, r.Schema+"."+r.Name.Name).root))
	}
}

func (w *world) takeType(t *Type, fresh names) {
	if w.types[t.OID] != nil {
		return
	}
	w.types[t.OID] = t
	w.checks[t.OID] = set[Name]{}
	for _, e := range t.Checks {
		n := w.definition("SELECT "+e, t.Schema+"."+t.Name.Name).names
		w.checks[t.OID].addAll(n.functions)
		fresh.addAll(n)
	}
}

// definition parses SQL that the server printed. What can't be understood
// makes the whole statement one that isn't.
func (w *world) definition(sql, of string) *Statement {
	s, err := Parse(sql)
	if err != nil {
		w.garbled = of
		return &Statement{root: &selectStmt{}, names: newNames()}
	}
	return s
}

// constantCalls are calls without any column in their arguments, which the
// planner computes when it loads the expression.
func constantCalls(root proto.Message) set[Name] {
	calls := set[Name]{}
	walk(root, func(m proto.Message) bool {
		if call, ok := m.(*funcCall); ok && !mentionsColumn(call) {
			calls.add(qualified(call.GetFuncname()))
		}
		return true
	})
	return calls
}

func mentionsColumn(m proto.Message) bool {
	found := false
	walk(m, func(m proto.Message) bool {
		_, is := m.(*columnRef)
		found = found || is
		return !found
	})
	return found
}

// relation returns what a name stands for, or nil.
func (w *world) relation(name Name) *Relation { return w.named[name] }

func (n names) addAll(o names) {
	n.relations.addAll(o.relations)
	n.functions.addAll(o.functions)
	n.operators.addAll(o.operators)
	n.types.addAll(o.types)
}
