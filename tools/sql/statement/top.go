package statement

import (
	"google.golang.org/protobuf/proto"
)

// top follows a whole statement, and returns what it sends back.
func (f *follower) top(s *Statement) output {
	out := f.root(s.root)
	if s.Explain {
		// A plan shows what the planner computed, by functions that may read.
		return output{columns: []column{{name: "QUERY PLAN", from: source{any: f.notes.opaque}}}, exact: true}
	}
	return out
}

func (f *follower) root(root proto.Message) output {
	switch m := root.(type) {
	case *selectStmt:
		out := f.query(m, nil, useOutput)
		f.into(m.GetIntoClause(), out)
		return out
	case *insertStmt, *updateStmt, *deleteStmt, *mergeStmt:
		return f.statement(root, nil, useOutput)
	case *createTableAsStmt:
		f.into(m.GetInto(), f.statement(unwrap(m.GetQuery()), nil, useOutput))
	case *viewStmt:
		f.notes.defined(f.world, m.GetView(), accessDefine)
		f.statement(unwrap(m.GetQuery()), nil, useDefine)
	case *variableShowStmt:
		return output{columns: []column{{name: m.GetName()}}, exact: m.GetName() != "all"}
	case *dropStmt:
		for _, name := range relationsDropped(m) {
			f.notes.named(f.world, name, accessDrop)
		}
	default:
		f.define(root)
	}
	return output{exact: true}
}

// into follows rows into the table that a query creates.
func (f *follower) into(into *intoClause, out output) {
	if into == nil {
		return
	}
	rv := into.GetRel()
	f.notes.defined(f.world, rv, accessDefine)
	names := texts(into.GetColNames())
	for i, c := range out.columns {
		name := c.name
		if i < len(names) {
			name = names[i]
		}
		f.flow(c.from, column{name, from(origin{schema: rv.GetSchemaname(), table: rv.GetRelname(), column: name})})
	}
}

// define notes the relations that a statement other than a query names.
func (f *follower) define(root proto.Message) {
	access := accessDefine
	switch typeOf(root) {
	case "TruncateStmt":
		access = accessDelete
	case "RefreshMatViewStmt":
		access = accessWrite
	}
	walk(root, func(m proto.Message) bool {
		if rv, ok := m.(*rangeVar); ok {
			f.notes.defined(f.world, rv, access)
		}
		return true
	})
}

func (n notes) defined(w *world, rv *rangeVar, access string) {
	n.named(w, Name{rv.GetSchemaname(), rv.GetRelname()}, access)
}

// named notes a relation by name, whether it exists already or not.
func (n notes) named(w *world, name Name, access string) {
	if r := w.relation(name); r != nil {
		n.tables.add(tableUse{oid: r.OID, name: r.Name, access: access})
		return
	}
	n.tables.add(tableUse{name: name, access: access})
}
