package recorder

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// notOpened opens a data folder that must be refused, in one line with all of
// wants.
func notOpened(t *testing.T, dir string, wants ...string) {
	t.Helper()
	r, err := Open(t.Context(), Options{Dir: dir, Version: "test"})
	if err == nil {
		closeIt(t, r)
		t.Error("it is opened without a word")
		return
	}
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("not told as a record that can't be written: %v", err)
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q does not say %q in one line", err, want)
		}
	}
}

// TestOpenComparesWithTheCheckpoint changes what stands beside the checkpoint
// file, or the file, while the gateway is down.
func TestOpenComparesWithTheCheckpoint(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	lagging := lag(t, dir) // as a crash leaves it
	for name, c := range map[string]struct {
		sql    string
		change func(path string) error
		want   string
	}{
		"as it is":               {},
		"a file that lags":       {change: func(p string) error { return os.WriteFile(p, []byte(lagging), 0o600) }},
		"no file":                {change: os.Remove},
		"an empty file":          {change: func(p string) error { return os.Truncate(p, 0) }},
		"a file cut short":       {change: func(p string) error { return os.Truncate(p, 100) }, want: "damaged or not ours"},
		"a file with other text": {change: func(p string) error { return overwrite(p, 40, 1) }, want: "damaged or not ours"},
		"the last log dropped":   {sql: "DELETE FROM logs WHERE id = 4; DELETE FROM events WHERE pos >> 40 = 4", want: "has 0 events of the log"},
		"other hashes":           {sql: "UPDATE events SET hashes = randomblob(length(hashes)) WHERE pos >> 40 = 4", want: "was changed"},
		"its last event dropped": {sql: "DELETE FROM events WHERE pos = (SELECT max(pos) FROM events)", want: "was changed"},
		"other hashes, and a file that lags": {
			sql: "UPDATE events SET hashes = randomblob(length(hashes)) WHERE pos >> 40 = 4", want: "was changed",
			change: func(p string) error { return os.WriteFile(p, []byte(lagging), 0o600) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := copyFolder(t, dir)
			if c.sql != "" {
				execute(t, raw(t, folder), c.sql)
			}
			if c.change != nil {
				if err := c.change(filepath.Join(folder, headsFile)); err != nil {
					t.Fatal(err)
				}
			}
			if c.want != "" {
				notOpened(t, folder, c.want)
				return
			}
			closeIt(t, open(t, folder))
			mustVerify(t, folder)
		})
	}
}

// lag records one more log, and returns the checkpoint file from its midst.
func lag(t *testing.T, dir string) string {
	t.Helper()
	r := open(t, dir)
	appendAll(t, r, on("lag", "c", Started{}, Finished{})...)
	r.writer.turn <- struct{}{}
	err := r.writer.heads.publish(r.writer.log.checkpoint, true)
	text, readErr := os.ReadFile(filepath.Join(dir, headsFile))
	r.writer.pass()
	if err != nil || readErr != nil {
		t.Fatal(err, readErr)
	}
	appendAll(t, r, on("lag", "d", Started{}, Finished{})...)
	closeIt(t, r)
	return string(text)
}
