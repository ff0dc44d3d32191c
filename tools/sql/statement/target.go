package statement

import "slices"

// targets follows a target list or a RETURNING list.
func (f *follower) targets(list []*node, sc *scope, use string) output {
	out := output{exact: true}
	for _, n := range list {
		target := n.GetResTarget()
		if target == nil {
			target = &resTarget{Val: n}
		}
		f.target(target, sc, use, &out)
	}
	return out
}

func (f *follower) target(target *resTarget, sc *scope, use string, out *output) {
	val := target.GetVal()
	if ref := val.GetColumnRef(); ref != nil {
		fields := ref.GetFields()
		if n := len(fields); n > 0 && fields[n-1].GetAStar() != nil {
			f.expand(texts(fields[:n-1]), sc, use, out)
			return
		}
	}
	if spreads(val.GetAIndirection()) {
		out.exact = false
	}
	name := target.GetName()
	if name == "" {
		name, _ = columnName(val)
	}
	out.columns = append(out.columns, column{name, f.expr(val, sc, use)})
}

// spreads reports whether an indirection ends in a star: (row).*
func spreads(in *aIndirection) bool {
	parts := in.GetIndirection()
	return len(parts) > 0 && parts[len(parts)-1].GetAStar() != nil
}

// expand adds the columns that * or alias.* stands for.
func (f *follower) expand(words []string, sc *scope, use string, out *output) {
	spread := sc.star
	if len(words) > 0 {
		schema := ""
		if len(words) > 1 {
			schema = words[len(words)-2]
		}
		spread = sc.named(schema, words[len(words)-1]).output()
	}
	all := union(spread.columns)
	f.use(all, use)
	if f.touched != nil {
		f.touched.add(all)
	}
	out.columns = append(out.columns, spread.columns...)
	out.exact = out.exact && spread.exact
}

// columnName is the name that the server gives an output column, and how sure
// it is of it (FigureColnameInternal in parser/parse_target.c).
func columnName(n *node) (name string, strength int) {
	switch {
	case n.GetColumnRef() != nil:
		fields := n.GetColumnRef().GetFields()
		return lastText(fields, "?column?", 2)
	case n.GetAIndirection() != nil:
		if name, strength := lastText(n.GetAIndirection().GetIndirection(), "", 2); strength > 0 {
			return name, strength
		}
		return columnName(n.GetAIndirection().GetArg())
	case n.GetFuncCall() != nil:
		return qualified(n.GetFuncCall().GetFuncname()).Name, 2
	case n.GetTypeCast() != nil:
		if name, strength := columnName(n.GetTypeCast().GetArg()); strength > 1 {
			return name, strength
		}
		return qualified(n.GetTypeCast().GetTypeName().GetNames()).Name, 1
	case n.GetCollateClause() != nil:
		return columnName(n.GetCollateClause().GetArg())
	case n.GetCaseExpr() != nil:
		if name, strength := columnName(n.GetCaseExpr().GetDefresult()); strength > 1 {
			return name, strength
		}
		return "case", 1
	case n.GetSubLink() != nil:
		return subLinkName(n.GetSubLink())
	case n.GetCoalesceExpr() != nil:
		return "coalesce", 2
	}
	return "?column?", 0
}

// lastText is the last of the nodes that is a name.
func lastText(nodes []*node, none string, strength int) (string, int) {
	for _, n := range slices.Backward(nodes) {
		if name := text(n); name != "" {
			return name, strength
		}
	}
	return none, 0
}

func subLinkName(s *subLink) (string, int) {
	if s.GetSubLinkType() == existsSublink {
		return "exists", 2
	}
	inner := s.GetSubselect().GetSelectStmt()
	if list := inner.GetTargetList(); len(list) > 0 && len(s.GetOperName()) == 0 && s.GetTestexpr() == nil {
		if name := list[0].GetResTarget().GetName(); name != "" {
			return name, 2
		}
		return columnName(list[0].GetResTarget().GetVal())
	}
	return "?column?", 0
}
