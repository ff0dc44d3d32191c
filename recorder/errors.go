package recorder

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrUnavailable is the error of a record that cannot be written at the
	// moment. Nothing that depends on the record may run.
	ErrUnavailable = errors.New("the record cannot be written")
	// ErrClosed is the error of a recorder after Close.
	ErrClosed = errors.New("recorder: the recorder was closed")
	// ErrNotFound is the error of a session or content that is not on record.
	ErrNotFound = errors.New("recorder: not on record")
)

// fault is a reason why the record cannot be written, and what to do.
type fault struct {
	what  string
	cause error
}

func (f *fault) Error() string   { return "recorder: " + ErrUnavailable.Error() + ": " + f.what }
func (f *fault) Unwrap() []error { return []error{ErrUnavailable, f.cause} }

// unavailable says what an error of the store at path means.
func unavailable(path string, err error) error {
	var known *fault
	if errors.As(err, &known) {
		return known
	}
	return &fault{what: explain(path, err), cause: err}
}

func explain(path string, err error) string {
	var sqliteErr *sqlite.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "the wait for " + path + " was cut short: try again"
	case !errors.As(err, &sqliteErr):
		return strings.TrimPrefix(err.Error(), "recorder: ")
	}
	switch sqliteErr.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return "the disk under " + path + " is full: free some space, service then resumes by itself"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return path + " is read-only: make the file, its folder and its disk writable, service then resumes by itself"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another program keeps " + path + " locked: close what has the file open, service then resumes by itself"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return path + " is damaged: run `chaperone sessions verify`, then restore the data folder from a backup or move it away"
	case sqlite3.SQLITE_CANTOPEN:
		return path + " cannot be opened: see that its folder exists and may be written"
	}
	return fmt.Sprintf("reading or writing %s failed (SQLite code %d): look at the disk and the system log", path, sqliteErr.Code())
}

// unreadable says what an error of reading the file at path means.
func unreadable(path string, err error) error {
	var sqliteErr *sqlite.Error
	if !errors.As(err, &sqliteErr) {
		return err
	}
	return fmt.Errorf("recorder: the record cannot be read: %s: %w", explain(path, err), err)
}

// readOnlyMedium reports whether SQLite failed for want of its helper files,
// which it makes beside the database.
func readOnlyMedium(err error) bool {
	var sqliteErr *sqlite.Error
	if !errors.As(err, &sqliteErr) {
		return false
	}
	code := sqliteErr.Code() & 0xff
	return code == sqlite3.SQLITE_CANTOPEN || code == sqlite3.SQLITE_READONLY
}
