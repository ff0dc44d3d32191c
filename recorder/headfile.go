package recorder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// headsFile keeps the newest checkpoint of every log that no later log has
// recorded, so that a database that was taken back to an older state is found.
const headsFile = "checkpoint"

// signedHead is a head with the note that it was read from.
type signedHead struct {
	Head
	note string
}

// headKeeper keeps the file up to date for one process.
type headKeeper struct {
	dir string
	key note.Verifier
	log string
	// seen are the sizes of other logs that the first event of this log holds.
	seen map[string]int64
}

// publish replaces this log's checkpoint in the file. Only with durable it is on
// disk when publish returns, and only with durable it waits for another process
// that has the file: nobody's calls may hang on that.
func (k headKeeper) publish(checkpoint string, durable bool) error {
	patience := time.Duration(0)
	if durable {
		patience = time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	lock := lockFile(k.dir, headsFile)
	if ok, err := lock.TryLock(); err != nil || !ok {
		if _, err := lock.TryLockContext(ctx, 5*time.Millisecond); err != nil {
			return fmt.Errorf("recorder: lock the checkpoint file: %w", err)
		}
	}
	defer lock.Unlock() //nolint:errcheck // the lock ends with the file
	path := filepath.Join(k.dir, headsFile)
	heads, err := readHeads(path, k.key)
	if err != nil {
		return err
	}
	var notes []string
	for _, h := range heads {
		if size, ok := k.seen[h.Log]; h.Log != k.log && (!ok || h.Size > size) {
			notes = append(notes, h.note)
		}
	}
	return replaceFile(path, strings.Join(append(notes, checkpoint), "\n"), durable)
}

// readHeads reads the checkpoint file. A missing or empty file holds none.
func readHeads(path string, key note.Verifier) ([]signedHead, error) {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	heads, err := parseHeads(string(data), key)
	if err != nil {
		return nil, fmt.Errorf("recorder: %s: %w", path, err)
	}
	return heads, nil
}

// parseHeads reads checkpoints of five lines each, with a blank line between.
func parseHeads(text string, key note.Verifier) ([]signedHead, error) {
	var heads []signedHead
	for text != "" {
		if len(heads) > 0 {
			text = strings.TrimPrefix(text, "\n")
		}
		end := afterLines(text, 5)
		head, err := openCheckpoint(text[:end], key)
		if err != nil {
			return nil, err
		}
		heads, text = append(heads, signedHead{Head: head, note: text[:end]}), text[end:]
		if text == "\n" {
			return nil, errCheckpoint
		}
	}
	return heads, nil
}

// afterLines returns the length of the first n lines.
func afterLines(text string, n int) int {
	end := 0
	for range n {
		next := strings.IndexByte(text[end:], '\n')
		if next < 0 {
			return len(text)
		}
		end += next + 1
	}
	return end
}

// replaceFile puts text in place of a file, whole or not at all. The caller holds
// the lock on the file.
func replaceFile(path, text string, durable bool) error {
	temp, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("recorder: write the checkpoint file: %w", err)
	}
	_, err = temp.WriteString(text)
	if err == nil && durable {
		err = temp.Sync()
	}
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("recorder: write the checkpoint file: %w", err)
	}
	return nil
}
