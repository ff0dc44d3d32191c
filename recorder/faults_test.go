package recorder

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// refuses checks that nothing can be recorded, and that the reason is one clear
// line with every text in wants.
func refuses(t *testing.T, r *Recorder, wants ...string) {
	t.Helper()
	for name, err := range map[string]error{
		"append": r.Append(t.Context(), on("refused", "c", Started{})...),
		"ready":  r.Ready(),
		"note":   r.Note(on("refused", "c", Received{})...),
	} {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q does not say %q in one line", name, err, want)
			}
		}
	}
}

// resumes checks that service comes back by itself and that the record is whole.
func resumes(t *testing.T, r *Recorder, dir string) {
	t.Helper()
	eventually(t, "service resumes", func() bool { return r.Ready() == nil })
	appendAll(t, r, on("after", "c", Started{}, Finished{})...)
	closeIt(t, r)
	reader := read(t, dir)
	if got := kinds(events(t, reader, "after")); got != "call.started call.finished" {
		t.Error("after the fault:", got)
	}
	if order, err := reader.order(t.Context(), "refused"); err != nil || len(order) != 0 {
		t.Error("events that were refused are on record:", order, err)
	}
	mustVerify(t, dir)
	closeIt(t, open(t, dir))
	mustVerify(t, dir)
}

func TestFileMayNotGrow(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	if _, err := r.writer.store.conn.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	err := r.Append(t.Context(), Event{Session: "refused", Body: Finished{}, Content: NewContent(randomBytes(1 << 20))})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "full") {
		t.Fatal(err)
	}
	resumes(t, r, dir)
}

func TestLockedByAnother(t *testing.T) {
	dir := t.TempDir()
	r, err := Open(t.Context(), Options{Dir: dir, Busy: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	other := raw(t, dir)
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	refuses(t, r, "locked", "close what has the file open")
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	resumes(t, r, dir)
}

// raw is a connection that does not know what the file is for.
func raw(t testing.TB, dir string) *sql.Conn {
	t.Helper()
	db, conn, err := connect(context.Background(), "file:"+filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); _ = db.Close() })
	return conn
}

func TestDamagedWhenOpened(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"not a database": func(p string) error { return os.WriteFile(p, []byte(strings.Repeat("no database ", 1000)), 0o600) },
		"cut in half":    func(p string) error { return os.Truncate(p, 8192) },
		"first page":     func(p string) error { return overwrite(p, 0, 4096) },
		"pages of logs":  func(p string) error { return overwrite(p, 4096, 1<<20) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			record(t, dir)
			if err := harm(filepath.Join(dir, databaseFile)); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), Options{Dir: dir})
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "damaged") || strings.Contains(err.Error(), "\n") {
				t.Errorf("opened for writing: %v", err)
			}
			if reader, err := OpenReader(t.Context(), dir); err == nil {
				defer reader.Close()
				if report, err := reader.Verify(t.Context(), VerifyOptions{}); err == nil && report.OK() {
					t.Error("verify found nothing")
				}
			}
		})
	}
}

// overwrite puts noise in place of n bytes of a file, within its size.
func overwrite(path string, from, n int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(randomBytes(int(min(n, info.Size()-from))), from)
	return errors.Join(err, file.Close())
}

// TestDamagedInService spoils the file under a running recorder and repairs it.
// Another process writes in between, so that the recorder has to read again.
func TestDamagedInService(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, databaseFile)
	r := open(t, dir)
	appendAll(t, r, on("s", "c", Started{})...)
	other := raw(t, dir)
	for _, statement := range []string{
		"UPDATE logs SET name = name", "PRAGMA wal_checkpoint(TRUNCATE)",
	} {
		if _, err := other.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	inPlace(t, path, randomBytes(len(good)))
	refuses(t, r, "damaged", "restore")
	inPlace(t, path, good)
	resumes(t, r, dir)
}

