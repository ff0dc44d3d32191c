package statement

import (
	"fmt"
	"strings"
)

// Blank returns sql with every constant replaced by ? and every comment left
// out, for places where a constant may be a secret. Text that can't even be
// split into words is left out whole.
func Blank(sql string) string {
	if len(sql) > maxBytes || nesting(sql) > maxNesting*4 {
		return fmt.Sprintf("(%d bytes, not shown)", len(sql))
	}
	tokens, err := scan(sql)
	if err != nil {
		return fmt.Sprintf("(%d bytes that are not SQL, not shown)", len(sql))
	}
	var out strings.Builder
	at := 0
	for _, t := range tokens {
		if t.kind != constantToken && t.kind != commentToken {
			continue
		}
		if t.start < at || t.end > len(sql) {
			return fmt.Sprintf("(%d bytes, not shown)", len(sql))
		}
		out.WriteString(sql[at:t.start])
		if t.kind == constantToken {
			out.WriteByte('?')
		}
		at = t.end
	}
	out.WriteString(sql[at:])
	return out.String()
}
