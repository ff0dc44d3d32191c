package statement

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/chaperone-dev/chaperone/tools"
)

// alterKind is the kind of ALTER TABLE and of its namesakes for views, indexes
// and sequences. What takes data or rules away counts as destroying.
func alterKind(m *alterTableStmt) kind {
	k := kind{verb: "alter_" + objectWord(m.GetObjtype().String()), effect: tools.Write}
	for _, n := range m.GetCmds() {
		cmd := n.GetAlterTableCmd()
		switch cmd.GetSubtype() {
		case dropColumnCmd, dropConstraintCmd, alterColumnTypeCmd:
			k.effect = tools.Worst(k.effect, tools.Destroy)
		case detachPartitionCmd:
			if n := cmd.GetDef().GetPartitionCmd(); n.GetConcurrent() {
				return concurrent()
			}
		}
	}
	return k
}

// commands names the parts of an ALTER TABLE, such as "drop_column".
func commands(root proto.Message) []string {
	m, ok := root.(*alterTableStmt)
	if !ok {
		return nil
	}
	var out []string
	for _, n := range m.GetCmds() {
		out = append(out, snake(strings.TrimPrefix(n.GetAlterTableCmd().GetSubtype().String(), "AT_")))
	}
	return out
}

func dropKind(m *dropStmt) kind {
	if m.GetConcurrent() {
		return concurrent()
	}
	return kind{verb: "drop_" + objectWord(m.GetRemoveType().String()), effect: tools.Destroy}
}

// specialKind sorts out statements whose options change what they are.
func specialKind(root proto.Message, k kind) kind {
	switch m := root.(type) {
	case *indexStmt:
		if m.GetConcurrent() {
			return concurrent()
		}
	case *reindexStmt:
		for _, p := range m.GetParams() {
			if p.GetDefElem().GetDefname() == "concurrently" {
				return concurrent()
			}
		}
	case *vacuumStmt:
		if !m.GetIsVacuumcmd() {
			return kind{verb: "analyze", effect: tools.Write}
		}
	case *createSchemaStmt:
		if len(m.GetSchemaElts()) > 0 {
			return kind{verb: "unknown", why: "CREATE SCHEMA with objects in it is several statements; send one in each call"}
		}
	case *createFunctionStmt:
		if m.GetIsProcedure() {
			k.verb = "create_procedure"
		}
	}
	return k
}

func concurrent() kind {
	return kind{verb: "unknown", effect: tools.Unknown, why: "CONCURRENTLY can't run inside a transaction"}
}

// objectWord turns the grammar's OBJECT_MATVIEW into "matview".
func objectWord(objectType string) string {
	return strings.ToLower(strings.TrimPrefix(objectType, "OBJECT_"))
}

// snake turns DropColumn into drop_column.
func snake(camel string) string {
	var out strings.Builder
	for i, r := range camel {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				out.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}
