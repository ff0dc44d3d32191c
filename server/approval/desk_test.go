package approval

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
)

// office is a data folder, and a clock that desks on it share.
type office struct {
	t     testing.TB
	dir   string
	clock atomic.Int64
}

func newOffice(t testing.TB) *office {
	o := &office{t: t, dir: filepath.Join(t.TempDir(), "state")}
	o.clock.Store(noon.UnixNano())
	return o
}

func (o *office) now() time.Time { return time.Unix(0, o.clock.Load()) }

func (o *office) jump(d time.Duration) { o.clock.Add(int64(d)) }

// record opens the folder as one more process does.
func (o *office) record() (*recorder.Recorder, *recorder.Reader) {
	o.t.Helper()
	r, err := recorder.Open(context.Background(), recorder.Options{Dir: o.dir, Version: "test"})
	if err != nil {
		o.t.Fatal(err)
	}
	reader, err := recorder.OpenReader(context.Background(), o.dir)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { _ = reader.Close(); _ = r.Close() })
	return r, reader
}

func (o *office) desk(r *recorder.Recorder, reader *recorder.Reader) *Desk {
	o.t.Helper()
	d, err := NewDesk(context.Background(), Options{Record: r, Reader: reader, Now: o.now, Open: 1000})
	if err != nil {
		o.t.Fatal(err)
	}
	return d
}

// open is a desk of a process of its own.
func (o *office) open() *Desk { return o.desk(o.record()) }

