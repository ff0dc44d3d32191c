package sql

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
)

// paramTypes are the OIDs of the types that the caller names, 0 where the
// statement itself says.
func (c *connection) paramTypes(ctx context.Context, params []param) ([]uint32, error) {
	oids := make([]uint32, len(params))
	for i, p := range params {
		if p.typing == "" {
			continue
		}
		oid, err := c.typeOID(ctx, p.typing)
		if err != nil {
			return nil, err
		}
		if oids[i] = oid; oid == 0 {
			return nil, &tools.Refusal{
				Rule: "arguments", Reason: fmt.Sprintf("params[%d] names a type that does not exist", i),
				Hint: "leave the type out, or write it as in a CREATE TABLE",
			}
		}
	}
	return oids, nil
}

// firstOwn is the first OID that a database gives to objects of its own
// (FirstNormalObjectId in transam.h).
const firstOwn = 16384

// typeOID looks a type up by name; 0 means that there is none.
func (c *connection) typeOID(ctx context.Context, name string) (oid uint32, err error) {
	if oid, ok := c.types.Get(name); ok {
		return oid, nil
	}
	// to_regtype runs no SQL and knows aliases such as "integer".
	err = c.pool.again(ctx, func() error {
		return pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
			const ask = "SELECT coalesce(to_regtype(CASE WHEN set_config('search_path', $2, true) IS NOT NULL THEN $1 END)::oid, 0)"
			return tx.QueryRow(ctx, ask, name, searchPath(tx.Conn())).Scan(&oid)
		})
	})
	switch {
	case malformed(err):
		return 0, nil
	case err != nil:
		return 0, unreachable(c.name, err)
	case oid != 0 && oid < firstOwn:
		// Others may be dropped, and another take the name.
		c.types.Add(name, oid)
	}
	return oid, nil
}

// values are the parameters as they go over the wire, in text form.
func values(params []param) [][]byte {
	out := make([][]byte, len(params))
	for i, p := range params {
		if !p.null {
			out[i] = []byte(p.text)
		}
	}
	return out
}

// resume reads where an earlier page ended.
func resume(r tools.Request) (int, error) {
	if r.Resume == "" {
		return 0, nil
	}
	skip, err := strconv.Atoi(r.Resume)
	if err != nil || skip < 0 || skip > maxSkip {
		return 0, &tools.Refusal{Rule: "arguments", Reason: "the cursor is not one of this tool's", Hint: "start again without a cursor"}
	}
	return skip, nil
}

// maxSkip bounds how far pages go: each page reads all rows before it again.
const maxSkip = 10_000_000

// shown are the parameters for people to read.
func shown(params []param) []string {
	out := make([]string, len(params))
	for i, p := range params {
		out[i] = strconv.Quote(p.text)
		if p.null {
			out[i] = "NULL"
		}
		if p.typing != "" {
			out[i] += "::" + p.typing
		}
	}
	return out
}
