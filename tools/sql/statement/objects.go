package statement

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/chaperone-dev/chaperone/tools"
)

// objectFields says in which field a statement names what it is about, and of
// what kind that is; the kind is "" where the statement has a field for it.
var objectFields = map[string]struct{ kind, field string }{
	"DropStmt":              {"", "objects"},
	"CommentStmt":           {"", "object"},
	"AlterOwnerStmt":        {"", "object"},
	"AlterObjectSchemaStmt": {"", "object"},
	"RenameStmt":            {"", "object"},
	"GrantStmt":             {"", "objects"},
	"AlterFunctionStmt":     {"function", "func"},
	"CreateFunctionStmt":    {"function", "funcname"},
	"CreateSchemaStmt":      {"schema", "schemaname"},
	"CompositeTypeStmt":     {"type", "typevar"},
	"CreateEnumStmt":        {"type", "type_name"},
	"CreateRangeStmt":       {"type", "type_name"},
	"AlterEnumStmt":         {"type", "type_name"},
	"AlterTypeStmt":         {"type", "type_name"},
	"CreateDomainStmt":      {"domain", "domainname"},
	"AlterDomainStmt":       {"domain", "type_name"},
	"CreateStatsStmt":       {"statistics", "defnames"},
	"AlterStatsStmt":        {"statistics", "defnames"},
	"CreateTrigStmt":        {"trigger", "trigname"},
	"CreatePolicyStmt":      {"policy", "policy_name"},
	"AlterPolicyStmt":       {"policy", "policy_name"},
	"CreateRoleStmt":        {"role", "role"},
	"AlterRoleStmt":         {"role", "role"},
	"DropRoleStmt":          {"role", "roles"},
	"DropOwnedStmt":         {"role", "roles"},
	"GrantRoleStmt":         {"role", "granted_roles"},
}

// single are the list fields that spell one name rather than hold several.
var single = []string{"funcname", "type_name", "domainname", "defnames"}

// objects names what a statement creates, alters or drops, relations apart.
func objects(root proto.Message) []tools.Target {
	in, ok := objectFields[typeOf(root)]
	if !ok {
		return nil
	}
	m := root.ProtoReflect()
	kind := in.kind
	if kind == "" {
		kind = objectKind(m)
	}
	f := m.Descriptor().Fields().ByName(protoreflect.Name(in.field))
	if f == nil || !m.Has(f) {
		return nil
	}
	var out []tools.Target
	for _, name := range objectNames(f, m.Get(f)) {
		out = append(out, tools.Target{Kind: kind, Name: name})
	}
	return out
}

// objectKind reads the statement's own word for what it is about.
func objectKind(m protoreflect.Message) string {
	for _, name := range []protoreflect.Name{"remove_type", "objtype", "object_type", "rename_type"} {
		if f := m.Descriptor().Fields().ByName(name); f != nil && f.Enum() != nil {
			return objectWord(string(f.Enum().Values().ByNumber(m.Get(f).Enum()).Name()))
		}
	}
	return "object"
}

// objectNames reads names from a string, a message or a list of either.
func objectNames(f field, v value) []string {
	switch {
	case f.IsList() && slices.Contains(single, string(f.Name())):
		var words []string
		for i := range v.List().Len() {
			words = append(words, spell(v.List().Get(i).Message().Interface()))
		}
		return []string{strings.Join(words, ".")}
	case f.IsList():
		var names []string
		for i := range v.List().Len() {
			names = append(names, spell(v.List().Get(i).Message().Interface()))
		}
		return names
	case f.Message() != nil:
		return []string{spell(v.Message().Interface())}
	}
	return []string{v.String()}
}

// spell joins the words of a name, however the grammar wraps it.
func spell(m proto.Message) string {
	var words []string
	walk(m, func(m proto.Message) bool {
		f := nameField(typeOf(m))
		if f == "" {
			return typeOf(m) == "List" || typeOf(m) == "ObjectWithArgs"
		}
		for _, name := range strings.Fields(f) {
			fd := m.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name))
			switch {
			case fd.IsList():
				for i := range m.ProtoReflect().Get(fd).List().Len() {
					words = append(words, spell(m.ProtoReflect().Get(fd).List().Get(i).Message().Interface()))
				}
			case m.ProtoReflect().Get(fd).String() != "":
				words = append(words, m.ProtoReflect().Get(fd).String())
			}
		}
		return false
	})
	return strings.Join(words, ".")
}

func nameField(message string) string {
	switch message {
	case "String":
		return "sval"
	case "RangeVar":
		return "schemaname relname"
	case "RoleSpec":
		return "rolename"
	case "AccessPriv":
		return "priv_name"
	case "TypeName":
		return "names"
	case "ObjectWithArgs":
		return "objname"
	}
	return ""
}

// relationsDropped are the relations that a DROP names.
func relationsDropped(m *dropStmt) []Name {
	switch objectWord(m.GetRemoveType().String()) {
	case "table", "view", "matview", "sequence", "index", "foreign_table":
	default:
		return nil
	}
	var out []Name
	for _, n := range m.GetObjects() {
		out = append(out, qualified(n.GetList().GetItems()))
	}
	return out
}
