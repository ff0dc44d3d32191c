package statement

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"
)

// fromList follows the items of a FROM clause into the scope. Later items see
// earlier ones where they are LATERAL, as functions are by themselves.
func (f *follower) fromList(nodes []*node, sc *scope) {
	for _, n := range nodes {
		spread := f.fromItem(unwrap(n), sc)
		sc.star.columns = append(sc.star.columns, spread.columns...)
		sc.star.exact = sc.star.exact && spread.exact
	}
}

// fromItem adds one FROM item to the scope, and returns what * yields of it.
func (f *follower) fromItem(m proto.Message, sc *scope) output {
	var i *item
	if f.lost {
		m = nil
	}
	switch m := m.(type) {
	case *rangeVar:
		i = f.relation(m, sc)
	case *rangeSubselect:
		i = f.subselect(m, sc)
	case *rangeFunction:
		i = f.function(m, sc)
	case *joinExpr:
		return f.join(m, sc)
	case *rangeTableSample:
		f.exprs(m.GetArgs(), sc.beside())
		f.expr(m.GetRepeatable(), sc.beside(), useFilter)
		return f.fromItem(unwrap(m.GetRelation()), sc)
	case *rangeTableFunc:
		i = f.tableFunction(m, m.GetAlias(), sc)
	case *jsonTable:
		i = f.tableFunction(m, m.GetAlias(), sc)
	default:
		i = newItem("", "", nil)
		i.open, i.all = true, source{any: true}
	}
	f.widen(len(i.columns))
	sc.items = append(sc.items, i)
	return i.output()
}

// relation is a table, a view or a WITH query by name.
func (f *follower) relation(m *rangeVar, sc *scope) *item {
	i := newItem(m.GetSchemaname(), m.GetRelname(), nil)
	if cte := sc.cte(m.GetRelname()); cte != nil && m.GetSchemaname() == "" {
		*i = *cte
	} else {
		i.columns, i.open = f.read(Name{m.GetSchemaname(), m.GetRelname()}, !m.GetInh())
		i.all = union(i.columns)
		i.all.any = i.all.any || i.open
	}
	i.schema, i.alias = m.GetSchemaname(), m.GetRelname()
	if alias := m.GetAlias(); alias != nil {
		i.rename(alias.GetAliasname(), texts(alias.GetColnames()))
	}
	return i
}

// read notes that a relation is read, only itself or with its children, and
// returns its columns. A name that stands for nothing is open: the server will
// refuse it. In a view, a name without a schema is one of PostgreSQL's own.
func (f *follower) read(name Name, only bool) (columns []column, open bool) {
	if f.via != "" {
		name.Schema = cmp.Or(name.Schema, systemSchema)
	}
	r := f.world.relation(name)
	if r == nil {
		return nil, true
	}
	f.note(r, accessRead, only)
	return f.columns(r), false
}

func (f *follower) subselect(m *rangeSubselect, sc *scope) *item {
	if !m.GetLateral() {
		sc = sc.beside()
	}
	out := f.statement(unwrap(m.GetSubquery()), sc, useNone)
	i := newItem("", "", out.columns)
	i.open = !out.exact
	i.rename(m.GetAlias().GetAliasname(), texts(m.GetAlias().GetColnames()))
	return i
}

// function is a set-returning function: whatever goes in may come out of any
// of its columns.
func (f *follower) function(m *rangeFunction, sc *scope) *item {
	i := newItem("", "", nil)
	i.open = true
	name := ""
	for at, n := range m.GetFunctions() {
		call := n.GetList().GetItems()
		i.all.add(f.exprs(call, sc))
		if at == 0 && len(call) > 0 {
			name, _ = columnName(call[0])
		}
	}
	f.use(i.all, useNone)
	for _, n := range m.GetColdeflist() {
		i.columns = append(i.columns, column{n.GetColumnDef().GetColname(), i.all})
	}
	i.alias = name
	if alias := m.GetAlias(); alias != nil {
		i.rename(alias.GetAliasname(), texts(alias.GetColnames()))
		name = alias.GetAliasname()
	}
	// A function of one column names it like the item.
	if len(i.columns) == 0 {
		i.columns = []column{{name, i.all}}
	}
	return i
}

// tableFunction is XMLTABLE or JSON_TABLE.
func (f *follower) tableFunction(m proto.Message, alias *aliasClause, sc *scope) *item {
	i := newItem("", alias.GetAliasname(), nil)
	i.open, i.all = true, f.expr(m, sc, useFilter)
	i.rename(alias.GetAliasname(), texts(alias.GetColnames()))
	return i
}

// join follows both sides and the condition. An alias on the join hides the
// sides' own names.
func (f *follower) join(m *joinExpr, sc *scope) output {
	inner := &scope{items: slices.Clone(sc.items), ctes: sc.ctes, outer: sc.outer}
	left := f.fromItem(unwrap(m.GetLarg()), inner)
	right := f.fromItem(unwrap(m.GetRarg()), inner)
	f.expr(m.GetQuals(), &scope{items: inner.items[len(sc.items):], ctes: sc.ctes, outer: sc.outer}, useFilter)

	using := texts(m.GetUsingClause())
	if m.GetIsNatural() {
		using = common(left.columns, right.columns)
	}
	spread := joined(left, right, using)
	compared := spread.columns[:min(len(using), len(spread.columns))]
	if m.GetIsNatural() && !spread.exact {
		compared = spread.columns // any of them may be on both sides
	}
	for _, c := range compared {
		f.use(c.from, useFilter)
	}
	if alias := m.GetJoinUsingAlias(); alias != nil {
		inner.items = append(inner.items, newItem("", alias.GetAliasname(), spread.columns[:min(len(using), len(spread.columns))]))
	}
	if alias := m.GetAlias(); alias != nil {
		i := newItem("", "", spread.columns)
		i.open = !spread.exact
		i.rename(alias.GetAliasname(), texts(alias.GetColnames()))
		sc.items = append(sc.items, i)
		return i.output()
	}
	sc.items = inner.items
	return spread
}

// joined is the column list of a join: the shared columns first, once.
func joined(left, right output, using []string) output {
	out := output{exact: left.exact && right.exact && !unnamed(left.columns) && !unnamed(right.columns)}
	for _, name := range using {
		var src source
		for _, c := range slices.Concat(left.columns, right.columns) {
			if c.name == name || c.name == unknownName {
				src.add(c.from)
			}
		}
		out.columns = append(out.columns, column{name, src})
	}
	for _, c := range slices.Concat(left.columns, right.columns) {
		if !slices.Contains(using, c.name) {
			out.columns = append(out.columns, c)
		}
	}
	return out
}

// unnamed reports whether there is a column whose name is not known.
func unnamed(columns []column) bool {
	return slices.ContainsFunc(columns, func(c column) bool { return c.name == unknownName })
}

// common are the names on both sides of a NATURAL JOIN, in the left's order.
func common(left, right []column) []string {
	var names []string
	for _, l := range left {
		if slices.ContainsFunc(right, func(r column) bool { return r.name == l.name }) {
			names = append(names, l.name)
		}
	}
	return names
}
