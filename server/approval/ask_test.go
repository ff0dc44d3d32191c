package approval

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestOneRequestOfManyProcesses: processes that don't follow each other are
// asked the same at once, and one request comes of it.
func TestOneRequestOfManyProcesses(t *testing.T) {
	o := newOffice(t)
	desks := []*Desk{o.open(), o.open(), o.open()}
	for round := range 20 {
		draft := request(dbas(1))
		draft.Key, draft.Policy, draft.Call, draft.Session = fmt.Sprint("k", round/2), fmt.Sprint("p", round), "c", "s"
		var all sync.WaitGroup
		ids, freshes := make([]string, len(desks)), make(chan bool, len(desks))
		for i, d := range desks {
			all.Go(func() {
				r, fresh, err := d.Ask(context.Background(), draft, []byte("it"))
				if err != nil || r.Phase != Requested {
					t.Errorf("%s %v", r.Phase, err)
				}
				ids[i] = r.ID
				freshes <- fresh
			})
		}
		all.Wait()
		close(freshes)
		made := 0
		for fresh := range freshes {
			if fresh {
				made++
			}
		}
		if made != 1 || ids[0] != ids[1] || ids[0] != ids[2] {
			t.Fatalf("round %d: %d requests: %v", round, made, ids)
		}
	}
}

// TestAskedAgainElsewhere: what another process has ended is asked anew, and
// what it has approved is found.
func TestAskedAgainElsewhere(t *testing.T) {
	o := newOffice(t)
	here, there := o.open(), o.open()
	draft := request(dbas(1))
	draft.Key = "k"
	first := ask(t, here, draft)
	if _, err := there.Answer(t.Context(), first.ID, says(ann, Approve)); err != nil {
		t.Fatal(err)
	}
	approved := ask(t, there, draft)
	if approved.ID != first.ID || approved.Phase != Approved {
		t.Errorf("another: %s %s", approved.ID, approved.Phase)
	}
	if err := there.Spend(t.Context(), approved, "c", "s"); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, here, draft); r.ID == first.ID {
		t.Error("a spent approval holds for another call")
	}
}

// TestRoom: one principal may have so many requests open, and no more.
func TestRoom(t *testing.T) {
	o := newOffice(t)
	r, reader := o.record()
	d, err := NewDesk(t.Context(), Options{Record: r, Reader: reader, Now: o.now, Open: 3})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	results := make(chan error, 10)
	for i := range 10 {
		all.Go(func() {
			draft := request(dbas(1))
			draft.Key, draft.Policy = fmt.Sprint(i), "p"
			_, _, err := d.Ask(context.Background(), draft, nil)
			results <- err
		})
	}
	all.Wait()
	close(results)
	refused := 0
	for err := range results {
		if errors.Is(err, ErrTooMany) && strings.Contains(err.Error(), "you have 3") {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused != 7 {
		t.Errorf("%d of 10 were refused", refused)
	}
	other := request(dbas(1))
	other.Key, other.Principal = "other", bob
	ask(t, d, other)
	// What has ended takes no room, whoever has noticed.
	o.jump(time.Hour)
	late := request(dbas(1))
	late.Key = "late"
	ask(t, d, late)
}
