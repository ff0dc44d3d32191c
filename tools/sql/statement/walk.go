package statement

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

type (
	field = protoreflect.FieldDescriptor
	value = protoreflect.Value
)

// maxDepth bounds how deep a tree may be. A statement nested deeper than this
// is refused, so that no walk can exhaust the stack.
const maxDepth = 4000

// walk visits every message of a tree, parents first, whatever field it is in:
// a new kind of node can't hide what it holds. visit returns false to leave out
// what is below. walk reports whether the tree stayed within maxDepth.
func walk(root proto.Message, visit func(proto.Message) bool) bool {
	return walkMessage(root.ProtoReflect(), visit, 0)
}

func walkMessage(m protoreflect.Message, visit func(proto.Message) bool, depth int) bool {
	if depth > maxDepth {
		return false
	}
	if _, wrapper := m.Interface().(*node); !wrapper && !visit(m.Interface()) {
		return true
	}
	shallow := true
	m.Range(func(f field, v value) bool {
		if f.Message() == nil {
			return true
		}
		if f.IsList() {
			list := v.List()
			for i := range list.Len() {
				shallow = shallow && walkMessage(list.Get(i).Message(), visit, depth+1)
			}
			return shallow
		}
		shallow = walkMessage(v.Message(), visit, depth+1)
		return shallow
	})
	return shallow
}