// inPlace writes over a file that SQLite has open in this process, in another
// process: closing it in this one would free SQLite's locks.
func inPlace(t *testing.T, path string, data []byte) {
	t.Helper()
	cmd := command("dd", "of="+path, "conv=notrunc", "status=none", "bs=1M")
	cmd.Stdin = strings.NewReader(string(data))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestFileGone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, databaseFile)
	r := open(t, dir)
	appendAll(t, r, on("s", "c", Started{})...)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	refuses(t, r, "removed or replaced")
	if _, err := os.Stat(path); err == nil {
		t.Error("an empty record was made in place of the one that went away")
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	resumes(t, r, dir)
}

// TestFileReplaced puts an older copy of the record in place of the file: what
// was promised since is not in it, so nothing may be recorded any more.
func TestFileReplaced(t *testing.T) {
	dir := t.TempDir()
	closeIt(t, open(t, dir))
	old := copyFolder(t, dir)
	r := open(t, dir)
	appendAll(t, r, on("s", "c", Started{})...)
	if err := errors.Join(os.Rename(filepath.Join(old, databaseFile), filepath.Join(dir, databaseFile)),
		os.Remove(filepath.Join(dir, databaseFile+"-wal")), os.Remove(filepath.Join(dir, databaseFile+"-shm"))); err != nil {
		t.Fatal(err)
	}
	refuses(t, r, "replaced")
	eventually(t, "the recorder looks again", func() bool {
		err := r.Ready()
		return err == nil || strings.Contains(err.Error(), "does not hold what this process wrote")
	})
	refuses(t, r, "does not hold what this process wrote")
	if err := r.Close(); !errors.Is(err, ErrUnavailable) {
		t.Error("closed as if nothing had happened:", err)
	}
	// Nor does another start on it, once the file outside knows of the loss.
	if err := r.writer.heads.publish(r.writer.log.checkpoint, true); err != nil {
		t.Fatal(err)
	}
	notOpened(t, dir, "taken back")
}

// TestCommitInDoubt has the commit fail after, and before, it took effect.
func TestCommitInDoubt(t *testing.T) {
	for name, c := range map[string]struct {
		commit   string
		happened bool
	}{
		"it happened": {"COMMIT; SELECT * FROM missing", true},
		"it did not":  {"ROLLBACK; SELECT * FROM missing", false},
	} {
		for _, blind := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				dir := t.TempDir()
				r := open(t, dir)
				sabotage(t, r, c.commit)
				path := r.writer.path
				if blind { // the file cannot be opened right after the failure
					r.writer.path = filepath.Join(dir, "elsewhere")
				}
				if err := r.Note(on("s", "c", Received{})...); err != nil {
					t.Fatal(err)
				}
				err := r.Append(t.Context(), on("s", "c", Started{})...)
				if known := c.happened && !blind; known != (err == nil) {
					t.Fatalf("blind %v: %v", blind, err)
				}
				r.writer.path = path
				eventually(t, "service resumes", func() bool { return r.Ready() == nil })
				appendAll(t, r, on("s", "d", Finished{})...)
				want := "call.received call.started call.finished"
				if !c.happened {
					want = "call.received call.finished" // the noted event was kept
				}
				got := events(t, read(t, dir), "s")
				if kinds(got) != want {
					t.Errorf("blind %v: on record: %s, want %s", blind, kinds(got), want)
				}
				for i, e := range got {
					if e.Place.Number != int64(i+1) {
						t.Errorf("event %d has number %d", i, e.Place.Number)
					}
				}
				closeIt(t, r)
				mustVerify(t, dir)
			})
		}
	}
}

