package recorder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestOrderIsKept notes and appends in turn, and reads what is durable from
// another connection after every append.
func TestOrderIsKept(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	reader := read(t, dir)
	var want []string
	for i := range 20 {
		call := fmt.Sprint("c", i)
		if err := r.Note(on("s", call, Received{}, Started{})...); err != nil {
			t.Fatal(err)
		}
		appendAll(t, r, on("s", call, Output{}, Finished{})...)
		want = append(want, "call.received call.started call.output call.finished")
		got := events(t, reader, "s")
		if kinds(got) != strings.Join(want, " ") {
			t.Fatalf("after call %d: %s", i, kinds(got))
		}
		for n, e := range got {
			if e.Place.Number != int64(n+1) || e.Place.Seq != int64(n+1) || e.ID == "" || e.Time.IsZero() || e.Call != fmt.Sprint("c", n/4) {
				t.Fatalf("event %d: %+v", n, e)
			}
		}
	}
	mustVerify(t, dir)
}

func TestNotedEventsBecomeDurable(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	if err := r.Note(on("s", "c", Received{})...); err != nil {
		t.Fatal(err)
	}
	reader := read(t, dir)
	eventually(t, "the note is on disk by itself", func() bool {
		s, err := reader.order(t.Context(), "s")
		return err == nil && len(s) == 1
	})
	if err := r.Note(on("s", "c", Refused{})...); err != nil {
		t.Fatal(err)
	}
	closeIt(t, r)
	if got := kinds(events(t, read(t, dir), "s")); got != "call.received call.refused" {
		t.Error("after Close:", got)
	}
}

