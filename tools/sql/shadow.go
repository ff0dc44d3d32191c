package sql

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// A shadow is a temporary function whose body is the statement (SQL-standard
// bodies, CREATE FUNCTION, PostgreSQL 14 and later). The server resolves every
// name in it and writes down what it depends on, and runs nothing. It is gone
// with the rollback. Where event triggers would run at its creation it is not
// made.
const (
	eventTriggers = `
SELECT EXISTS (SELECT FROM pg_event_trigger WHERE evtenabled <> 'D' AND evtevent IN ('ddl_command_start', 'ddl_command_end')
    AND (evttags IS NULL OR 'CREATE FUNCTION' = ANY (evttags)))`
	shadowFunction = "CREATE FUNCTION pg_temp.chaperone_shadow(%s) RETURNS void LANGUAGE sql BEGIN ATOMIC\n%s\n; END"
	shadowUses     = `
SELECT CASE d.refclassid WHEN 'pg_proc'::regclass THEN 'function' WHEN 'pg_operator'::regclass THEN 'operator' ELSE 'type' END, d.refobjid
FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE p.proname = 'chaperone_shadow' AND p.pronamespace = pg_my_temp_schema()
  AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass)`
)

// Uses implements statement.Resolver by a shadow. It needs the right to make
// temporary objects; without it, it can't tell.
func (c *catalog) Uses(ctx context.Context, query string, types []uint32) (used map[statement.Object]bool, ok bool) {
	defer func() { c.untold = c.untold || !ok }()
	if !c.writable {
		return nil, false
	}
	err := pgx.BeginFunc(ctx, c.tx, func(savepoint pgx.Tx) (err error) {
		used, err = c.shadow(ctx, savepoint, query, types)
		return errors.Join(errUndo, err)
	})
	return used, errors.Is(err, errUndo) && used != nil
}

// errUndo makes BeginFunc roll back to the savepoint.
var errUndo = errors.New("undo")

func (c *catalog) shadow(ctx context.Context, tx pgx.Tx, query string, types []uint32) (map[statement.Object]bool, error) {
	var triggers bool
	if err := tx.QueryRow(ctx, eventTriggers).Scan(&triggers); err != nil || triggers {
		return nil, err
	}
	parsed, err := c.make(ctx, tx, query, types)
	switch {
	case err == nil && parsed == nil:
		return map[statement.Object]bool{}, nil
	case err != nil:
		return nil, err
	}
	used := map[statement.Object]bool{}
	for _, oid := range parsed.ParamOIDs {
		used[statement.Object{Class: "type", OID: oid}] = true
	}
	rows, err := tx.Query(ctx, shadowUses)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var o statement.Object
		if err := rows.Scan(&o.Class, &o.OID); err != nil {
			return nil, err
		}
		used[o] = true
	}
	return used, rows.Err()
}

// make makes the shadow, by the search path that the statement will have. There
// is none of a statement that the server refuses to parse: it uses nothing, as
// long as the catalog is what it is.
func (c *catalog) make(ctx context.Context, tx pgx.Tx, query string, types []uint32) (*pgconn.StatementDescription, error) {
	wire := tx.Conn().PgConn()
	if err := setPath(ctx, tx, c.path); err != nil {
		return nil, err
	}
	parsed, err := wire.Prepare(ctx, "", query, types)
	if malformed(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := setPath(ctx, tx, ownPath); err != nil {
		return nil, err
	}
	declared, err := declare(ctx, tx, parsed.ParamOIDs)
	if err != nil {
		return nil, err
	}
	if err := setPath(ctx, tx, c.path); err != nil {
		return nil, err
	}
	// ExecParams, unlike Exec, takes exactly one statement.
	if err := wire.ExecParams(ctx, fmt.Sprintf(shadowFunction, declared, query), nil, nil, nil, nil).Read().Err; err != nil {
		return nil, err
	}
	return parsed, setPath(ctx, tx, ownPath)
}

// malformed reports whether the server refused a statement for what stands in
// it: by its grammar, a name that means nothing, types that do not fit, or a
// constant that is none of its type (PostgreSQL manual, appendix A). Missing
// privileges are not such, since others may come by them without a change in
// the catalog.
func malformed(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code == "42501" {
		return false
	}
	return strings.HasPrefix(refused.Code, "42") || strings.HasPrefix(refused.Code, "22") || refused.Code == "0A000"
}

// declare spells types as the arguments of a function.
func declare(ctx context.Context, tx pgx.Tx, types []uint32) (string, error) {
	if len(types) == 0 {
		return "", nil
	}
	var names []string
	row := tx.QueryRow(ctx, "SELECT array_agg(format_type(oid, NULL) ORDER BY place) FROM unnest($1::oid[]) WITH ORDINALITY t(oid, place)", types)
	err := row.Scan(&names)
	return strings.Join(names, ", "), err
}
