package statement

import (
	"slices"

	"google.golang.org/protobuf/proto"
)

// foldedNames are the functions and operators of an expression that the planner
// may compute when it loads it, before there is a row: those whose arguments
// are constant, or may turn out to be.
func foldedNames(root proto.Message) names {
	n := newNames()
	walk(root, func(m proto.Message) bool {
		switch m := m.(type) {
		case *funcCall:
			if !slices.ContainsFunc(m.GetArgs(), varies) {
				n.add(m)
			}
		case *aExpr:
			if !varies(m.GetLexpr()) && !varies(m.GetRexpr()) {
				n.add(m)
			}
		case *typeCast:
			if !varies(m.GetArg()) {
				n.add(m.GetTypeName())
			}
		}
		return true
	})
	return n
}

// varies reports whether an expression surely depends on the row, so that
// nothing above it is computed without one. The planner drops what it can: a
// call of a function of the database's may be replaced by its body, and most
// calls with a null among their arguments by null.
func varies(n *node) bool {
	if n == nil {
		return false
	}
	switch m := unwrap(n).(type) {
	case *columnRef:
		return true
	case *typeCast:
		return varies(m.GetArg())
	case *collateClause:
		return varies(m.GetArg())
	case *funcCall:
		return qualified(m.GetFuncname()).Schema == "" && vary(m.GetArgs())
	case *aExpr:
		return m.GetKind() == operatorExpr && qualified(m.GetName()).Schema == "" && vary([]*node{m.GetLexpr(), m.GetRexpr()})
	}
	return false
}

// vary reports whether some of the arguments vary and none may be null whatever
// the row.
func vary(args []*node) bool {
	some := false
	for _, arg := range args {
		if arg == nil {
			continue
		}
		v := varies(arg)
		if !v && !plainConstant(arg) {
			return false
		}
		some = some || v
	}
	return some
}

// plainConstant reports whether n is a constant other than null.
func plainConstant(n *node) bool {
	if c := n.GetTypeCast(); c != nil {
		return plainConstant(c.GetArg())
	}
	c := n.GetAConst()
	return c != nil && !c.GetIsnull()
}
