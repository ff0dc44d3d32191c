package recorder

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestStandings come back as they were set, together with their events.
func TestStandings(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	due := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	a := Standing{Kind: "approval", ID: "a", Phase: "requested", Due: due, Data: []byte(`{"x":1}`)}
	if err := r.Change(t.Context(), []Standing{a, {Kind: "approval", ID: "b", Phase: "requested"}}, on("s", "c", Started{})...); err != nil {
		t.Fatal(err)
	}
	reader := read(t, dir)
	got, err := reader.Standing(t.Context(), "approval", "a")
	want := a
	want.Version, want.Changed = 1, 1
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v %v", got, err)
	}
	a.Version, a.Phase = 1, "approved"
	changeAll(t, r, a)
	if list, err := reader.Standings(t.Context(), "approval", "requested"); err != nil || len(list) != 1 || list[0].ID != "b" {
		t.Errorf("%+v %v", list, err)
	}
	if list, err := reader.StandingsSince(t.Context(), 2); err != nil || len(list) != 1 || list[0].Phase != "approved" {
		t.Errorf("%+v %v", list, err)
	}
	if list, err := reader.RecentStandings(t.Context(), "approval", 1); err != nil || len(list) != 1 || list[0].ID != "a" {
		t.Errorf("%+v %v", list, err)
	}
	if got := kinds(events(t, reader, "s")); got != "call.started" {
		t.Error(got)
	}
	if _, err := reader.Standing(t.Context(), "approval", "none"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	closeIt(t, r)
	mustVerify(t, dir)
}

// TestStaleStandings are refused whole: nothing of the change stays.
func TestStaleStandings(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	changeAll(t, r, Standing{Kind: "k", ID: "a"})
	for name, set := range map[string][]Standing{
		"made twice":   {{Kind: "k", ID: "a"}},
		"too new":      {{Kind: "k", ID: "a", Version: 2}},
		"not there":    {{Kind: "k", ID: "b", Version: 1}},
		"one of two":   {{Kind: "k", ID: "c"}, {Kind: "k", ID: "a"}},
		"itself twice": {{Kind: "k", ID: "d"}, {Kind: "k", ID: "d"}},
	} {
		if err := r.Change(t.Context(), set, on("s", "c", Started{})...); !errors.Is(err, ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
	}
	appendAll(t, r, on("s", "c", Refused{})...)
	reader := read(t, dir)
	if got := kinds(events(t, reader, "s")); got != "call.refused" {
		t.Error(got)
	}
	if all, err := reader.StandingsSince(t.Context(), 0); err != nil || len(all) != 1 {
		t.Errorf("%+v %v", all, err)
	}
	closeIt(t, r)
	mustVerify(t, dir)
}

// TestOneChangeWins when many make the same one at a time, in two processes'
// worth of recorders.
func TestOneChangeWins(t *testing.T) {
	dir := t.TempDir()
	recorders := []*Recorder{open(t, dir), open(t, dir)}
	changeAll(t, recorders[0], Standing{Kind: "k", ID: "a"})
	var won atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			err := recorders[i%2].Change(t.Context(), []Standing{{Kind: "k", ID: "a", Version: 1, Phase: "spent"}}, on("s", "c", Started{})...)
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, ErrStale) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d changes won", won.Load())
	}
	for _, r := range recorders {
		closeIt(t, r)
	}
	mustVerify(t, dir)
}

// TestForgedStandings are found.
func TestForgedStandings(t *testing.T) {
	for name, forge := range map[string]string{
		"changed": `UPDATE standings SET phase = 'approved'`,
		"added":   `INSERT INTO standings VALUES ('approval', 'x', 'approved', NULL, 1, 99, x'7b7d')`,
		"removed": `DELETE FROM standings`,
	} {
		dir := t.TempDir()
		record(t, dir)
		execute(t, raw(t, dir), forge)
		if verify(t, dir).OK() {
			t.Errorf("a standing that was %s is not found in %s", name, filepath.Base(dir))
		}
	}
}
