package recorder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// maxStored is the largest value that is read from a row, in bytes. No value
// that we wrote is larger, but a file may come from anywhere.
const maxStored = maxContent + maxContent/8

// dataAt reads the data of the event at a position, unless they are too large.
const dataAt = `SELECT CASE WHEN length(data) <= ? THEN data END FROM events WHERE pos = ?`

// Reader reads a record, also while others write it. Its methods are safe for
// concurrent use.
type Reader struct {
	dir    string
	path   string
	db     *sql.DB
	packer *packer
	notes  []string
}

// OpenReader opens the record of a data folder for reading. It needs the
// database alone; keys and checkpoint file are used where they are.
func OpenReader(ctx context.Context, dir string) (*Reader, error) {
	dir, err := absolute(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, databaseFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: there is no record in %s: check data_dir", ErrNotFound, dir)
	}
	packer, err := newPacker()
	if err != nil {
		return nil, err
	}
	r := &Reader{dir: dir, path: path, packer: packer}
	if r.db, err = openForReading(ctx, path, url.Values{"mode": {"ro"}}); err == nil {
		return r, nil
	}
	if !readOnlyMedium(err) {
		return nil, err
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return nil, fmt.Errorf("recorder: %s cannot be read here: newer events stand in the file -wal beside it, "+
			"which SQLite reads only in a writable folder: copy the folder and read the copy", path)
	}
	r.notes = append(r.notes, "the folder is read-only: what a running gateway writes meanwhile is not seen")
	r.db, err = openForReading(ctx, path, url.Values{"mode": {"ro"}, "immutable": {"1"}})
	return r, err
}

// openForReading opens a file that holds a record this program can read.
func openForReading(ctx context.Context, path string, params url.Values) (*sql.DB, error) {
	db, err := sql.Open(driver, dsn(path, params, "busy_timeout(5000)", "query_only(1)"))
	if err != nil {
		return nil, err
	}
	version, err := fileVersion(ctx, db)
	switch {
	case err != nil:
		err = unreadable(path, err)
	case version > len(migrations):
		err = errNewer(version, len(migrations))
	case version < len(migrations):
		err = fmt.Errorf("recorder: %s is of an older version: start the gateway once to bring it up to date", path)
	}
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// Close frees the file.
func (r *Reader) Close() error { return r.db.Close() }

// Notes are what the user should know about how the record was opened.
func (r *Reader) Notes() []string { return r.notes }

// VerifierKey is the installation's verifier key, as the data folder has it.
func (r *Reader) VerifierKey() (string, error) {
	data, err := os.ReadFile(filepath.Join(r.dir, verifierKeyFile))
	if err != nil {
		return "", fmt.Errorf("recorder: read the verifier key: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// snapshot is a connection that sees one state of the record, until rollback.
func (r *Reader) snapshot(ctx context.Context) (conn *sql.Conn, rollback func(), err error) {
	conn, err = r.db.Conn(ctx)
	if err != nil {
		return nil, nil, unreadable(r.path, err)
	}
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		_ = conn.Close()
		return nil, nil, unreadable(r.path, err)
	}
	return conn, func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		_ = conn.Close()
	}, nil
}

// Events yields the events of a session in the order in which they happened,
// across logs: by time, and within a log as they were written. The session ""
// stands for the events that belong to none. An error ends the iteration; it
// is ErrNotFound when there are no events.
func (r *Reader) Events(ctx context.Context, session string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		order, err := r.order(ctx, session)
		if err == nil && len(order) == 0 {
			err = fmt.Errorf("%w: session %q", ErrNotFound, session)
		}
		if err != nil {
			yield(Event{}, err)
			return
		}
		for _, pos := range order {
			e, err := r.event(ctx, pos)
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// order lists where the events of a session stand. A clock may have been set
// back, so an event counts as no earlier than what its log holds before it, and
// the end of a call or a session as no earlier than what older logs hold of the
// session: the one who writes it may be the heir of a process that died.
func (r *Reader) order(ctx context.Context, session string) ([]int64, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT pos FROM (
			SELECT pos, max(time) OVER (PARTITION BY pos >> 40 ORDER BY pos) AS own, max(time) OVER (ORDER BY pos) AS older, kind
			FROM events WHERE session = ?
		) ORDER BY CASE WHEN kind IN ('call.ambiguous', 'session.closed') THEN older ELSE own END, pos`, session)
	if err != nil {
		return nil, unreadable(r.path, err)
	}
	return collect(rows, func(pos *int64) []any { return []any{pos} })
}

func (r *Reader) event(ctx context.Context, pos int64) (Event, error) {
	var stored []byte
	var log string
	err := r.db.QueryRowContext(ctx, `SELECT CASE WHEN length(data) <= ? THEN data END,
		(SELECT name FROM logs WHERE id = pos >> 40) FROM events WHERE pos = ?`, maxStored, pos).Scan(&stored, &log)
	if err != nil {
		return Event{}, unreadable(r.path, err)
	}
	leaf, err := r.packer.unpackLeaf(stored)
	if err != nil {
		return Event{}, fmt.Errorf("recorder: event %d of log %s: %w", seqOf(pos), log, err)
	}
	e, err := decodeLeaf(leaf)
	e.Place.Log, e.Place.Seq = log, seqOf(pos)
	return e, err
}

// Content returns the content of an event.
func (r *Reader) Content(ctx context.Context, c Content) ([]byte, error) {
	return r.content(ctx, r.db, c)
}

func (r *Reader) content(ctx context.Context, db execer, c Content) ([]byte, error) {
	if c.SHA256 == "" {
		return []byte(c.Text), nil
	}
	hash, err := hex.DecodeString(c.SHA256)
	if err != nil {
		return nil, fmt.Errorf("%w: content %q", ErrNotFound, c.SHA256)
	}
	var stored []byte
	err = db.QueryRowContext(ctx, `SELECT data FROM contents WHERE hash = ? AND length(data) <= ?`,
		hash, maxStored).Scan(&stored)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: content %s", ErrNotFound, c.SHA256)
	}
	if err != nil {
		return nil, unreadable(r.path, err)
	}
	data, err := r.packer.unpack(stored)
	if sum := sha256.Sum256(data); err == nil && !bytes.Equal(sum[:], hash) {
		err = errPacked
	}
	if err != nil {
		return nil, fmt.Errorf("recorder: content %s: %w", c.SHA256, err)
	}
	return data, nil
}

func seqOf(pos int64) int64 { return pos & (1<<seqBits - 1) }
