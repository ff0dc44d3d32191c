package recorder

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// applicationID marks the SQLite file as ours: "Chap".
const applicationID = 0x43686170

// seqBits is the width of an event's index within its log; the log's number
// stands above it. One key for both keeps the events of a log together and
// costs no index.
const seqBits = 40

// migrations lead from an empty file to the present schema, a version each.
// What was released never changes; a new version is a new step.
var migrations = []string{`
-- A log is what one process wrote.
CREATE TABLE logs (
	id         INTEGER PRIMARY KEY,
	name       TEXT NOT NULL UNIQUE,
	-- open; closed: by its own process; settled: its end is recorded in another log
	state      TEXT NOT NULL,
	-- signed, over all events of the log
	checkpoint TEXT NOT NULL
) STRICT;
CREATE INDEX logs_unsettled ON logs (id) WHERE state <> 'settled';

CREATE TABLE events (
	-- number of the log << 40 | index in the log
	pos     INTEGER PRIMARY KEY,
	-- microseconds since 1970
	time    INTEGER NOT NULL,
	session TEXT NOT NULL,
	call    TEXT NOT NULL,
	kind    TEXT NOT NULL,
	-- the Merkle hashes that are complete with this leaf, 32 bytes each
	hashes  BLOB NOT NULL,
	-- the leaf: canonical JSON, packed when it is long. It may be NULL so that
	-- retention can drop it and keep the hashes; nothing does so yet
	data    BLOB
) STRICT;
-- In the order of writing, so that a commit touches one page of it.
CREATE INDEX events_session ON events (session, pos, kind);
CREATE INDEX events_opened ON events (time) WHERE kind = 'session.opened';

-- Contents stand apart from the events that name them.
CREATE TABLE contents (
	hash BLOB NOT NULL UNIQUE,
	data BLOB NOT NULL
) STRICT;
`, `
-- What stands between calls and processes, see Standing.
CREATE TABLE standings (
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	phase   TEXT NOT NULL,
	-- microseconds since 1970; NULL is never
	due     INTEGER,
	version INTEGER NOT NULL,
	-- counts the changes of all standings, so that a reader finds what is new
	changed INTEGER NOT NULL,
	data    BLOB NOT NULL,
	PRIMARY KEY (kind, id)
) STRICT;
CREATE UNIQUE INDEX standings_changed ON standings (changed);
CREATE INDEX standings_phase ON standings (kind, phase, due);
`}

// execer runs statements that return nothing, and queries.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// migrate brings a file to the present schema, all in one transaction.
func migrate(ctx context.Context, db execer, steps []string) error {
	version, err := fileVersion(ctx, db)
	if err != nil {
		return err
	}
	if version == len(steps) {
		return nil
	}
	if version > len(steps) {
		return errNewer(version, len(steps))
	}
	script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA application_id = %d;\nPRAGMA user_version = %d;\nCOMMIT;",
		strings.Join(steps[version:], "\n"), applicationID, len(steps))
	if _, err := db.ExecContext(ctx, script); err != nil {
		_, _ = db.ExecContext(ctx, "ROLLBACK")
		return fmt.Errorf("recorder: bring the record from version %d to %d: %w", version, len(steps), err)
	}
	return nil
}

// fileVersion returns the schema version of a file, 0 of an empty one.
func fileVersion(ctx context.Context, db execer) (int, error) {
	var id, version, tables int
	err := db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables)
	if err != nil {
		return 0, err
	}
	if id == applicationID && version > 0 || id == 0 && version == 0 && tables == 0 {
		return version, nil
	}
	return 0, errors.New("recorder: the file is an SQLite database, but not a record of ours: set another data_dir")
}

func errNewer(version, known int) error {
	return fmt.Errorf("recorder: the record has version %d and this program knows up to %d: use a newer program", version, known)
}

// schemaOf lists everything that a file defines, one entry each.
func schemaOf(ctx context.Context, db execer) ([]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT quote(type) || quote(name) || quote(tbl_name) || quote(sql) FROM sqlite_schema`)
	if err != nil {
		return nil, err
	}
	entries, err := collect(rows, func(s *string) []any { return []any{s} })
	slices.Sort(entries)
	return entries, err
}

// checkSchema refuses a file that defines anything else than the migrations
// do: a trigger or a view in place of a table could rewrite what we store.
func checkSchema(ctx context.Context, db execer) error {
	found, err := schemaOf(ctx, db)
	if err != nil {
		return err
	}
	due, err := dueSchema(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(found, due) {
		return errors.New("recorder: the file's tables, indexes or triggers are not those that this program makes: " +
			"it was changed by hand")
	}
	return nil
}

// dueSchema is the schema that the migrations make.
func dueSchema(ctx context.Context) ([]string, error) {
	db, err := sql.Open(driver, ":memory:")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := migrate(ctx, db, migrations); err != nil {
		return nil, err
	}
	return schemaOf(ctx, db)
}
