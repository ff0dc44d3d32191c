package main

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTamperedRecord changes a record in every way that one can by hand, and
// lets the program verify it: it ends with 1 and a verdict of one line, and says
// what is wrong.
func TestTamperedRecord(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	config := site(t, state, newCrashSite(t).dsn)
	p := startPeer(t, config)
	const calls = 5
	for n := range calls {
		if reply, err := p.call("sql_write", insert(fmt.Sprint("x", n))); err != nil || reply.Status != "ok" {
			t.Fatalf("%+v, %v", reply, err)
		}
	}
	if said, err := p.stop(); err != nil {
		t.Fatal(err, said)
	}
	key := filepath.Join(state, "signing.pub")
	if out, code := verifyRecord(t, state, key); code != 0 || !strings.HasPrefix(lastLine(out), "verified:") {
		t.Fatalf("it is not whole to begin with: %d, %s", code, out)
	}
	const event = "(SELECT pos FROM events WHERE kind = 'call.started' LIMIT 1 OFFSET 2)"
	for name, change := range map[string]string{
		"a bit of an event":          "UPDATE events SET data = CAST(replace(data, 'crash test', 'crash tesu') AS BLOB) WHERE kind = 'call.received'",
		"a column beside it":         "UPDATE events SET call = 'another' WHERE pos = " + event,
		"its hash":                   "UPDATE events SET hashes = zeroblob(length(hashes)) WHERE pos = " + event,
		"an event dropped":           "DELETE FROM events WHERE pos = " + event,
		"the last one dropped":       "DELETE FROM events WHERE pos = (SELECT max(pos) FROM events)",
		"an event added":             "INSERT INTO events SELECT pos + 1, time, session, call, kind, hashes, data FROM events ORDER BY pos DESC LIMIT 1",
		"two events exchanged":       "CREATE TEMP TABLE two AS SELECT " + event + " AS pos; UPDATE events SET pos = -1 WHERE pos = (SELECT pos FROM two); UPDATE events SET pos = pos - 1 WHERE pos = (SELECT pos + 1 FROM two); UPDATE events SET pos = (SELECT pos + 1 FROM two) WHERE pos = -1",
		"the record began anew":      "DELETE FROM events; DELETE FROM logs",
		"a checkpoint":               "UPDATE logs SET checkpoint = replace(checkpoint, 'chaperone/', 'chaperone/x')",
		"a trigger for the next one": "CREATE TRIGGER quiet AFTER INSERT ON events BEGIN DELETE FROM events WHERE kind = 'call.refused'; END",
	} {
		t.Run(name, func(t *testing.T) {
			folder := copyState(t, state)
			db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "recorder.db"))
			if err != nil {
				t.Fatal(err)
			}
			db.SetMaxOpenConns(1)
			if _, err := db.Exec(change); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			isFound(t, folder, key)
		})
	}
	t.Run("bits of the file", func(t *testing.T) {
		folder := copyState(t, state)
		path := filepath.Join(folder, "recorder.db")
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// SQLite leaves old copies of what it moved lying about in its pages;
		// those mean nothing.
		found, word := 0, []byte("crash test")
		for at := bytes.Index(good, word); at >= 0; {
			bad := bytes.Clone(good)
			bad[at+rand.IntN(len(word))] ^= 1 << rand.IntN(8)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if out, code := verifyRecord(t, folder, key); code != 0 {
				isVerdict(t, out, code)
				found++
			}
			next := bytes.Index(good[at+1:], word)
			if next < 0 {
				break
			}
			at += 1 + next
		}
		if found < calls {
			t.Errorf("%d changes were found, and %d calls have the word", found, calls)
		}
	})
	t.Run("another key", func(t *testing.T) {
		folder := copyState(t, state)
		stranger := filepath.Join(t.TempDir(), "state")
		p := startPeer(t, site(t, stranger, "postgres://nowhere"))
		if said, err := p.stop(); err != nil {
			t.Fatal(err, said)
		}
		isFound(t, folder, filepath.Join(stranger, "signing.pub"))
	})
}

// copyState copies a data folder.
func copyState(t *testing.T, state string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(state)); err != nil {
		t.Fatal(err)
	}
	return to
}

// verifyRecord runs `sessions verify`, and returns what it printed and its exit code.
func verifyRecord(t *testing.T, folder, key string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t), "sessions", "verify", "--dir", folder, "--key", key)
	text, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(text) + string(exit.Stderr), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text), 0
}

// isFound checks that verification fails, says what is wrong on a line of its
// own, and ends with the verdict.
func isFound(t *testing.T, folder, key string) {
	t.Helper()
	out, code := verifyRecord(t, folder, key)
	isVerdict(t, out, code)
}

func isVerdict(t *testing.T, out string, code int) {
	t.Helper()
	listed := strings.Contains(out, "✗ ")
	if code != 1 || !listed && strings.Count(out, "\n") != 1 || listed && !strings.HasPrefix(lastLine(out), "NOT as written") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func lastLine(out string) string {
	out = strings.TrimRight(out, "\n")
	return out[strings.LastIndexByte(out, '\n')+1:]
}
