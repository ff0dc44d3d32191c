package statement

import (
	"context"
	"slices"

	"github.com/chaperone-dev/chaperone/tools"
)

// Resolver is a Catalog that can also ask the server itself what a query uses.
type Resolver interface {
	Catalog
	// Uses returns the functions, operators and types that did not come with
	// the server and that a query without parameters uses, as the server
	// resolves them. It reports false when it can't tell.
	Uses(ctx context.Context, query string) (map[Object]bool, bool)
}

// Analysis is what is known of a statement in a database as it is now.
type Analysis struct {
	Action tools.Action
	Facts  *Facts
	// Columns are where each result column comes from. Unless Exact, the
	// server may return others.
	Columns []tools.Origins
	Exact   bool
	// All is everything that the statement reads, compares or writes.
	All tools.Origins
	// relations are those that were looked up, for Confirm.
	relations map[uint32]*Relation
	// Depends names everything that was looked up: if none of it changes,
	// the analysis holds.
	Depends Depends
}

// Depends are the names and objects that an analysis rests on.
type Depends struct {
	Relations, Functions, Operators, Types []string
	OIDs                                   []uint32
}

// Empty reports whether an analysis rests on nothing in the catalog.
func (d Depends) Empty() bool {
	return len(d.Relations)+len(d.Functions)+len(d.Operators)+len(d.Types)+len(d.OIDs) == 0
}

type analyzer struct {
	world    *world
	follower *follower
	// called are the functions that the statement itself names.
	called set[Name]
}

// Analyze resolves a statement. Its error is the catalog's.
func Analyze(ctx context.Context, s *Statement, cat Resolver, trust Trust) (*Analysis, error) {
	own := *s
	a := &analyzer{world: newWorld(trust), called: set[Name]{}}
	if err := a.world.lookUp(ctx, cat, s.names); err != nil {
		return nil, err
	}
	out, err := a.follow(ctx, &own, cat)
	if err != nil {
		return nil, err
	}
	return a.conclude(&own, out, a.calls(ctx, &own, cat)), nil
}

// follow follows the statement, again if that shows more names to look up.
func (a *analyzer) follow(ctx context.Context, s *Statement, cat Catalog) (output, error) {
	for {
		a.follower = newFollower(a.world)
		out := a.follower.top(s)
		if a.world.knows(a.follower.attributes) {
			a.called.addAll(s.names.functions)
			a.called.addAll(a.follower.attributes)
			return out, nil
		}
		more := newNames()
		more.functions.addAll(a.follower.attributes)
		if err := a.world.lookUp(ctx, cat, more); err != nil {
			return output{}, err
		}
	}
}

// calls are the functions that the statement may run and that do more than
// compute. Where names alone leave doubt, the server is asked.
func (a *analyzer) calls(ctx context.Context, s *Statement, cat Resolver) []call {
	own := newNames()
	own.addAll(s.names)
	own.functions.addAll(a.called)
	impure := a.world.impureCalls(own)
	doubt := func(c call) bool { return !c.certain }
	if _, query := s.root.(*selectStmt); query && !s.Explain && s.Params == 0 && slices.ContainsFunc(impure, doubt) {
		if used, ok := cat.Uses(ctx, s.Query); ok {
			impure = narrow(impure, used)
		}
	}
	hidden := narrow(a.world.impureCalls(a.world.hidden), a.world.uses)
	impure = slices.Concat(impure, hidden)
	for name := range a.world.folded.functions {
		impure = append(impure, a.world.callsNamed(name)...)
	}
	return impure
}

// conclude puts together what was found.
func (a *analyzer) conclude(s *Statement, out output, impure []call) *Analysis {
	facts := a.facts(s, impure)
	result := &Analysis{Facts: facts, Exact: out.exact, Depends: a.depends(), relations: a.world.relations}
	for _, c := range out.columns {
		result.Columns = append(result.Columns, c.from.origins())
	}
	touched := a.touched()
	result.All = touched.origins()
	effect, why := a.effect(s, impure)
	result.Action = tools.Action{
		Verb: s.Verb, Effect: effect, Why: why, Targets: targets(facts), Display: s.Text, Facts: facts,
		Blank: Blank(s.Text), Secret: s.Secret, Origins: result.All, Flows: a.flows(),
	}
	return result
}

