package statement

// insert follows INSERT: what goes into which column, and what comes back.
func (f *follower) insert(m *insertStmt, outer *scope, use string) output {
	sc := newScope(outer)
	f.with(m.GetWithClause(), sc)
	target := f.changed(m.GetRelation(), accessWrite)
	var given output
	if s := m.GetSelectStmt().GetSelectStmt(); s != nil {
		given = f.query(s, sc, useNone)
	}
	columns := target.columns
	if cols := m.GetCols(); len(cols) > 0 {
		columns = pick(target, cols)
	}
	f.writes(columns)
	for i, c := range columns {
		switch {
		case given.exact && i < len(given.columns):
			f.flow(given.columns[i].from, c)
		case !given.exact:
			f.flow(union(given.columns), c)
		}
	}
	sc.items, sc.star = []*item{target}, target.output()
	f.onConflict(m, target, given, sc)
	return f.returning(m.GetReturningClause(), target, sc, use)
}

// onConflict follows ON CONFLICT, where excluded is the row that was not
// inserted.
func (f *follower) onConflict(m *insertStmt, target *item, given output, outer *scope) {
	c := m.GetOnConflictClause()
	if c == nil {
		return
	}
	all := union(given.columns)
	columns := make([]column, len(target.columns))
	for i, t := range target.columns {
		var src source
		src.add(t.from)
		src.add(all)
		columns[i] = column{t.name, src}
	}
	excluded := newItem("", "excluded", columns)
	sc := &scope{items: []*item{target, excluded}, outer: outer}
	f.sets(c.GetTargetList(), target, sc)
	f.expr(c.GetWhereClause(), sc, useFilter)
	f.expr(c.GetInfer(), sc, useFilter)
}

func (f *follower) update(m *updateStmt, outer *scope, use string) output {
	sc := newScope(outer)
	f.with(m.GetWithClause(), sc)
	target := f.changed(m.GetRelation(), accessWrite)
	sc.items = append(sc.items, target)
	sc.star = target.output()
	f.fromList(m.GetFromClause(), sc)
	f.sets(m.GetTargetList(), target, sc)
	f.expr(m.GetWhereClause(), sc, useFilter)
	return f.returning(m.GetReturningClause(), target, sc, use)
}

func (f *follower) delete(m *deleteStmt, outer *scope, use string) output {
	sc := newScope(outer)
	f.with(m.GetWithClause(), sc)
	target := f.changed(m.GetRelation(), accessDelete)
	sc.items = append(sc.items, target)
	sc.star = target.output()
	f.fromList(m.GetUsingClause(), sc)
	f.expr(m.GetWhereClause(), sc, useFilter)
	return f.returning(m.GetReturningClause(), target, sc, use)
}

func (f *follower) merge(m *mergeStmt, outer *scope, use string) output {
	sc := newScope(outer)
	f.with(m.GetWithClause(), sc)
	target := f.changed(m.GetRelation(), accessWrite)
	// RETURNING * of MERGE yields the source's columns first.
	f.fromList([]*node{m.GetSourceRelation()}, sc)
	sc.items = append(sc.items, target)
	sc.star.columns = append(sc.star.columns, target.columns...)
	f.expr(m.GetJoinCondition(), sc, useFilter)
	for _, n := range m.GetMergeWhenClauses() {
		f.mergeWhen(n.GetMergeWhenClause(), target, sc)
	}
	return f.returning(m.GetReturningClause(), target, sc, use)
}

func (f *follower) mergeWhen(when *mergeWhenClause, target *item, sc *scope) {
	f.expr(when.GetCondition(), sc, useFilter)
	if len(when.GetValues()) == 0 {
		f.sets(when.GetTargetList(), target, sc)
		return
	}
	columns := target.columns
	if list := when.GetTargetList(); len(list) > 0 {
		columns = pick(target, list)
	}
	f.writes(columns)
	for i, n := range when.GetValues() {
		src := f.expr(n, sc, useNone)
		if i < len(columns) {
			f.flow(src, columns[i])
		}
	}
}

// changed is the relation that a statement changes.
func (f *follower) changed(m *rangeVar, access string) *item {
	i := newItem(m.GetSchemaname(), m.GetRelname(), nil)
	if r := f.world.relation(Name{m.GetSchemaname(), m.GetRelname()}); r != nil {
		f.change(r, access)
		i = newItem(m.GetSchemaname(), m.GetRelname(), f.columns(r))
	} else {
		i.open, i.all = true, source{any: true}
	}
	if alias := m.GetAlias(); alias != nil {
		i.schema, i.alias = "", alias.GetAliasname()
	}
	return i
}

// change notes a change to a relation, and to the tables below a view, which
// the server passes it on to.
func (f *follower) change(r *Relation, access string) {
	f.note(r, access, false)
	if r.Rules {
		f.notes.rules = true
	}
	if r.Kind != viewKind || r.system() {
		return
	}
	via := f.via
	f.via = r.Schema + "." + r.Name.Name
	for _, base := range f.world.below(r) {
		f.note(base, access, false)
	}
	f.via = via
}

// sets follows the assignments of UPDATE SET.
func (f *follower) sets(list []*node, target *item, sc *scope) {
	for _, n := range list {
		assign := n.GetResTarget()
		src := f.expr(assign.GetVal(), sc, useNone)
		for _, c := range pick(target, []*node{n}) {
			f.writes([]column{c})
			f.flow(src, c)
		}
	}
}

// pick finds the columns that an assignment list names.
func pick(target *item, list []*node) []column {
	out := make([]column, 0, len(list))
	for _, n := range list {
		name := n.GetResTarget().GetName()
		src, ok := target.find(name)
		out = append(out, column{name, source{known: src.known, made: src.made, any: src.any || !ok}})
	}
	return out
}

func (f *follower) writes(columns []column) {
	for _, c := range columns {
		f.use(c.from, useWrite)
	}
}

// flow notes that a value is copied into a column.
func (f *follower) flow(src source, to column) {
	if len(src.known) == 0 && !src.any {
		return
	}
	f.notes.flows = append(f.notes.flows, flowNote{src, to.from})
}

// returning follows a RETURNING list, where old and new name the target too.
func (f *follower) returning(clause *returningClause, target *item, sc *scope, use string) output {
	if clause == nil {
		return output{exact: true}
	}
	names := map[string]bool{"old": true, "new": true}
	for _, n := range clause.GetOptions() {
		names[n.GetReturningOption().GetValue()] = true
	}
	inner := &scope{outer: sc, items: sc.items, star: sc.star}
	for name := range names {
		if sc.item("", name) == nil {
			alias := *target
			alias.schema, alias.alias = "", name
			inner.outer = &scope{outer: inner.outer, items: []*item{&alias}}
		}
	}
	return f.targets(clause.GetExprs(), inner, use)
}