// run lets the desk follow the record until the test ends.
func run(t testing.TB, d *Desk) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func ask(t testing.TB, d *Desk, r Request) Request {
	t.Helper()
	r.Call, r.Session, r.Policy = "call", "session", "p"
	r, _, err := d.Ask(context.Background(), r, []byte("update it"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAskAttaches: the same call under the same policy waits once.
func TestAskAttaches(t *testing.T) {
	o := newOffice(t)
	d := o.open()
	draft := request(dbas(1))
	draft.Key = "k"
	first := ask(t, d, draft)
	if again := ask(t, d, draft); again.ID != first.ID {
		t.Error("the same call waits twice")
	}
	draft.Policy = "q"
	if other, fresh, err := d.Ask(t.Context(), draft, nil); err != nil || !fresh || other.ID == first.ID {
		t.Errorf("under another policy: %v %v", fresh, err)
	}
	draft.Key = "l"
	if other := ask(t, d, draft); other.ID == first.ID {
		t.Error("another call waits for it")
	}
	if known, ok := o.open().Waiting("l", "p"); !ok || known.Key != "l" {
		t.Error("another process does not find it")
	}
	o.jump(time.Hour)
	if _, ok := d.Waiting("l", "p"); ok {
		t.Error("it waits when its time is over")
	}
}

// TestSealedCalls can be read for their own request only.
func TestSealedCalls(t *testing.T) {
	o := newOffice(t)
	d := o.open()
	a, b := ask(t, d, request(dbas(1))), request(dbas(1))
	b.Key = "b"
	b = ask(t, d, b)
	if call, err := d.Call(a); err != nil || string(call) != "update it" {
		t.Errorf("%q %v", call, err)
	}
	swapped := a
	swapped.Sealed = b.Sealed
	if _, err := d.Call(swapped); !errors.Is(err, errSealed) {
		t.Error(err)
	}
	if strings.Contains(string(a.Sealed), "update") {
		t.Error("it lies in clear")
	}
	if _, err := newOffice(t).open().Call(a); !errors.Is(err, errSealed) {
		t.Errorf("another installation: %v", err)
	}
}

// TestTamperedRequests: what was not written by a desk does not count.
func TestTamperedRequests(t *testing.T) {
	o := newOffice(t)
	r, reader := o.record()
	d := o.desk(r, reader)
	a, other := ask(t, d, request(dbas(1))), request(dbas(1))
	other.Key = "other"
	other = ask(t, d, other)
	st, err := reader.Standing(t.Context(), Kind, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := reader.Standing(t.Context(), Kind, other.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*recorder.Standing){
		"the phase":       func(s *recorder.Standing) { s.Phase = string(Approved) },
		"the data":        func(s *recorder.Standing) { s.Data = []byte(strings.Replace(string(s.Data), "mira", "mara", 1)) },
		"an older one":    func(s *recorder.Standing) { s.Version++ },
		"another request": func(s *recorder.Standing) { s.Data = elsewhere.Data },
		"no data":         func(s *recorder.Standing) { s.Data = nil },
	} {
		forged := st
		change(&forged)
		if got, err := d.read(forged); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// In the database itself: nobody can use it, and those beside it stay.
	forged := st
	forged.Phase, forged.Data = string(Approved), []byte(strings.Replace(string(st.Data), "requested", "approved", 1))
	if err := r.Change(t.Context(), []recorder.Standing{forged}); err != nil {
		t.Fatal(err)
	}
	if err := d.Spend(t.Context(), a, "c", "s"); err == nil {
		t.Error("a forged approval was spent")
	}
	if _, err := o.open().Answer(t.Context(), other.ID, says(ann, Approve)); err != nil {
		t.Error(err)
	}
	if list, err := d.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("the list: %d %v", len(list), err)
	}
}

// TestAwait wakes by what another process does, by time, and by the end.
func TestAwait(t *testing.T) {
	await := func(d *Desk, id string) <-chan Request {
		got := make(chan Request, 1)
		go func() {
			r, err := d.Await(context.Background(), id)
			if err != nil {
				t.Error(err)
			}
			got <- r
		}()
		return got
	}
	within := func(c <-chan Request, want Phase) {
		t.Helper()
		select {
		case r := <-c:
			if r.Phase != want {
				t.Errorf("it is %s, not %s", r.Phase, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("nobody wakes for %s", want)
		}
	}
	o := newOffice(t)
	d, elsewhere := o.open(), o.open()
	stop := run(t, d)
	for i, c := range []struct {
		do   func(id string) error
		want Phase
	}{
		{func(id string) error { _, err := elsewhere.Answer(t.Context(), id, says(ann, Deny)); return err }, Denied},
		{func(id string) error { _, err := elsewhere.Answer(t.Context(), id, says(ann, Approve)); return err }, Approved},
		{func(id string) error { return elsewhere.Cancel(t.Context(), id, "why") }, Cancelled},
		{func(string) error { o.jump(2 * time.Hour); return nil }, Expired},
		{func(string) error { stop(); return nil }, Requested},
	} {
		draft := request(dbas(1))
		draft.Key = fmt.Sprint(i)
		r := ask(t, d, draft)
		got := await(d, r.ID)
		if err := c.do(r.ID); err != nil {
			t.Fatal(err)
		}
		within(got, c.want)
	}
}

// TestCrowd: a hundred requests at once, answered in any order by many.
func TestCrowd(t *testing.T) {
	o := newOffice(t)
	d, elsewhere := o.open(), o.open()
	run(t, d)
	var waiting, answering sync.WaitGroup
	ids := make(chan string, 100)
	var spent atomic.Int64
	for i := range 100 {
		waiting.Go(func() {
			draft := request(dbas(2))
			draft.Key = fmt.Sprint(i)
			r := ask(t, d, draft)
			ids <- r.ID
			r, err := d.Await(context.Background(), r.ID)
			if err != nil || r.Phase != Approved {
				t.Errorf("%s %v", r.Phase, err)
			} else if d.Spend(context.Background(), r, "c", "s") == nil {
				spent.Add(1)
			}
		})
	}
	for range 10 {
		answering.Go(func() {
			for range 10 {
				id := <-ids
				var both sync.WaitGroup
				both.Go(func() { _, _ = elsewhere.Answer(context.Background(), id, says(ann, Approve)) })
				both.Go(func() { _, _ = d.Answer(context.Background(), id, says(bob, Approve)) })
				both.Wait()
			}
		})
	}
	answering.Wait()
	waiting.Wait()
	if spent.Load() != 100 {
		t.Errorf("%d ran", spent.Load())
	}
}
