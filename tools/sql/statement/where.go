package statement

import (
	"google.golang.org/protobuf/proto"
)

// clauses sets what the outermost query says about which rows it means.
func (f *Facts) clauses(root proto.Message) {
	var where *node
	switch m := root.(type) {
	case *selectStmt:
		where = m.GetWhereClause()
		f.Limit = m.GetLimitCount() != nil
	case *updateStmt:
		where = m.GetWhereClause()
		f.Returning = m.GetReturningClause() != nil
	case *deleteStmt:
		where = m.GetWhereClause()
		f.Returning = m.GetReturningClause() != nil
	case *insertStmt:
		f.Returning = m.GetReturningClause() != nil
	case *mergeStmt:
		where = m.GetJoinCondition()
		f.Returning = m.GetReturningClause() != nil
	}
	f.HasWhere = where != nil
	f.WhereIsConstant = where != nil && constant(where)
}

// constant reports whether a condition plainly has the same value for every
// row: WHERE true, 1 = 1, id = id, or OR with such a part.
func constant(n *node) bool {
	if b := n.GetBoolExpr(); b != nil {
		all, some := true, false
		for _, arg := range b.GetArgs() {
			c := constant(arg)
			all, some = all && c, some || c
		}
		if b.GetBoolop() == orExpr {
			return some
		}
		return all
	}
	if e := n.GetAExpr(); e != nil && e.GetKind() == operatorExpr && sameColumn(e.GetLexpr(), e.GetRexpr()) {
		return true
	}
	return !mentionsColumn(n)
}

// sameColumn reports whether both sides are one and the same column.
func sameColumn(l, r *node) bool {
	a, b := l.GetColumnRef(), r.GetColumnRef()
	if a == nil || b == nil || len(a.GetFields()) != len(b.GetFields()) {
		return false
	}
	for i, n := range a.GetFields() {
		if text(n) == "" || text(n) != text(b.GetFields()[i]) {
			return false
		}
	}
	return true
}

func mentionsColumn(m proto.Message) bool {
	found := false
	walk(m, func(m proto.Message) bool {
		_, is := m.(*columnRef)
		found = found || is
		return !found
	})
	return found
}
