package recorder

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestLostCallsAreEndedOnce(t *testing.T) {
	dir := t.TempDir()
	dead := open(t, dir)
	appendAll(t, dead, on("s1", "", SessionOpened{Principal: ann})...)
	for i, outcome := range []Body{nil, Finished{}, Failed{}, Refused{}, Ambiguous{}} {
		appendAll(t, dead, on("s1", fmt.Sprint("c", i), Received{}, Started{})...)
		if outcome != nil {
			appendAll(t, dead, on("s1", fmt.Sprint("c", i), outcome)...)
		}
	}
	appendAll(t, dead, on("s1", "never started", Received{}, Described{})...)
	abandon(t, dead)

	// Many heirs at once: one of them inherits.
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 5 {
		wg.Go(func() {
			r, err := Open(t.Context(), Options{Dir: dir})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			total += r.Recovered()
			mu.Unlock()
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if total != 1 {
		t.Errorf("%d calls were recovered, want 1", total)
	}
	all := events(t, read(t, dir), "s1")
	ambiguous, closed := all[len(all)-2], all[len(all)-1]
	if ambiguous.Call != "c0" || ambiguous.Body.Kind() != KindAmbiguous || closed.Body.Kind() != KindSessionClosed {
		t.Errorf("the end of the session: %+v %+v", ambiguous, closed)
	}
	if ambiguous.Place.Log == dead.writer.log.name {
		t.Error("the dead log was written to")
	}
	mustVerify(t, dir)
	if locks, _ := filepath.Glob(filepath.Join(dir, runFolder, "0*.lock")); len(locks) != 0 {
		t.Error("lock files are left:", locks)
	}
}

func TestLogsOfTheLivingAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	living := open(t, dir)
	appendAll(t, living, on("s", "c", SessionOpened{}, Started{})...)
	for range 3 {
		other := open(t, dir)
		if other.Recovered() != 0 {
			t.Error("a running call was taken for lost")
		}
		closeIt(t, other)
	}
	appendAll(t, living, on("s", "c", Finished{})...)
	closeIt(t, living)
	want := "session.opened call.started call.finished session.closed"
	if got := kinds(events(t, read(t, dir), "s")); got != want {
		t.Error(got)
	}
	mustVerify(t, dir)
}

// TestLockFilesGone has somebody remove them under a running process: another
// takes its log over, and the first must not write on.
func TestLockFilesGone(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	appendAll(t, first, on("s", "c", Started{})...)
	if err := os.RemoveAll(filepath.Join(dir, runFolder)); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir)
	if second.Recovered() != 1 {
		t.Error("the call was not ended")
	}
	if err := first.Append(t.Context(), on("s", "c", Finished{})...); err == nil {
		t.Error("a log that was taken over was written to")
	}
	closeIt(t, second)
	mustVerify(t, dir)
}

func TestHeadsOfOtherLogsAreRecorded(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	running := open(t, dir)
	last := open(t, dir)
	reader := read(t, dir)
	var opened []LogOpened
	for _, e := range events(t, reader, "") {
		if body, ok := e.Body.(LogOpened); ok {
			opened = append(opened, body)
		}
	}
	var got []string
	for _, o := range opened {
		for _, h := range o.Others {
			got = append(got, fmt.Sprintf("%d:%s", h.Size, h.Ended))
		}
	}
	// Every log is named until its end is known, and then no more.
	if want := "[18:closed 6:lost 9:closed 1:]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	closeIt(t, last)
	closeIt(t, running)
	mustVerify(t, dir)
}
