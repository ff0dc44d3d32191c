package freeze

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
)

var ann = policy.Principal{Subject: "ann", Groups: []string{}, Issuer: "test", Method: policy.Token, Claims: map[string]string{}}

func open(t *testing.T, dir string) (*Board, *recorder.Recorder, *recorder.Reader) {
	t.Helper()
	r, err := recorder.Open(context.Background(), recorder.Options{Dir: dir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := recorder.OpenReader(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close(); _ = r.Close() })
	b, err := Open(t.Context(), r, reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b, r, reader
}

var caller = Caller{Subject: "mira", Session: "s1", Connection: "shop"}

func TestFreezes(t *testing.T) {
	b, _, _ := open(t, filepath.Join(t.TempDir(), "state"))
	for _, c := range []struct {
		freeze Freeze
		covers bool
	}{
		{Freeze{Scope: Everything}, true},
		{Freeze{Scope: Principal, Name: "mira"}, true}, {Freeze{Scope: Principal, Name: "ann"}, false},
		{Freeze{Scope: Session, Name: "s1"}, true}, {Freeze{Scope: Session, Name: "s2"}, false},
		{Freeze{Scope: Connection, Name: "shop"}, true}, {Freeze{Scope: Connection, Name: "mira"}, false},
	} {
		c.freeze.By, c.freeze.Why = ann, "why"
		changes := b.Changes()
		if err := b.Set(t.Context(), c.freeze); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changes:
		default:
			t.Errorf("%+v: nobody is told", c.freeze)
		}
		if err := b.Set(t.Context(), c.freeze); err != nil {
			t.Errorf("frozen twice: %v", err)
		}
		if f, found := b.Find(caller); found != c.covers || found && (f.Why != "why" || f.By.Subject != "ann") {
			t.Errorf("%+v: found %+v", c.freeze, f)
		}
		if len(b.List()) != 1 {
			t.Errorf("%+v", b.List())
		}
		for range 2 {
			if err := b.Lift(t.Context(), c.freeze); err != nil {
				t.Error(err)
			}
		}
		if _, found := b.Find(caller); found || len(b.List()) != 0 {
			t.Errorf("%+v does not thaw", c.freeze)
		}
	}
}

func TestWhatCannotBeFrozen(t *testing.T) {
	b, _, _ := open(t, filepath.Join(t.TempDir(), "state"))
	for _, f := range []Freeze{
		{}, {Scope: "moon"}, {Scope: Everything, Name: "x"}, {Scope: Principal}, {Scope: Session}, {Scope: Connection},
		{Scope: Session, Name: strings.Repeat("x", maxWhy+1)}, {Scope: Everything, Why: strings.Repeat("x", maxWhy+1)},
	} {
		if b.Set(t.Context(), f) == nil || b.Lift(t.Context(), f) == nil {
			t.Errorf("%+v", f)
		}
	}
}

// TestOtherProcesses freeze for all, and for those that start later.
func TestOtherProcesses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	b, _, _ := open(t, dir)
	go b.Run(t.Context())
	other, _, _ := open(t, dir)
	for _, want := range []bool{true, false} {
		changes := b.Changes()
		change := other.Set
		if !want {
			change = other.Lift
		}
		if err := change(t.Context(), Freeze{Scope: Everything, By: ann}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changes:
		case <-time.After(20 * time.Second):
			t.Fatal("nobody is told")
		}
		later, _, _ := open(t, dir)
		_, found := b.Find(caller)
		if _, foundLater := later.Find(caller); found != want || foundLater != want {
			t.Errorf("frozen: %v, %v", found, foundLater)
		}
	}
}

// TestUnreadableFreezes stop everything: nobody knows what they were about.
func TestUnreadableFreezes(t *testing.T) {
	for _, data := range []string{"", "{", `{"scope":"session","name":"other"}`, `{"scope":"moon","name":"s9"}`} {
		b, r, _ := open(t, filepath.Join(t.TempDir(), "state"))
		st := recorder.Standing{Kind: Kind, ID: "session:s9", Phase: phaseOn, Data: []byte(data)}
		if err := r.Change(t.Context(), []recorder.Standing{st}); err != nil {
			t.Fatal(err)
		}
		if err := b.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if f, found := b.Find(caller); !found || f.Scope != Everything {
			t.Errorf("%q: %+v", data, f)
		}
	}
	if !(Freeze{Scope: "moon"}).covers(caller) {
		t.Error("a scope that is not known stops nothing")
	}
}

// TestSetHoldsAtOnce: a reading that is under way does not undo it.
func TestSetHoldsAtOnce(t *testing.T) {
	b, _, _ := open(t, filepath.Join(t.TempDir(), "state"))
	ctx, cancel := context.WithCancel(t.Context())
	var reading sync.WaitGroup
	for range 3 {
		reading.Go(func() {
			for ctx.Err() == nil {
				_ = b.refresh(ctx)
			}
		})
	}
	for range 50 {
		if err := b.Set(t.Context(), Freeze{Scope: Everything, By: ann}); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, found := b.Find(caller); !found {
				t.Fatal("a call gets through after the freeze")
			}
		}
		if err := b.Lift(t.Context(), Freeze{Scope: Everything, By: ann}); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	reading.Wait()
}
