package recorder

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVerifyPasses(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	report := mustVerify(t, dir)
	if report.Logs != 3 || report.Events != 33 || report.Contents != 2 || len(report.Heads) != 1 {
		t.Errorf("%+v", report)
	}
	if len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "folder itself") {
		t.Error("notes:", report.Notes)
	}
}

// TestVerifyByAStranger has nothing but the database and the key.
func TestVerifyByAStranger(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	key, err := read(t, dir).VerifierKey()
	if err != nil {
		t.Fatal(err)
	}
	alone := t.TempDir()
	copyFile(t, filepath.Join(dir, databaseFile), filepath.Join(alone, databaseFile))
	reader := read(t, alone)
	if _, err := reader.Verify(t.Context(), VerifyOptions{}); err == nil {
		t.Error("verified without a key")
	}
	report, err := reader.Verify(t.Context(), VerifyOptions{Key: key + "\n"})
	if err != nil || !report.OK() || len(report.Notes) != 1 || !strings.Contains(report.Notes[0], "no checkpoint file") {
		t.Errorf("%+v %v", report, err)
	}
	other := fixedKey(t).public
	if report, err := reader.Verify(t.Context(), VerifyOptions{Key: other}); err != nil || report.OK() {
		t.Errorf("another installation's key: %+v %v", report, err)
	}
	if _, err := reader.Verify(t.Context(), VerifyOptions{Key: "chaperone/x+1+2"}); err == nil {
		t.Error("took something for a key that is none")
	}
}

// found changes a copy of a record and says what verify finds.
func found(t *testing.T, dir string, change func(folder string, db *sql.Conn)) Report {
	t.Helper()
	folder := copyFolder(t, dir)
	db := raw(t, folder)
	change(folder, db)
	if _, err := db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	return verify(t, folder)
}

