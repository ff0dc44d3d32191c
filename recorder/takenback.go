package recorder

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// outside is what the checkpoint file said before the database was looked at.
// Since it is written after each commit that it is about, whatever crashed, the
// database is never behind it.
type outside struct {
	path  string
	heads []signedHead
	err   error
}

func readOutside(dir string, key note.Verifier) outside {
	o := outside{path: filepath.Join(dir, headsFile)}
	o.heads, o.err = readHeads(o.path, key)
	return o
}

// agrees refuses a database that does not hold all that the file knows of: it
// was taken back to an older state, or changed, while nobody looked. Whether
// events still are what their hashes say is for Verify.
func (o outside) agrees(ctx context.Context, s *store, key note.Verifier) error {
	if o.err != nil {
		return fmt.Errorf("%s is damaged or not ours: run `chaperone sessions verify`, and move the file away if the machine lost power; "+
			"otherwise someone changed it", o.path)
	}
	for _, known := range o.heads {
		if err := o.holds(ctx, s, known.Head, key); err != nil {
			return err
		}
	}
	return nil
}

// holds compares one log with what the file knows of it.
func (o outside) holds(ctx context.Context, s *store, known Head, key note.Verifier) error {
	id, size, err := s.sizeOf(ctx, known.Log, key)
	switch {
	case err != nil:
		return err
	case size < known.Size:
		return o.takenBack(s, known, size)
	}
	root, err := tlog.TreeHash(known.Size, storedHashes(ctx, s.conn, id))
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && root != known.Root:
		return o.changed(s, known)
	case err != nil:
		return err
	}
	return nil
}

// sizeOf returns how many events a log has by its own checkpoint: none when it
// is missing.
func (s *store) sizeOf(ctx context.Context, name string, key note.Verifier) (id, size int64, err error) {
	var checkpoint string
	err = s.conn.QueryRowContext(ctx, "SELECT id, checkpoint FROM logs WHERE name = ?", name).Scan(&id, &checkpoint)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	head, err := openCheckpoint(checkpoint, key)
	if err != nil || head.Log != name {
		return 0, 0, errForeign
	}
	return id, head.Size, nil
}

func (o outside) takenBack(s *store, known Head, size int64) error {
	return fmt.Errorf("%s was taken back to an older state: it has %d events of the log %s, and %s is signed over %d: "+
		"put the newest recorder.db back, with its -wal file if there is one; if it is lost, move the file checkpoint away, "+
		"keep it as evidence, and start again", s.path, size, known.Log, o.path, known.Size)
}

func (o outside) changed(s *store, known Head) error {
	return fmt.Errorf("%s was changed: the first %d events of the log %s are not those that %s is signed over: "+
		"run `chaperone sessions verify`, and restore the data folder from a backup", s.path, known.Size, known.Log, o.path)
}
