package statement

import (
	"context"
	"errors"
	"slices"
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
	utf8      bool
	// parsed are the queries of views by OID; an empty one stands for what
	// could not be understood.
	parsed map[uint32]*Statement
	// garbled says that an expression in the catalog could not be understood.
	garbled string
	// attached is the code that belongs to a relation, by its OID and kind.
	attached map[attachment]code
	// checks is the code of a domain's constraints, by type.
	checks map[uint32]code
}

type attachment struct {
	relation uint32
	kind     string
}

// code is an expression of the catalog's: the names in it, and the objects of
// the database's own that the server knows it to use.
type code struct {
	names names
	uses  map[Object]bool
}

func newCode() code { return code{newNames(), map[Object]bool{}} }

func (c code) add(o code) {
	c.names.addAll(o.names)
	for object := range o.uses {
		c.uses[object] = true
	}
}

func newWorld(trust Trust) *world {
	return &world{
		trust: trust, seen: newNames(), named: map[Name]*Relation{}, relations: map[uint32]*Relation{},
		functions: map[uint32]*Function{}, operators: map[uint32]*Operator{}, types: map[uint32]*Type{},
		parsed: map[uint32]*Statement{}, attached: map[attachment]code{}, checks: map[uint32]code{},
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
	want, some := w.missing(n)
	for range maxRounds {
		if !some {
			return nil
		}
		found, err := cat.Lookup(ctx, want)
		if err != nil {
			return err
		}
		want, some = w.missing(w.take(found))
	}
	return ErrTooDeep
}

// lookUpTypes resolves types that the server named by OID.
func (w *world) lookUpTypes(ctx context.Context, cat Catalog, oids []uint32) error {
	oids = slices.DeleteFunc(oids, func(oid uint32) bool { return oid < firstUserOID || w.types[oid] != nil })
	if len(oids) == 0 {
		return nil
	}
	found, err := cat.Lookup(ctx, Want{TypeOIDs: oids})
	if err != nil {
		return err
	}
	return w.lookUp(ctx, cat, w.take(found))
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
	want.Functions = unseen(w.seen.functions, n.functions)
	want.Operators = unseen(w.seen.operators, n.operators)
	if n.traits.has(compares) {
		want.Operators = append(want.Operators, unseen(w.seen.operators, comparisons)...)
	}
	want.Types = append(unseen(w.seen.types, n.types), unseen(w.seen.types, n.functions)...)
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
	w.utf8, w.casts = found.UTF8, found.Casts
	for i := range found.Functions {
		w.functions[found.Functions[i].OID] = &found.Functions[i]
	}
	for i := range found.Operators {
		w.operators[found.Operators[i].OID] = &found.Operators[i]
	}
	for i := range found.Types {
		w.takeType(&found.Types[i], fresh)
	}
	for i := range found.Relations {
		w.takeRelation(&found.Relations[i], fresh)
	}
	for _, named := range found.Named {
		w.named[named.Name] = w.relations[named.OID]
	}
	return fresh
}

// takeRelation files a relation. One that was found from further up may be
// known already, without the expressions that only a name brings along.
func (w *world) takeRelation(r *Relation, fresh names) {
	if known := w.relations[r.OID]; known != nil && len(known.Attached) >= len(r.Attached) && len(known.Parents) >= len(r.Parents) {
		return
	}
	w.relations[r.OID] = r
	own := map[string]code{hiddenKind: newCode(), storedKind: newCode(), foldedKind: newCode(), defaultKind: newCode()}
	if r.Definition != "" {
		w.parsed[r.OID] = w.definition(r.Definition, r.Schema+"."+r.Name.Name)
		own[r.queryKind()].names.addAll(w.parsed[r.OID].names)
	}
	for _, e := range r.Attached {
		s := w.definition("SELECT "+e.Text, r.Schema+"."+r.Name.Name)
		if e.Kind == foldedKind {
			s.names = foldedNames(s.root).inCatalog()
		}
		if to, ok := own[e.Kind]; ok {
			to.names.addAll(s.names)
		}
	}
	for _, u := range r.Uses {
		if to, ok := own[u.Kind]; ok {
			to.uses[u.Object] = true
		}
	}
	for kind, c := range own {
		w.attached[attachment{r.OID, kind}] = c
		fresh.addAll(c.names)
	}
}

func (w *world) takeType(t *Type, fresh names) {
	w.types[t.OID] = t
	c := newCode()
	for _, e := range t.Checks {
		c.names.addAll(w.definition("SELECT "+e, t.Schema+"."+t.Name.Name).names)
	}
	for _, o := range t.Uses {
		c.uses[o] = true
	}
	w.checks[t.OID] = c
	fresh.addAll(c.names)
}

// definition parses SQL that the server printed. What can't be understood
// makes the whole statement one that isn't.
func (w *world) definition(sql, of string) *Statement {
	s, err := Parse(sql)
	if err != nil {
		w.garbled = of
		return &Statement{root: &selectStmt{}, names: newNames()}
	}
	s.names = s.names.inCatalog()
	return s
}

// relation returns what a name stands for, or nil.
func (w *world) relation(name Name) *Relation { return w.named[name] }
