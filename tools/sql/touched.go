package sql

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

//go:embed touched.sql
var touchedSQL string

// touched is what an open transaction has changed so far.
type touched struct {
	// xid is the transaction, as row versions have it.
	xid string
	key [32]byte
	// identity is that of what the statement names and calls.
	identity string
	tables   []touchedTable
	samples  []tools.Sample
	// state is a keyed digest of that and of the rows that are updated or deleted,
	// as they were: without the key nobody can try out what a masked value was.
	state string
	// large names tables that are too large to look for single rows in.
	large []string
}

type touchedTable struct {
	schema, name               string
	inserted, updated, deleted int64
	pages                      int64
	columns, key, triggers     []string
	// numbered says that the table draws numbers from a sequence of its own.
	numbered bool
	// redefined says that it was emptied, altered or dropped, of which nobody
	// counts the rows.
	redefined bool
	// before and after find the row versions that the transaction ended and began,
	// by changed.
	before, after, changed string
}

func (t touchedTable) shown() string {
	if t.schema == "" {
		return t.name // of what is dropped nobody knows the name by now
	}
	return statement.RelationName(t.schema, t.name)
}

func (t touchedTable) quoted() string { return pgx.Identifier{t.schema, t.name}.Sanitize() }

// largePages is the size, in pages of 8 KB, from which a table is not searched
// for the rows that changed.
const largePages = 32 << 10

// touched asks what the transaction on a connection has changed. The caller's
// search path ends with that.
func (p *plan) touched(ctx context.Context, conn lease) (*touched, error) {
	const own = "SELECT pg_catalog.set_config('search_path'::pg_catalog.text, '" + ownPath + "'::pg_catalog.text, true), " +
		"pg_catalog.pg_current_xact_id()::pg_catalog.xid::pg_catalog.text, pg_catalog.current_setting('track_counts'::pg_catalog.text)"
	on := conn.Conn.Conn()
	t := &touched{key: p.key, identity: p.described.identity}
	var counts string
	if err := on.QueryRow(ctx, own, pgx.QueryExecModeExec).Scan(nil, &t.xid, &counts); err != nil {
		return nil, err
	}
	if counts != "on" {
		return nil, uncounted()
	}
	found, err := on.Query(ctx, touchedName)
	if err != nil {
		return nil, err
	}
	var one touchedTable
	into := []any{&one.schema, &one.name, &one.inserted, &one.updated, &one.deleted, &one.pages, &one.columns, &one.key, &one.triggers, &one.numbered, &one.redefined}
	_, err = pgx.ForEachRow(found, into, func() error {
		one.before, one.after, one.changed = "xmax = $1::xid", "xmin = $1::xid", t.xid
		t.tables = append(t.tables, one)
		one = touchedTable{}
		return nil
	})
	return t, err
}

// changes are the counts, by table and verb.
func (t *touched) changes() []tools.Change {
	out := []tools.Change{}
	for _, table := range t.tables {
		target := tools.Target{Kind: "table", Name: table.shown()}
		for _, c := range []tools.Change{{Target: target, Verb: "insert", Count: table.inserted}, {Target: target, Verb: "update", Count: table.updated}, {Target: target, Verb: "delete", Count: table.deleted}} {
			if c.Count > 0 {
				out = append(out, c)
			}
		}
		if table.redefined {
			out = append(out, tools.Change{Target: target, Verb: redefine, Count: 1})
		}
	}
	return out
}

// redefine is the verb of what is emptied, altered or dropped as a whole.
const redefine = "redefine"

// uncounted refuses where it can't be known what a transaction changes.
func uncounted() *tools.Refusal {
	return &tools.Refusal{
		Rule: "uncounted", Reason: "the database does not count what a transaction changes, so it can't be measured; nothing was changed",
		Hint: "the operator can turn track_counts on for the database, or let the rule say \"preview\": \"estimate\"",
	}
}

func (t *touched) warnings() []string {
	var out []string
	for _, table := range t.tables {
		if table.numbered && table.inserted > 0 {
			out = append(out, "numbers that "+table.shown()+" draws from its sequence are used up, by this preview too")
		}
		if table.redefined {
			out = append(out, table.shown()+" is emptied, altered or dropped on the way: what it held is neither counted nor shown")
		}
		for _, trigger := range table.triggers {
			out = append(out, fmt.Sprintf("the trigger %s of %s may have run; what it does outside of the database can't be taken back", trigger, table.shown()))
		}
	}
	for _, name := range t.large {
		out = append(out, name+" is large: its rows are counted, and not shown or compared one by one")
	}
	return out
}