func execute(t *testing.T, db *sql.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestTamperingIsFound(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	const log1, log2, log3 = "1 << 40", "2 << 40", "3 << 40"
	move := "UPDATE events SET pos = -pos - 1 WHERE pos %s; UPDATE events SET pos = -(pos + 1) + %d WHERE pos < 0"
	for name, c := range map[string]struct{ sql, want string }{
		"event changed":            {"UPDATE events SET data = CAST(replace(data, 'no such table', 'no such thing') AS BLOB) WHERE kind = 'call.failed'", "data are not those"},
		"session renamed":          {"UPDATE events SET session = 'sX', data = CAST(replace(data, '\"s3\"', '\"sX\"') AS BLOB) WHERE session = 's3'", "data are not those"},
		"column changed":           {"UPDATE events SET session = 'other' WHERE kind = 'call.received'", "columns beside"},
		"last event dropped":       {"DELETE FROM events WHERE pos = (SELECT max(pos) FROM events)", "cut off"},
		"first event dropped":      {"DELETE FROM events WHERE pos = " + log1, "missing"},
		"events closed up":         {"DELETE FROM events WHERE pos = 2 + (" + log1 + "); " + fmt.Sprintf(move, "BETWEEN 3 + ("+log1+") AND 900 + ("+log1+")", -1), "cut off"},
		"event repeated":           {"INSERT INTO events SELECT pos + 1, time, session, call, kind, hashes, data FROM events WHERE pos = (SELECT max(pos) FROM events)", "not covered"},
		"event added at a gap":     {"INSERT INTO events SELECT pos + 100, time, session, call, kind, hashes, data FROM events WHERE pos = " + log2, "missing"},
		"events swapped":           {"UPDATE events SET pos = CASE pos WHEN 3 + (" + log1 + ") THEN -1 ELSE 3 + (" + log1 + ") END WHERE pos IN (3 + (" + log1 + "), 5 + (" + log1 + ")); UPDATE events SET pos = 5 + (" + log1 + ") WHERE pos = -1", "Merkle"},
		"logs exchange events":     {"UPDATE events SET pos = -1 WHERE pos = 1 + (" + log1 + "); UPDATE events SET pos = 1 + (" + log1 + ") WHERE pos = 1 + (" + log2 + "); UPDATE events SET pos = 1 + (" + log2 + ") WHERE pos = -1", "not those of which"},
		"event in no log":          {"UPDATE events SET pos = pos + (7 << 40) WHERE pos = 2 + (" + log3 + ")", "no log"},
		"event before all logs":    {"UPDATE events SET pos = -5 WHERE pos = 2 + (" + log3 + ")", "no log"},
		"log dropped":              {"DELETE FROM logs WHERE id = 2; DELETE FROM events WHERE pos >> 40 = 2", "is missing"},
		"last log dropped":         {"DELETE FROM logs WHERE id = 3; DELETE FROM events WHERE pos >> 40 = 3", "is missing"},
		"log emptied":              {"DELETE FROM events WHERE pos >> 40 = 1", "cut off"},
		"log renamed":              {"UPDATE logs SET name = 'X' WHERE id = 1", "not signed"},
		"logs renumbered":          {"UPDATE logs SET id = 9 WHERE id = 1; UPDATE events SET pos = pos + (8 << 40) WHERE pos >> 40 = 1", "began later"},
		"checkpoints exchanged":    {"UPDATE logs SET checkpoint = (SELECT checkpoint FROM logs AS o WHERE o.id = 3 - logs.id) WHERE id IN (1, 2)", "not signed"},
		"checkpoint gone":          {"UPDATE logs SET checkpoint = '' WHERE id = 1", "not signed"},
		"settled log reopened":     {"UPDATE logs SET state = 'open' WHERE id = 2", "state"},
		"last log reopened":        {"UPDATE logs SET state = 'open' WHERE id = 3", "state"},
		"last log settled":         {"UPDATE logs SET state = 'settled' WHERE id = 3", "state"},
		"content changed":          {"UPDATE contents SET data = (SELECT data FROM contents AS o WHERE o.hash <> contents.hash)", "not what was recorded"},
		"content damaged":          {"UPDATE contents SET data = zeroblob(9)", "damaged"},
		"content gone":             {"DELETE FROM contents WHERE rowid = 1", "content"},
		"content added":            {"INSERT INTO contents SELECT zeroblob(32), data FROM contents LIMIT 1", "not what was recorded"},
		"Merkle hashes shortened":  {"UPDATE events SET hashes = substr(hashes, 1, 32)", "Merkle"},
		"Merkle hashes gone":       {"UPDATE events SET hashes = x''", "not those"},
		"trigger":                  {"CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events; END", "changed by hand"},
		"further table":            {"CREATE TABLE more (a)", "changed by hand"},
		"index dropped":            {"DROP INDEX events_session", "changed by hand"},
		"view in place of a table": {"ALTER TABLE contents RENAME TO c2; CREATE VIEW contents AS SELECT hash, data FROM c2", "changed by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			report := found(t, dir, func(_ string, db *sql.Conn) { execute(t, db, c.sql) })
			if !strings.Contains(fmt.Sprint(report.Problems), c.want) {
				t.Errorf("found %q, want something with %q", report.Problems, c.want)
			}
		})
	}
}

// TestForgery is somebody who can compute everything but signatures: a changed
// event, and an added one, with hashes to match.
func TestForgery(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	for name, forge := range map[string]func(drafts []draft) []draft{
		"changed": func(d []draft) []draft {
			d[2].head = bytes.Replace(d[2].head, []byte("why not"), []byte("because"), 1)
			return d
		},
		"added":     func(d []draft) []draft { return append(d, d[2]) },
		"reordered": func(d []draft) []draft { d[4], d[5] = d[5], d[4]; return d },
		"dropped":   func(d []draft) []draft { return append(d[:4], d[5:]...) },
	} {
		t.Run(name, func(t *testing.T) {
			report := found(t, dir, func(_ string, db *sql.Conn) { rewrite(t, db, 1, forge) })
			if report.OK() {
				t.Error("verify found nothing")
			}
		})
	}
	if report := found(t, dir, func(_ string, db *sql.Conn) { rewrite(t, db, 1, func(d []draft) []draft { return d }) }); !report.OK() {
		t.Error("the forger's tools are no good:", report.Problems)
	}
}

