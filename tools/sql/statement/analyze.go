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
	// the server and that a statement uses, as the server resolves them,
	// types of parameters included. types are the parameters' types as far as
	// the caller names them. It reports false when it can't tell. It parses
	// the statement on the server and runs nothing.
	Uses(ctx context.Context, query string, types []uint32) (map[Object]bool, bool)
}

// Analysis is what is known of a statement in a database as it is now.
type Analysis struct {
	Action tools.Action
	Facts  *Facts
	// Columns are where each result column comes from. Unless Exact, the
	// server may return more or fewer, and each may come from any of these.
	Columns []tools.Origins
	Exact   bool
	// All is everything that the statement reads, compares or writes.
	All tools.Origins
	// Harmless says that planning and running the statement calls no
	// function that does more than compute.
	Harmless bool
	// Vouched says that it calls a function that the operator vouches for.
	Vouched bool
	// relations are those that were looked up.
	relations map[uint32]*Relation
	// Depends names everything that was looked up: if none of it changes,
	// the analysis holds.
	Depends Depends
}

// Depends are the names and objects that an analysis rests on.
type Depends struct {
	Relations, Functions, Operators, Types, Schemas []string
	OIDs                                            []uint32
}

// Empty reports whether an analysis rests on nothing in the catalog.
func (d Depends) Empty() bool {
	return len(d.Relations)+len(d.Functions)+len(d.Operators)+len(d.Types)+len(d.OIDs) == 0
}

type analyzer struct {
	world    *world
	follower *follower
	// own are the names in the statement itself, and those of functions that
	// it writes like columns.
	own names
}

// Analyze resolves a statement, whose parameters have these types, 0 where the
// statement itself says which. Its error is the catalog's.
func Analyze(ctx context.Context, s *Statement, types []uint32, cat Resolver, trust Trust) (*Analysis, error) {
	a := &analyzer{world: newWorld(trust), own: newNames()}
	a.own.addAll(s.names)
	if err := a.world.lookUpTypes(ctx, cat, slices.Clone(types)); err != nil {
		return nil, err
	}
	if err := a.world.lookUp(ctx, cat, s.names); err != nil {
		return nil, err
	}
	out, err := a.follow(ctx, s, cat)
	if err != nil {
		return nil, err
	}
	impure, err := a.calls(ctx, s, types, cat)
	if err != nil {
		return nil, err
	}
	return a.conclude(s, out, impure), nil
}

// follow follows the statement, again if that shows more names to look up.
func (a *analyzer) follow(ctx context.Context, s *Statement, cat Catalog) (output, error) {
	for {
		a.follower = newFollower(a.world)
		a.follower.analyzed = s.Explain && s.Runs
		out := a.follower.top(s)
		if a.world.knows(a.follower.attributes) {
			a.own.functions.addAll(a.follower.attributes)
			return out, nil
		}
		more := newNames()
		more.functions.addAll(a.follower.attributes)
		if err := a.world.lookUp(ctx, cat, more); err != nil {
			return output{}, err
		}
	}
}

// conclude puts together what was found.
func (a *analyzer) conclude(s *Statement, out output, impure []call) *Analysis {
	facts := a.facts(s, impure)
	result := &Analysis{
		Facts: facts, Exact: out.exact, Depends: a.depends(), relations: a.world.relations,
		Harmless: len(impure) == 0, Vouched: a.vouched(),
	}
	for _, c := range out.columns {
		result.Columns = append(result.Columns, c.from.origins())
	}
	result.All = a.touched().origins()
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
	origins := a.anyColumn()
	if a.Exact {
		if n != len(a.Columns) {
			return tools.Origins{Known: a.All.Known, Any: true}
		}
		origins = a.Columns[i]
	}
	if table == 0 || origins.Any {
		return origins
	}
	if r := a.relations[table]; r != nil {
		at := slices.Index(r.Numbers, attribute)
		if attribute > maxAttributes || at >= 0 && slices.Contains(origins.Known, ColumnOrigin(r.Schema, r.Name.Name, r.Columns[at])) {
			return origins
		}
	}
	return tools.Origins{Known: a.All.Known, Any: true}
}

// maxAttributes is more than a table can have: attribute numbers beyond are
// negative ones, those of system columns.
const maxAttributes = 1 << 15

// anyColumn is where each column may come from that is not known exactly.
func (a *Analysis) anyColumn() tools.Origins {
	var all tools.Origins
	for _, c := range a.Columns {
		all.Known, all.Made, all.Any = append(all.Known, c.Known...), append(all.Made, c.Made...), all.Any || c.Any
	}
	slices.Sort(all.Known)
	all.Known = slices.Compact(all.Known)
	return all
}

// touched is everything that the statement reads, compares or writes.
func (a *analyzer) touched() source {
	src := source{any: a.follower.notes.opaque, known: set[origin]{}}
	src.add(a.follower.notes.computed)
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
	d := Depends{
		Relations: bare(w.seen.relations), Functions: bare(w.seen.functions), Operators: bare(w.seen.operators), Types: bare(w.seen.types),
		Schemas: schemas(a.own),
	}
	for oid := range w.relations {
		d.OIDs = append(d.OIDs, oid)
	}
	for _, t := range w.types {
		if t.Relation != 0 {
			d.OIDs = append(d.OIDs, t.Relation)
		}
	}
	slices.Sort(d.OIDs)
	d.OIDs = slices.Compact(d.OIDs)
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

// schemas are those that names are written with.
func schemas(n names) []string {
	var out []string
	for _, names := range []set[Name]{n.relations, n.functions, n.operators, n.types} {
		for name := range names {
			if name.Schema != "" && name.Schema != systemSchema {
				out = append(out, name.Schema)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
