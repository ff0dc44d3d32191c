package statement

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
)

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
	src := f.expr(val, sc, use)
	if f.counted(val) {
		f.use(src, useFilter)
	}
	out.columns = append(out.columns, column{name, src})
}

// counted reports whether how many rows there are, or what a plan tells of how
// many were computed, depends on the value of an expression.
func (f *follower) counted(val *node) bool {
	if f.analyzed && val.GetColumnRef() == nil {
		return true
	}
	counted := false
	walk(val, func(m proto.Message) bool {
		if call, ok := m.(*funcCall); ok {
			counted = counted || f.world.returnsSet(qualified(call.GetFuncname()))
		}
		_, query := m.(*selectStmt)
		return !query
	})
	return counted
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
	if f.widen(len(spread.columns)); f.lost {
		spread = output{columns: []column{{unknownName, source{any: true}}}}
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
// it is of it (FigureColnameInternal in parser/parse_target.c). Where we can't
// tell it is unknownName: one that is wrong would have us look for the column in
// the wrong place.
func columnName(n *node) (name string, strength int) {
	if n == nil {
		return "?column?", 0
	}
	switch m := unwrap(n).(type) {
	case *columnRef:
		return lastText(m.GetFields(), unknownName, 2)
	case *aIndirection:
		if name, strength := lastText(m.GetIndirection(), "", 2); strength > 0 {
			return name, strength
		}
		return columnName(m.GetArg())
	case *funcCall:
		return qualified(m.GetFuncname()).Name, 2
	case *typeCast:
		if name, strength := columnName(m.GetArg()); strength > 1 {
			return name, strength
		}
		return qualified(m.GetTypeName().GetNames()).Name, 1
	case *collateClause:
		return columnName(m.GetArg())
	case *caseExpr:
		if name, strength := columnName(m.GetDefresult()); strength > 1 {
			return name, strength
		}
		return "case", 1
	case *subLink:
		return subLinkName(m)
	case *aExpr:
		if m.GetKind() == nullifExpr {
			return "nullif", 2
		}
		return "?column?", 0
	case *minMaxExpr:
		return strings.ToLower(strings.TrimPrefix(m.GetOp().String(), "IS_")), 2
	}
	if fixed, ok := columnNames[typeOf(unwrap(n))]; ok {
		return fixed.name, fixed.strength
	}
	return unknownName, unsure
}

// unsure is the strength of a name that is not known.
const unsure = 3

// columnNames are the names of columns that are always called the same.
var columnNames = map[string]struct {
	name     string
	strength int
}{
	"A_Const": {"?column?", 0}, "ParamRef": {"?column?", 0}, "BoolExpr": {"?column?", 0}, "NullTest": {"?column?", 0},
	"BooleanTest": {"?column?", 0}, "CoalesceExpr": {"coalesce", 2}, "A_ArrayExpr": {"array", 2}, "RowExpr": {"row", 2},
	"GroupingFunc": {"grouping", 2}, "XmlSerialize": {"xmlserialize", 2},
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

// subLinkName is the name of an inner query: that of its first column, if it is
// there for its value.
func subLinkName(s *subLink) (string, int) {
	switch s.GetSubLinkType() {
	case existsSublink:
		return "exists", 2
	case arraySublink:
		return "array", 2
	case exprSublink:
	default:
		return "?column?", 0
	}
	inner := s.GetSubselect().GetSelectStmt()
	for inner.GetLarg() != nil {
		inner = inner.GetLarg()
	}
	list := inner.GetTargetList()
	if len(list) == 0 {
		return unknownName, unsure
	}
	target := list[0].GetResTarget()
	if target.GetName() != "" {
		return target.GetName(), 2
	}
	if fields := target.GetVal().GetColumnRef().GetFields(); len(fields) > 0 && fields[len(fields)-1].GetAStar() != nil {
		return unknownName, unsure
	}
	name, _ := columnName(target.GetVal())
	return name, 2
}
