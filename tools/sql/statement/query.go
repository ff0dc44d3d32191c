package statement

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
)

// output is what a query yields. Unless it is exact, there may be more or fewer
// columns than these, and every column may come from any of their sources.
type output struct {
	columns []column
	exact   bool
}

// query follows a SELECT, VALUES or set operation inside the outer scope.
func (f *follower) query(s *selectStmt, outer *scope, use string) output {
	f.queries++
	if s == nil || f.queries > maxQueries {
		f.lost = f.lost || s != nil
		return output{columns: []column{{"", source{any: true}}}}
	}
	sc := newScope(outer)
	f.with(s.GetWithClause(), sc)
	var out output
	switch {
	case s.GetOp() != setOpNone:
		out = merge(f.query(s.GetLarg(), sc, use), f.query(s.GetRarg(), sc, use))
		if s.GetOp() != setOpUnion || !s.GetAll() {
			f.use(union(out.columns), useFilter) // rows are compared
		}
	case len(s.GetValuesLists()) > 0:
		out = f.values(s.GetValuesLists(), sc, use)
	default:
		out = f.plain(s, sc, use)
	}
	f.filters(s, sc, out)
	return out
}

// plain follows FROM, WHERE and the target list.
func (f *follower) plain(s *selectStmt, sc *scope, use string) output {
	f.fromList(s.GetFromClause(), sc)
	f.expr(s.GetWhereClause(), sc, useFilter)
	return f.targets(s.GetTargetList(), sc, use)
}

// values follows VALUES lists, whose columns are column1, column2 and so on.
func (f *follower) values(lists []*node, sc *scope, use string) output {
	out := output{exact: true}
	for _, list := range lists {
		for i, n := range list.GetList().GetItems() {
			if i == len(out.columns) {
				out.columns = append(out.columns, column{name: fmt.Sprintf("column%d", i+1)})
			}
			out.columns[i].from.add(f.expr(n, sc, use))
		}
	}
	return out
}

// merge unites the two sides of a set operation position by position.
func merge(left, right output) output {
	if !left.exact || !right.exact || len(left.columns) != len(right.columns) {
		all := union(slices.Concat(left.columns, right.columns))
		out := output{}
		for _, c := range left.columns {
			out.columns = append(out.columns, column{c.name, all})
		}
		return out
	}
	out := output{exact: true}
	for i, c := range left.columns {
		var src source
		src.add(c.from)
		src.add(right.columns[i].from)
		out.columns = append(out.columns, column{c.name, src})
	}
	return out
}

// with follows the queries of a WITH clause into the scope.
func (f *follower) with(clause *withClause, sc *scope) {
	if clause == nil {
		return
	}
	sc.ctes = map[string]*item{}
	for _, n := range clause.GetCtes() {
		if clause.GetRecursive() {
			// It may be named before it stands there.
			name := n.GetCommonTableExpr().GetCtename()
			sc.ctes[name] = &item{alias: name, open: true, all: source{any: true}}
		}
	}
	for _, n := range clause.GetCtes() {
		cte := n.GetCommonTableExpr()
		if clause.GetRecursive() {
			f.recursive(cte, sc)
			continue
		}
		sc.ctes[cte.GetCtename()] = f.cteItem(cte, f.statement(unwrap(cte.GetCtequery()), sc, useNone))
	}
}

// recursive follows a query that may read itself until its sources stop
// growing.
func (f *follower) recursive(cte *commonTableExpr, sc *scope) {
	first := unwrap(cte.GetCtequery())
	if s, ok := first.(*selectStmt); ok && s.GetLarg() != nil {
		first = s.GetLarg()
	}
	current := f.cteItem(cte, f.statement(first, sc, useNone))
	for {
		sc.ctes[cte.GetCtename()] = current
		next := f.cteItem(cte, f.statement(unwrap(cte.GetCtequery()), sc, useNone))
		for i := range min(len(next.columns), len(current.columns)) {
			next.columns[i].from.add(current.columns[i].from)
		}
		next.all.add(current.all)
		if f.lost || sameSources(current, next) {
			return
		}
		current = next
	}
}

func sameSources(a, b *item) bool {
	if a.open != b.open || len(a.columns) != len(b.columns) || a.all.any != b.all.any {
		return false
	}
	for i := range a.columns {
		if !sameSource(a.columns[i].from, b.columns[i].from) {
			return false
		}
	}
	return true
}

// sameSource compares a source with what became of it by widening.
func sameSource(a, b source) bool {
	return len(a.known) == len(b.known) && len(a.made) == len(b.made) && a.any == b.any
}

func (f *follower) cteItem(cte *commonTableExpr, out output) *item {
	i := newItem("", cte.GetCtename(), out.columns)
	i.open = !out.exact
	i.rename(cte.GetCtename(), texts(cte.GetAliascolnames()))
	for _, name := range []string{cte.GetSearchClause().GetSearchSeqColumn(), cte.GetCycleClause().GetCycleMarkColumn(), cte.GetCycleClause().GetCyclePathColumn()} {
		if name != "" {
			i.columns = append(i.columns, column{name, i.all})
		}
	}
	return i
}

// statement follows whatever can stand in a WITH clause.
func (f *follower) statement(m proto.Message, sc *scope, use string) output {
	switch m := m.(type) {
	case *selectStmt:
		return f.query(m, sc, use)
	case *insertStmt:
		return f.insert(m, sc, use)
	case *updateStmt:
		return f.update(m, sc, use)
	case *deleteStmt:
		return f.delete(m, sc, use)
	case *mergeStmt:
		return f.merge(m, sc, use)
	}
	return output{columns: []column{{"", source{any: true}}}}
}