// Origins are where result column i of n comes from. The server says of plain
// columns which table and attribute they are, 0 of others: if that is not among
// what was found, the analysis is not to be relied on for the column.
func (a *Analysis) Origins(i, n int, table uint32, attribute uint16) tools.Origins {
	if !a.Exact || n != len(a.Columns) {
		return tools.Origins{Known: a.All.Known, Any: true}
	}
	origins := a.Columns[i]
	if r := a.relations[table]; r != nil && !origins.Any {
		at := slices.Index(r.Numbers, attribute)
		if at < 0 || !slices.Contains(origins.Known, ColumnOrigin(r.Schema, r.Name.Name, r.Columns[at])) {
			return tools.Origins{Known: a.All.Known, Any: true}
		}
	}
	return origins
}

// effect is the worst of the statement's kind, the functions it may run and
// the relations it reaches.
func (a *analyzer) effect(s *Statement, impure []call) (tools.Effect, string) {
	s.worsenAll(a.world, impure, a.follower.notes)
	switch {
	case a.world.garbled != "":
		return tools.Unknown, a.world.garbled + " could not be understood"
	case a.follower.lost:
		return tools.Unknown, "it is too large to be followed"
	}
	return s.Effect, s.Why
}

func (s *Statement) worsenAll(w *world, impure []call, n notes) {
	for _, c := range impure {
		s.worsen(w.trust.judge(c.function))
	}
	for use := range n.tables {
		r := w.relations[use.oid]
		switch {
		case r == nil:
		case r.Kind == "f":
			s.worsen(tools.Write, "it reaches the foreign table "+r.Schema+"."+r.Name.Name)
		case r.system() && use.access != accessRead && s.Effect != tools.Read:
			s.worsen(tools.Unknown, "it changes the system catalog")
		}
	}
}

// facts fills in what policy may know.
func (a *analyzer) facts(s *Statement, impure []call) *Facts {
	f := &Facts{
		Statement: s.Verb, Analyze: s.Explain && s.Runs, Locking: s.Locking, Params: s.Params,
		Tables: a.tableFacts(), Columns: a.columnFacts(), Functions: a.functionFacts(impure),
		Commands: orEmpty(commands(s.root)), Objects: orEmpty(objects(s.root)),
		Opaque: a.follower.notes.opaque, Rules: a.follower.notes.rules,
	}
	if s.Explain {
		f.Explains = kindOf(typeOf(s.root)).verb
	}
	f.Operators, f.Casts = a.userObjects(s)
	f.clauses(s.root)
	f.Normalized = Blank(s.Text)
	if normal, err := normalize(s.Text); err == nil && !s.Secret {
		f.Normalized = normal
	}
	f.Fingerprint, _ = fingerprint(s.Text)
	return f
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// touched is everything that the statement reads, compares or writes.
func (a *analyzer) touched() source {
	src := source{any: a.follower.notes.opaque, known: set[origin]{}}
	for use := range a.follower.notes.columns {
		src.known.add(use.origin)
	}
	return src
}

func (a *analyzer) flows() []tools.Flow {
	var out []tools.Flow
	for _, n := range a.follower.notes.flows {
		out = append(out, tools.Flow{From: n.from.origins(), To: n.to.origins()})
	}
	return out
}

// depends lists what the analysis rests on, for a check that it still holds.
func (a *analyzer) depends() Depends {
	w := a.world
	d := Depends{Functions: bare(w.seen.functions), Operators: bare(w.seen.operators), Types: bare(w.seen.types)}
	d.Relations = bare(w.seen.relations)
	for oid := range w.relations {
		d.OIDs = append(d.OIDs, oid)
	}
	slices.Sort(d.OIDs)
	return d
}

func bare(names set[Name]) []string {
	out := make([]string, 0, len(names))
	for name := range names {
		out = append(out, name.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