// rewrite puts other events in a log, with all that follows from them but the
// signature.
func rewrite(t *testing.T, db *sql.Conn, log int64, forge func([]draft) []draft) {
	t.Helper()
	p := testPacker(t)
	rows, err := db.QueryContext(t.Context(), "SELECT data, time, session, call, kind FROM events WHERE pos >> 40 = ? ORDER BY pos", log)
	if err != nil {
		t.Fatal(err)
	}
	drafts, err := collect(rows, func(d *draft) []any { return []any{&d.head, &d.time, &d.session, &d.call, &d.kind} })
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range drafts {
		leaf, err := p.unpackLeaf(d.head)
		if err != nil {
			t.Fatal(err)
		}
		at := strings.LastIndex(string(leaf), `"n":`) + len(`"n":`)
		after := at + strings.IndexByte(string(leaf[at:]), ',')
		drafts[i].head, drafts[i].tail = leaf[:at], leaf[after:]
	}
	forged := newOwnLog(log, "forged")
	next, err := forged.propose(forge(drafts), p, fixedKey(t).signer, func(string) (int64, error) { return 0, nil })
	if err != nil {
		t.Fatal(err)
	}
	execute(t, db, fmt.Sprint("DELETE FROM events WHERE pos >> 40 = ", log))
	for _, r := range next.rows {
		if _, err := db.ExecContext(t.Context(), "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
			r.pos, r.time, r.session, r.call, r.kind, r.hashes, r.data); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRollback goes back to an older state, whose signatures are all good.
func TestRollback(t *testing.T) {
	dir := t.TempDir()
	key := ""
	r := open(t, dir)
	appendAll(t, r, on("s", "c", Started{}, Finished{})...)
	eventually(t, "the checkpoint file is there", func() bool {
		_, err := os.Stat(filepath.Join(dir, headsFile))
		return err == nil
	})
	key = r.VerifierKey()
	older := snapshotOf(t, dir)
	appendAll(t, r, on("s", "d", Started{}, Finished{})...)
	report, err := read(t, dir).Verify(t.Context(), VerifyOptions{})
	if err != nil || len(report.Heads) != 1 {
		t.Fatal(report, err)
	}
	kept := report.Heads
	closeIt(t, r)
	copyFile(t, filepath.Join(dir, headsFile), filepath.Join(older, "newer"))

	if report := verify(t, older); !report.OK() {
		t.Fatal("the older state is whole in itself:", report.Problems)
	}
	report, err = read(t, older).Verify(t.Context(), VerifyOptions{Key: key, Checkpoints: kept})
	if err != nil || report.OK() || !strings.Contains(report.Problems[0].What, "taken back") {
		t.Error("with a checkpoint kept elsewhere:", report, err)
	}
	if err := os.Rename(filepath.Join(older, "newer"), filepath.Join(older, headsFile)); err != nil {
		t.Fatal(err)
	}
	if report := verify(t, older); report.OK() || !strings.Contains(report.Problems[0].What, "taken back") {
		t.Error("with the newer checkpoint file:", report.Problems)
	}
	// The gateway does not start on it. Without the file it would, and the file,
	// kept elsewhere, still tells.
	notOpened(t, older, "taken back")
	evidence, err := os.ReadFile(filepath.Join(older, headsFile))
	if err != nil || os.Remove(filepath.Join(older, headsFile)) != nil {
		t.Fatal(err)
	}
	closeIt(t, open(t, older))
	report, err = read(t, older).Verify(t.Context(), VerifyOptions{Key: key, Checkpoints: []string{string(evidence)}})
	if err != nil || report.OK() {
		t.Error("the rollback was forgotten", err)
	}
	// An older file beside a newer database is what a crash leaves.
	if report := found(t, dir, func(folder string, _ *sql.Conn) {
		copyFile(t, filepath.Join(snapshotOf(t, dir), headsFile), filepath.Join(folder, headsFile))
	}); !report.OK() {
		t.Error("an older checkpoint file:", report.Problems)
	}
}

// snapshotOf copies a data folder that is in use.
func snapshotOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	execute(t, raw(t, dir), fmt.Sprintf("VACUUM INTO '%s'", filepath.Join(to, databaseFile)))
	for _, name := range []string{headsFile, signingKeyFile, verifierKeyFile, secretFile} {
		copyFile(t, filepath.Join(dir, name), filepath.Join(to, name))
	}
	return to
}

// TestTailCutWithOldCheckpoint takes one log back to an earlier state of its
// own, signature included, and removes the checkpoint file: a later log tells.
func TestTailCutWithOldCheckpoint(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	appendAll(t, r, on("s", "c", Started{})...)
	early, err := r.writer.store.headOf(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, r, on("s", "c", Finished{})...)
	closeIt(t, r)
	closeIt(t, open(t, dir))
	report := found(t, dir, func(folder string, db *sql.Conn) {
		execute(t, db, "DELETE FROM events WHERE pos >= (1 << 40) + 2 AND pos >> 40 = 1", "UPDATE logs SET checkpoint = '"+early+"' WHERE id = 1")
		if err := os.Remove(filepath.Join(folder, headsFile)); err != nil {
			t.Fatal(err)
		}
	})
	if report.OK() || !strings.Contains(fmt.Sprint(report.Problems), "cut off") {
		t.Error(report.Problems)
	}
}

func TestCheckpointFileIsChecked(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	for name, c := range map[string]struct {
		change func(path string) error
		want   string
	}{
		"damaged": {func(p string) error { return overwrite(p, 40, 1) }, "damaged or not ours"},
		"cut":     {func(p string) error { return os.Truncate(p, 100) }, "damaged or not ours"},
		"removed": {os.Remove, ""},
		"emptied": {func(p string) error { return os.Truncate(p, 0) }, ""},
	} {
		report := found(t, dir, func(folder string, _ *sql.Conn) {
			if err := c.change(filepath.Join(folder, headsFile)); err != nil {
				t.Fatal(err)
			}
		})
		if c.want == "" {
			if !report.OK() || !strings.Contains(fmt.Sprint(report.Notes), "no checkpoint file") {
				t.Errorf("%s: %v %v", name, report.Problems, report.Notes)
			}
		} else if !strings.Contains(fmt.Sprint(report.Problems), c.want) {
			t.Errorf("%s: %v", name, report.Problems)
		}
	}
}

func TestVerifyReportsProgressAndStops(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	many := make([]Event, 0, 11_000)
	for range cap(many) {
		many = append(many, Event{Session: "s", Body: Started{}})
	}
	appendAll(t, r, many...)
	var told []int64
	ctx, cancel := context.WithCancel(t.Context())
	report, err := read(t, dir).Verify(ctx, VerifyOptions{Progress: func(done, total int64) { told = append(told, done, total) }})
	if err != nil || !report.OK() || fmt.Sprint(told) != "[10000 11001]" {
		t.Error(report.Problems, err, told)
	}
	_, err = read(t, dir).Verify(ctx, VerifyOptions{Progress: func(int64, int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Error("after the end of the context:", err)
	}
}

func TestNothingToRead(t *testing.T) {
	empty := t.TempDir()
	if _, err := OpenReader(t.Context(), empty); !errors.Is(err, ErrNotFound) {
		t.Error("an empty folder:", err)
	}
	if entries, err := fs.ReadDir(os.DirFS(empty), "."); err != nil || len(entries) != 0 {
		t.Error("reading made files:", entries, err)
	}
	for name, prepare := range map[string]string{
		"another program's database": "CREATE TABLE t (a)",
		"an empty database":          "PRAGMA user_version = 0",
		"a newer record":             fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 99", applicationID),
		"an unknown application":     "PRAGMA application_id = 5; PRAGMA user_version = 1",
	} {
		dir := t.TempDir()
		execute(t, raw(t, dir), prepare)
		if r, err := OpenReader(t.Context(), dir); err == nil {
			_ = r.Close()
			t.Errorf("%s was opened", name)
		}
	}
}
