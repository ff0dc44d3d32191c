package recorder

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// at opens a recorder whose clock stands still.
func at(t *testing.T, dir string, now time.Time) *Recorder {
	t.Helper()
	r, err := Open(t.Context(), Options{Dir: dir, Version: "test", Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// TestClockJumps lets every process find the clock somewhere else. The record
// stays whole, and tells its stories in the order in which they happened.
func TestClockJumps(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, later := range map[string]time.Time{
		"stands still": now, "back a second": now.Add(-time.Second), "back ten years": now.AddDate(-10, 0, 0),
		"back to 1970": time.Unix(0, 0), "ahead": now.AddDate(50, 0, 0), "far ahead": now.AddDate(7000, 0, 0),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			dead := at(t, dir, now)
			appendAll(t, dead, on("s", "c", SessionOpened{Principal: ann}, Received{}, Started{})...)
			abandon(t, dead)
			heir := at(t, dir, later)
			if heir.Recovered() != 1 {
				t.Errorf("%d calls were recovered", heir.Recovered())
			}
			appendAll(t, heir, on("s2", "c2", SessionOpened{Principal: ann}, Started{}, Finished{})...)
			closeIt(t, heir)
			closeIt(t, at(t, dir, now))
			mustVerify(t, dir)
			want := "session.opened call.received call.started call.ambiguous session.closed"
			if got := kinds(events(t, read(t, dir), "s")); got != want {
				t.Errorf("in the order %s", got)
			}
			for _, session := range []string{"s", "s2", ""} {
				file, key := exported(t, dir, session)
				if _, err := VerifyExport(bytes.NewReader(file), key); err != nil {
					t.Errorf("the export of %q: %v", session, err)
				}
			}
		})
	}
}

// TestClockJumpsInService turns the clock back and on while calls are recorded.
func TestClockJumpsInService(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	r, err := Open(t.Context(), Options{Dir: dir, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, jump := range []time.Duration{0, time.Hour, -2 * time.Hour, 0, 0, 1000 * time.Hour, -3000 * time.Hour} {
		now = now.Add(jump)
		appendAll(t, r, on("s", now.String(), Received{}, Started{}, Finished{})...)
	}
	closeIt(t, r)
	all := events(t, read(t, dir), "s")
	for i, e := range all {
		if e.Place.Number != int64(i+1) || ids[e.ID] {
			t.Errorf("event %d has number %d and id %s", i, e.Place.Number, e.ID)
		}
		ids[e.ID] = true
	}
	if len(all) != 21 {
		t.Errorf("%d events", len(all))
	}
	mustVerify(t, dir)
}

// TestDatabaseGone takes the database away while the gateway is down, or leaves
// an empty one. No new record begins before the old one's checkpoint is moved away.
func TestDatabaseGone(t *testing.T) {
	for name, take := range map[string]func(path string) error{
		"removed": func(path string) error {
			for _, suffix := range []string{"-wal", "-shm"} {
				_ = os.Remove(path + suffix)
			}
			return os.Remove(path)
		},
		"emptied": func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			record(t, dir)
			if err := take(filepath.Join(dir, databaseFile)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				notOpened(t, dir, "taken back", "has 0 events", "move the file checkpoint away")
				if report := verify(t, dir); report.OK() || !strings.Contains(report.Problems[0].What, "missing") {
					t.Errorf("%v", report.Problems)
				}
			}
			if err := os.Remove(filepath.Join(dir, headsFile)); err != nil {
				t.Fatal(err)
			}
			closeIt(t, open(t, dir))
			mustVerify(t, dir)
		})
	}
}

// TestExportOfAForger is a story that somebody else recorded with a key of their
// own, and passes off as ours.
func TestExportOfAForger(t *testing.T) {
	_, ours := smallExport(t)
	forged, theirs := smallExport(t)
	if _, err := VerifyExport(bytes.NewReader(forged), theirs); err != nil {
		t.Fatal(err)
	}
	name := func(key string) string { return strings.SplitN(key, "+", 2)[0] }
	keyHash := func(key string) string { return strings.Split(key, "+")[1] }
	relabel := func(file []byte) []byte {
		file = bytes.ReplaceAll(file, []byte(jsonText(t, theirs)), []byte(jsonText(t, ours)))
		return bytes.ReplaceAll(file, []byte(name(theirs)), []byte(name(ours)))
	}
	for what, file := range map[string][]byte{
		"as it is":              forged,
		"with our key on top":   reseal(bytes.Replace(forged, []byte(jsonText(t, theirs)), []byte(jsonText(t, ours)), 1)),
		"with our name on all":  reseal(relabel(forged)),
		"with our key's digest": reseal(withHash(t, relabel(forged), keyHash(ours))),
	} {
		if report, err := VerifyExport(bytes.NewReader(file), ours); err == nil {
			t.Errorf("%s: passed: %+v", what, report)
		} else {
			t.Logf("%s: %v", what, err)
		}
	}
}

func jsonText(t *testing.T, s string) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(text, []byte(`\u002b`), []byte("+")))
}

// withHash puts another key's digest into every signature.
func withHash(t *testing.T, file []byte, hash string) []byte {
	t.Helper()
	const before = "\\n\\n— "
	parts := strings.Split(string(file), before)
	if len(parts) < 2 {
		t.Fatal("no signature in the export")
	}
	for i, part := range parts[1:] {
		who, rest, _ := strings.Cut(part, " ")
		text, tail, _ := strings.Cut(rest, `\n`)
		signature, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := hex.DecodeString(hash)
		if err != nil {
			t.Fatal(err)
		}
		copy(signature, digest)
		parts[i+1] = who + " " + base64.StdEncoding.EncodeToString(signature) + `\n` + tail
	}
	return []byte(strings.Join(parts, before))
}

// TestOlderDatabaseWithNewerHeads goes back to an older copy of the database
// while the gateway is down. It does not start on that.
func TestOlderDatabaseWithNewerHeads(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	older := copyFolder(t, dir)
	r := open(t, dir)
	appendAll(t, r, on("forgotten", "c", SessionOpened{Principal: ann}, Started{}, Finished{})...)
	closeIt(t, r)
	copyFile(t, filepath.Join(older, databaseFile), filepath.Join(dir, databaseFile))
	for _, suffix := range []string{"-wal", "-shm"} {
		_ = os.Remove(filepath.Join(dir, databaseFile+suffix))
	}
	for range 3 {
		notOpened(t, dir, "taken back", "put the newest recorder.db back", "keep it as evidence")
		if report := verify(t, dir); report.OK() {
			t.Error("the older copy was taken for the record")
		}
	}
	// To make it pass, the checkpoint file has to go, and that is said.
	report := found(t, dir, func(folder string, _ *sql.Conn) { _ = os.Remove(filepath.Join(folder, headsFile)) })
	if !report.OK() || !strings.Contains(strings.Join(report.Notes, " "), "no checkpoint file") {
		t.Errorf("%v %v", report.Problems, report.Notes)
	}
}