// digest sets state from the rows as they were before the transaction, which
// only another one can see.
func (t *touched) digest(ctx context.Context, conn lease, other *pgx.Conn) error {
	var all []string
	for i := range t.tables {
		table := &t.tables[i]
		switch {
		case table.updated+table.deleted == 0, table.redefined: // whose rows nobody else gets at now
			continue
		case table.pages > largePages:
			t.large = append(t.large, table.shown())
			continue
		}
		sum, found, err := table.sum(ctx, other)
		if err == nil && found < table.updated+table.deleted {
			if err = table.search(ctx, conn.Conn.Conn(), other, t.xid); err == nil {
				sum, _, err = table.sum(ctx, other)
			}
		}
		if err != nil {
			return err
		}
		all = append(all, table.shown()+" "+sum)
	}
	mac := hmac.New(sha256.New, t.key[:])
	mac.Write([]byte(t.identity + "; " + strings.Join(all, "; ")))
	t.state = hex.EncodeToString(mac.Sum(nil))
	return nil
}

// sum is a digest of the rows that the transaction ended, and how many they are.
func (t *touchedTable) sum(ctx context.Context, other *pgx.Conn) (sum string, found int64, err error) {
	sql := "SELECT coalesce(md5(string_agg(format('%s', r), ',' ORDER BY format('%s', r))), ''), count(*) FROM ONLY " + t.quoted() + " r WHERE " + t.before
	err = other.QueryRow(ctx, sql, pgx.QueryExecModeExec, t.changed).Scan(&sum, &found)
	return sum, found, err
}

// search finds the rows that the transaction ended where their xmax does not say
// so: somebody else holds a row by its key as well, or a trigger changed it in a
// block that catches errors, which has a number of its own. Such rows are those
// that others still see, and the transaction itself does not.
func (t *touchedTable) search(ctx context.Context, inside, outside *pgx.Conn, xid string) error {
	var may string
	sql := "SELECT coalesce(array_agg(ctid), '{}')::text FROM ONLY " + t.quoted() + " WHERE xmax <> '0'::xid"
	if err := outside.QueryRow(ctx, sql, pgx.QueryExecModeExec).Scan(&may); err != nil {
		return err
	}
	sql = "SELECT coalesce(array_agg(at), '{}')::text FROM unnest($1::tid[]) at WHERE NOT EXISTS (SELECT FROM ONLY " + t.quoted() + " r WHERE r.ctid = at)"
	if err := inside.QueryRow(ctx, sql, pgx.QueryExecModeExec, may).Scan(&t.changed); err != nil {
		return err
	}
	// For the sample it is enough that they are no older than the transaction.
	t.before, t.after = "ctid = ANY ($1::tid[])", "age(xmin) <= age('"+xid+"'::xid)"
	return nil
}

// sampleRows is how many rows of a table are shown, and sampleText how much of
// a value.
const (
	sampleRows = 5
	sampleText = 200
)

// sample takes some rows of each table, as they were and as they are now, and
// the digest of all that were.
func (t *touched) sample(ctx context.Context, conn lease, aside *second) error {
	return aside.look(ctx, func(ctx context.Context, other *pgx.Conn) error {
		if err := t.digest(ctx, conn, other); err != nil {
			return err
		}
		for _, table := range t.tables {
			if table.pages > largePages || table.redefined || table.inserted+table.updated+table.deleted == 0 {
				continue
			}
			s, err := table.sample(ctx, conn.Conn.Conn(), other)
			if err != nil {
				return err
			}
			t.samples = append(t.samples, s)
		}
		return nil
	})
}

func (t touchedTable) sample(ctx context.Context, inside, outside *pgx.Conn) (tools.Sample, error) {
	s := tools.Sample{Target: tools.Target{Kind: "table", Name: t.shown()}, Columns: t.columns}
	for _, column := range t.columns {
		s.Origins = append(s.Origins, statement.ColumnOrigin(t.schema, t.name, column))
	}
	var err error
	if t.updated+t.deleted > 0 {
		if s.Before, err = t.rows(ctx, outside, t.before); err != nil {
			return s, err
		}
	}
	if t.inserted+t.updated > 0 {
		s.After, err = t.rows(ctx, inside, t.after)
	}
	return s, err
}

// rows are the first row versions that the transaction ended, or began. format,
// unlike a cast, runs no function but the output of the value's own type.
func (t touchedTable) rows(ctx context.Context, conn *pgx.Conn, which string) ([][]string, error) {
	columns, order := make([]string, len(t.columns)), make([]string, len(t.key))
	for i, c := range t.columns {
		columns[i] = fmt.Sprintf("CASE WHEN %[1]s IS NULL THEN 'null' ELSE left(format('%%s', %[1]s), %[2]d) END", pgx.Identifier{c}.Sanitize(), sampleText)
	}
	for i, c := range t.key {
		order[i] = pgx.Identifier{c}.Sanitize()
	}
	sql := fmt.Sprintf("SELECT ARRAY[%s]::text[] FROM ONLY %s WHERE %s ORDER BY %s LIMIT %d",
		strings.Join(columns, ", "), t.quoted(), which, strings.Join(append(order, "ctid"), ", "), sampleRows)
	var args []any
	if strings.Contains(which, "$1") {
		args = append(args, t.changed)
	}
	found, err := conn.Query(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowTo[[]string])
}
