package statement

import (
	"slices"

	"google.golang.org/protobuf/proto"
)

// The uses of a column in facts.
const (
	useOutput = "output"
	useFilter = "filter"
	useWrite  = "write"
	useDefine = "define"
	// useNone leaves the note to whoever uses the value further out.
	useNone = ""
)

// maxQueries bounds the work on one statement, whose views may multiply.
const maxQueries = 10_000

// maxWidth bounds the columns of all items and outputs: each query may have
// twice those of the one that it reads.
const maxWidth = 300_000

// follower finds out what a statement reads and where its values go. When in
// doubt it widens a source; it never narrows one.
type follower struct {
	world *world
	notes notes
	// touched collects every source met below the expression at hand.
	touched *source
	// attributes are names used like columns that are functions: (row).f.
	attributes set[Name]
	// via is the view that is being followed; stored says that its rows, or
	// those of one around it, were stored.
	via    string
	stored bool
	views  map[viewKey][]column
	// queries and width are how much work there was so far.
	queries, width int
	lost           bool
	// analyzed says that EXPLAIN runs the statement, and tells how often each
	// part of it was computed.
	analyzed bool
}

func newFollower(w *world) *follower {
	return &follower{world: w, notes: newNotes(), attributes: set[Name]{}, views: map[viewKey][]column{}}
}

// expr follows an expression: everything it mentions may be in its value,
// conditions and inner queries included.
func (f *follower) expr(m proto.Message, sc *scope, use string) source {
	var src source
	if m == nil || !m.ProtoReflect().IsValid() {
		return src
	}
	outer := f.touched
	f.touched = &src
	walk(m, func(m proto.Message) bool { return f.visit(m, sc) })
	f.touched = outer
	if _, column := unwrap(m).(*columnRef); !column {
		src.compute()
		f.notes.computed.add(src)
	}
	if outer != nil {
		outer.add(src)
	}
	f.use(src, use)
	return src
}

func (f *follower) visit(m proto.Message, sc *scope) bool {
	switch m := m.(type) {
	case *columnRef:
		f.touched.add(f.resolve(m, sc))
		return false
	case *selectStmt:
		f.query(m, sc, useNone)
		return false
	case *aIndirection:
		for _, n := range m.GetIndirection() {
			if name := text(n); name != "" {
				f.attributes.add(Name{"", name})
				f.touched.any = f.touched.any || !f.world.pure(Name{"", name})
			}
		}
	case *subLink:
		f.touched.any = f.touched.any || len(m.GetOperName()) > 0 && !f.world.pureOperator(qualified(m.GetOperName()))
	case *funcCall:
		f.touched.any = f.touched.any || !f.world.pure(qualified(m.GetFuncname()))
	case *aExpr:
		f.touched.any = f.touched.any || !f.world.pureOperator(qualified(m.GetName()))
	case *typeCast:
		f.touched.any = f.touched.any || !f.world.pureCasts()
	case *windowDef:
		// The rows come in the order of the window.
		f.exprs(slices.Concat(m.GetPartitionClause(), m.GetOrderClause(), []*node{m.GetStartOffset(), m.GetEndOffset()}), sc)
		return false
	}
	return true
}

// widen counts columns that are about to be followed.
func (f *follower) widen(columns int) {
	f.width += columns
	f.lost = f.lost || f.width > maxWidth
}

// exprs follows several expressions that decide about rows, and unites their
// sources.
func (f *follower) exprs(nodes []*node, sc *scope) source {
	var src source
	for _, n := range nodes {
		src.add(f.expr(n, sc, useFilter))
	}
	return src
}

// resolve follows a column reference to its source.
func (f *follower) resolve(ref *columnRef, sc *scope) source {
	fields := ref.GetFields()
	if n := len(fields); n > 0 && fields[n-1].GetAStar() != nil {
		return f.star(texts(fields[:n-1]), sc)
	}
	words := texts(fields)
	switch len(words) {
	case 1:
		if src, ok := sc.column(words[0]); ok {
			return src
		}
	case 2:
		return f.field(sc.named("", words[0]), words[1])
	case 3:
		return f.field(sc.named(words[0], words[1]), words[2])
	case 4:
		return f.field(sc.named(words[1], words[2]), words[3])
	}
	return source{any: true}
}

// field is item.name: a column, or a function of the whole row.
func (f *follower) field(i *item, name string) source {
	if i == nil {
		return source{any: true}
	}
	src, ok := i.find(name)
	if ok && !i.open {
		return src
	}
	if !ok && systemColumns[name] {
		return source{}
	}
	// The columns of an open item are only guessed.
	f.attributes.add(Name{"", name})
	src.add(i.all)
	src.any = src.any || !f.world.pure(Name{"", name})
	return src
}

// star is everything that * or alias.* stands for inside an expression.
func (f *follower) star(words []string, sc *scope) source {
	var src source
	if len(words) == 0 {
		for _, i := range sc.items {
			src.add(i.all)
		}
		return src
	}
	name := Name{"", words[len(words)-1]}
	if len(words) > 1 {
		name.Schema = words[len(words)-2]
	}
	if i := sc.named(name.Schema, name.Name); i != nil {
		return i.all
	}
	return source{any: true}
}

// use notes what a source is used for.
func (f *follower) use(src source, use string) {
	if use == useNone {
		return
	}
	for o := range src.known {
		f.notes.columns.add(columnUse{o, use})
	}
	f.notes.opaque = f.notes.opaque || src.any
}