// sabotage makes the next commit do something else.
func sabotage(t *testing.T, r *Recorder, statement string) {
	t.Helper()
	stmt, err := r.writer.store.conn.PrepareContext(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	r.writer.turn <- struct{}{}
	_ = r.writer.store.commit.Close()
	r.writer.store.commit = stmt
	<-r.writer.turn
}

type panickingSigner struct{ note.Signer }

func (panickingSigner) Sign([]byte) ([]byte, error) { panic("no ink") }

// TestPanicInTheCommit hits the caller whose turn it is. The others are told,
// and service goes on.
func TestPanicInTheCommit(t *testing.T) {
	const callers = 8
	dir := t.TempDir()
	r := open(t, dir)
	r.writer.turn <- struct{}{}
	pen := r.writer.signer
	r.writer.signer = panickingSigner{pen}
	told := make(chan error)
	for range callers {
		go func() {
			defer func() {
				if recover() != nil {
					told <- nil
				}
			}()
			told <- r.Append(context.Background(), on("refused", "c", Started{})...)
		}()
	}
	eventually(t, "all callers wait", func() bool {
		r.queue.mu.Lock()
		defer r.queue.mu.Unlock()
		return len(r.queue.pending.drafts) == callers
	})
	r.writer.pass()
	panics := 0
	for range callers {
		if err := <-told; err == nil {
			panics++
		} else if !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
	}
	if panics != 1 {
		t.Errorf("%d callers panicked", panics)
	}
	r.writer.turn <- struct{}{}
	r.writer.signer = pen
	r.writer.pass()
	resumes(t, r, dir)
}

// TestFailsFast counts the attempts that are made while the disk refuses.
func TestFailsFast(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	sabotage(t, r, "ROLLBACK; SELECT * FROM missing")
	if err := r.Append(t.Context(), on("s", "c", Started{})...); err == nil {
		t.Fatal("the sabotage failed")
	}
	r.queue.mu.Lock()
	r.queue.retry = time.Now().Add(time.Hour)
	r.queue.mu.Unlock()
	r.writer.turn <- struct{}{} // whoever tries to commit now hangs
	refuses(t, r, "cannot be written")
	r.queue.mu.Lock()
	r.queue.retry = time.Time{}
	r.queue.mu.Unlock()
	// One tries, and hangs; the others are told at once.
	tried := make(chan error)
	go func() { tried <- r.Ready() }()
	eventually(t, "somebody tries", func() bool {
		r.queue.mu.Lock()
		defer r.queue.mu.Unlock()
		return r.queue.trying
	})
	refuses(t, r, "cannot be written")
	<-r.writer.turn
	if err := <-tried; err != nil {
		t.Error(err)
	}
	closeIt(t, r)
	mustVerify(t, dir)
}

// TestNotesOutliveAFault keeps those that were taken, and no others: a caller
// that was told of the fault has been told that its events are not on record.
func TestNotesOutliveAFault(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	for round := range 5 {
		if err := r.Note(on("s", fmt.Sprint("taken ", round), Received{})...); err != nil {
			t.Fatal(err)
		}
		sabotage(t, r, "ROLLBACK; SELECT * FROM missing")
		if err := r.Append(t.Context(), on("refused", "c", Started{})...); err == nil {
			t.Fatal("the sabotage failed")
		}
		refuses(t, r)
		eventually(t, "a note is tried again, and fails", func() bool {
			r.queue.mu.Lock()
			r.queue.retry = time.Time{}
			r.queue.mu.Unlock()
			r.writer.path = filepath.Join(dir, "elsewhere")
			r.writer.turn <- struct{}{}
			r.writer.disconnect()
			<-r.writer.turn
			return r.Note(on("refused", "c", Received{})...) != nil
		})
		r.writer.path = filepath.Join(dir, databaseFile)
		eventually(t, "service resumes", func() bool { return r.Ready() == nil })
	}
	got := events(t, read(t, dir), "s")
	for round := range 5 {
		if len(got) != 5 || got[round].Call != fmt.Sprint("taken ", round) {
			t.Fatalf("%d notes are on record, want 5 in order", len(got))
		}
	}
	resumes(t, r, dir)
}