func TestNotesAreBounded(t *testing.T) {
	r := open(t, t.TempDir())
	r.writer.turn <- struct{}{} // nothing is committed meanwhile
	for range maxNoted {
		if err := r.Note(Event{Body: Started{}}); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error, 2)
	go func() { done <- r.Note(Event{Body: Started{}}) }()
	big := Event{Body: Started{}, Content: NewContent([]byte(strings.Repeat("x", inlineContent)))}
	go func() { done <- r.Note(big) }()
	eventually(t, "two notes wait", func() bool {
		r.queue.mu.Lock()
		defer r.queue.mu.Unlock()
		return len(r.queue.pending.drafts) == maxNoted+2
	})
	select {
	case err := <-done:
		t.Fatal("a note beyond the bound did not wait:", err)
	default:
	}
	<-r.writer.turn
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestCallersShareCommits has many callers wait for one commit to end.
func TestCallersShareCommits(t *testing.T) {
	const callers, rounds = 64, 5
	dir := t.TempDir()
	r := open(t, dir)
	before := r.writer.commits.Load()
	for round := range rounds {
		r.writer.turn <- struct{}{}
		var wg sync.WaitGroup
		for c := range callers {
			wg.Go(func() {
				session, call := fmt.Sprint("s", c), fmt.Sprint("c", c, ".", round)
				if err := r.Append(context.Background(), on(session, call, Received{}, Started{}, Finished{})...); err != nil {
					t.Error(err)
				}
			})
		}
		eventually(t, "all callers wait", func() bool {
			r.queue.mu.Lock()
			defer r.queue.mu.Unlock()
			return len(r.queue.pending.drafts) == 3*callers
		})
		<-r.writer.turn
		wg.Wait()
	}
	if commits := r.writer.commits.Load() - before; commits != rounds {
		t.Errorf("%d commits for %d rounds", commits, rounds)
	}
	reader := read(t, dir)
	for c := range callers {
		want := strings.TrimSpace(strings.Repeat("call.received call.started call.finished ", rounds))
		if got := kinds(events(t, reader, fmt.Sprint("s", c))); got != want {
			t.Errorf("session %d: %s", c, got)
		}
	}
	mustVerify(t, dir)
}

// TestConcurrentCallers mixes everything that callers do, for the race detector.
func TestConcurrentCallers(t *testing.T) {
	const callers, rounds = 16, 20
	dir := t.TempDir()
	r := open(t, dir)
	reader := read(t, dir)
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			session := fmt.Sprint("s", c)
			for round := range rounds {
				call := fmt.Sprint(c, ".", round)
				if err := errors.Join(r.Note(on(session, call, Received{}, Started{})...),
					r.Append(context.Background(), Event{Session: session, Call: call, Body: Finished{}, Content: NewContent(bytes.Repeat([]byte{byte(c)}, 2000*c))}),
					r.Ready()); err != nil {
					t.Error(err)
				}
				for _, err := range reader.Events(context.Background(), session) {
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	closeIt(t, r)
	report := mustVerify(t, dir)
	if want := int64(callers*rounds*3 + 2); report.Events != want {
		t.Errorf("%d events, want %d", report.Events, want)
	}
	for c := range callers {
		if got := len(events(t, reader, fmt.Sprint("s", c))); got != 3*rounds {
			t.Errorf("session %d has %d events", c, got)
		}
	}
}

func TestContextEndsBeforeHandover(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Append(ended, on("s", "c", Started{})...); !errors.Is(err, context.Canceled) {
		t.Error("a context that had ended:", err)
	}
	// Once handed over, the end of the context changes nothing.
	ctx, cancel := context.WithCancel(t.Context())
	r.writer.turn <- struct{}{}
	done := make(chan error)
	go func() { done <- r.Append(ctx, on("s", "c", Finished{})...) }()
	eventually(t, "the event is handed over", func() bool {
		r.queue.mu.Lock()
		defer r.queue.mu.Unlock()
		return len(r.queue.pending.drafts) == 1
	})
	cancel()
	<-r.writer.turn
	if err := <-done; err != nil {
		t.Error("after the handover:", err)
	}
	if got := kinds(events(t, read(t, dir), "s")); got != "call.finished" {
		t.Error("on record:", got)
	}
}

func TestClosed(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	appendAll(t, r, on("s", "c", SessionOpened{}, Started{})...)
	closeIt(t, r)
	for name, err := range map[string]error{
		"append": r.Append(t.Context(), on("s", "c", Finished{})...),
		"note":   r.Note(on("s", "c", Finished{})...),
		"close":  r.Close(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	want := "session.opened call.started call.ambiguous session.closed"
	if got := kinds(events(t, read(t, dir), "s")); got != want {
		t.Errorf("what still went on: %s, want %s", got, want)
	}
	mustVerify(t, dir)
}

func TestStamps(t *testing.T) {
	dir := t.TempDir()
	clock := time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.FixedZone("x", 3600))
	r, err := Open(t.Context(), Options{Dir: dir, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	given := time.Date(2020, 1, 1, 0, 0, 0, 1999, time.UTC)
	appendAll(t, r, Event{Session: "s", Body: Started{}}, Event{Session: "s", Body: Started{}, ID: "mine", Time: given})
	closeIt(t, r)
	got := events(t, read(t, dir), "s")
	if want := clock.UTC().Truncate(time.Microsecond); !got[0].Time.Equal(want) || got[0].Time.Location() != time.UTC || len(got[0].ID) != 26 {
		t.Errorf("stamped %v %q, want %v", got[0].Time, got[0].ID, want)
	}
	if !got[1].Time.Equal(given.Truncate(time.Microsecond)) || got[1].ID != "mine" {
		t.Errorf("given %v %q", got[1].Time, got[1].ID)
	}
}

// TestNumbersGoOn reads them for a session that had been forgotten.
func TestNumbersGoOn(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	for range 3 {
		appendAll(t, r, on("s", "c", Started{}, SessionClosed{}, Finished{})...)
	}
	for i, e := range events(t, read(t, dir), "s") {
		if e.Place.Number != int64(i+1) {
			t.Errorf("event %d has number %d", i, e.Place.Number)
		}
	}
}

func TestContents(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	contents := [][]byte{
		{}, []byte("short"), bytes.Repeat([]byte("é"), inlineContent/2), bytes.Repeat([]byte("a"), inlineContent+1),
		{0xff}, bytes.Repeat([]byte{0, 1, 2, 3}, 1<<18), bytes.Repeat([]byte("a"), inlineContent+1), {0x28, 0xb5, 0x2f, 0xfd},
	}
	for _, data := range contents {
		appendAll(t, r, Event{Session: "s", Body: Output{}, Content: NewContent(data)})
	}
	closeIt(t, r)
	reader := read(t, dir)
	for i, e := range events(t, reader, "s") {
		data, err := reader.Content(t.Context(), e.Content)
		if err != nil || !bytes.Equal(data, contents[i]) {
			t.Errorf("content %d came back as %d bytes: %v", i, len(data), err)
		}
		if inline := e.Content.SHA256 == ""; inline != (i < 3) {
			t.Errorf("content %d stands in the event: %v", i, inline)
		}
	}
	if report := mustVerify(t, dir); report.Contents != 4 {
		t.Errorf("%d contents stand apart, want 4: equal ones are kept once", report.Contents)
	}
	if _, err := reader.Content(t.Context(), Content{SHA256: strings.Repeat("0", 64), Size: 1}); !errors.Is(err, ErrNotFound) {
		t.Error("a content that is not on record:", err)
	}
}
