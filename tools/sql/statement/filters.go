package statement

// filters follows what orders, groups and bounds the rows of a query. Names and
// numbers there may mean columns of its output.
func (f *follower) filters(s *selectStmt, sc *scope, out output) {
	if s.GetOp() != setOpNone || len(s.GetValuesLists()) > 0 {
		// There is nothing else that they could mean.
		sc = &scope{outer: sc, items: []*item{newItem("", "", out.columns)}}
		sc.items[0].open = !out.exact
	}
	for _, n := range s.GetDistinctClause() {
		if n.GetNode() == nil { // DISTINCT without ON
			f.use(union(out.columns), useFilter)
		}
		f.key(n, sc, out, false)
	}
	for _, n := range s.GetGroupClause() {
		f.key(n, sc, out, true)
	}
	for _, n := range s.GetSortClause() {
		f.key(n.GetSortBy().GetNode(), sc, out, false)
	}
	f.exprs(s.GetWindowClause(), sc)
	for _, n := range []*node{s.GetHavingClause(), s.GetLimitCount(), s.GetLimitOffset()} {
		f.expr(n, sc, useFilter)
	}
}

// key follows what rows are grouped or sorted by (findTargetlistEntrySQL92 in
// parser/parse_clause.c): a number counts columns of the output; a bare name is
// one of those before it is one of the tables', or, in GROUP BY, after.
func (f *follower) key(n *node, sc *scope, out output, grouping bool) {
	switch m := unwrap(n).(type) {
	case *groupingSet:
		for _, inner := range m.GetContent() {
			f.key(inner, sc, out, grouping)
		}
		return
	case *rowExpr:
		for _, inner := range m.GetArgs() {
			f.key(inner, sc, out, grouping)
		}
		return
	case *aConst:
		if m.GetIval() != nil {
			f.position(int(m.GetIval().GetIval()), out)
		}
		return
	case *columnRef:
		if words := texts(m.GetFields()); len(words) == 1 && words[0] != "" {
			f.name(words[0], sc, out, grouping)
			return
		}
	}
	f.expr(n, sc, useFilter)
}

// position is a column of the output by its number.
func (f *follower) position(number int, out output) {
	if out.exact && number >= 1 && number <= len(out.columns) {
		f.use(out.columns[number-1].from, useFilter)
		return
	}
	f.use(union(out.columns), useFilter)
}

// name is a column of the output or of a table by its name.
func (f *follower) name(name string, sc *scope, out output, grouping bool) {
	named := newItem("", "", out.columns)
	src, surely := named.find(name)
	if !surely && !out.exact {
		src.add(named.all)
	}
	if !surely || grouping {
		if other, some := sc.column(name); some || !surely {
			src.add(other)
			src.any = src.any || !some
		}
	}
	f.use(src, useFilter)
}
