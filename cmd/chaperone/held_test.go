package main

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestHeldSurvivesKill: what waits is on disk. Killed while a call is held, the
// gateway goes on where it was, and the call runs once.
func TestHeldSurvivesKill(t *testing.T) {
	s := newHeldSite(t, "30s")
	before := s.amount(7)
	gone := make(chan error, 1)
	go func() {
		_, err := s.call(context.Background(), "alice", "sql_write", refund(7))
		gone <- err
	}()
	id := s.waiting()
	s.kill()
	if err := <-gone; err == nil {
		t.Error("the caller has an answer of a process that was killed")
	}
	s.serve()
	s.answer("ben", id, "approve")
	first, again := s.must("alice", "approval_wait", waitOn(id)), s.must("alice", "approval_wait", waitOn(id))
	for _, r := range []heldReply{first, again} {
		if r.Status != "ok" || len(r.Rows) != 1 {
			t.Errorf("%+v", r)
		}
	}
	if r := s.must("mallory", "approval_wait", waitOn(id)); r.Rule != "unknown-approval" {
		t.Errorf("somebody else learns of it: %+v", r)
	}
	s.addedOnce(7, before)
	s.verify()
}

// addedOnce fails unless a refund was made once.
func (s *heldSite) addedOnce(id int, before string) {
	s.t.Helper()
	var ok bool
	row := s.owner().QueryRow(s.t.Context(), "SELECT amount = $1::numeric + 1000 FROM shop.payments WHERE id = $2", before, id)
	if err := row.Scan(&ok); err != nil || !ok {
		s.t.Errorf("payment %d was of %s and is of %s (%v)", id, before, s.amount(id), err)
	}
}

// TestHeldKilledWhileItRuns: an approved call whose outcome nobody knows is
// ambiguous for ever, and does not run again.
func TestHeldKilledWhileItRuns(t *testing.T) {
	s := newHeldSite(t, "30s")
	before := s.amount(7)
	go func() { _, _ = s.call(context.Background(), "alice", "sql_write", refund(7)) }()
	id := s.waiting()
	owner := s.owner()
	lock, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "SELECT FROM shop.payments WHERE id = 7 FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	s.answer("ben", id, "approve")
	s.untilBlocked()
	s.kill()
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.serve()
	for range 2 {
		if r := s.must("alice", "approval_wait", waitOn(id)); r.Status != "ambiguous" {
			t.Errorf("%+v", r)
		}
	}
	if after := s.amount(7); after != before {
		t.Errorf("payment 7 was of %s and is of %s", before, after)
	}
	s.verify()
}

// untilBlocked waits until a change of payments waits for a lock.
func (s *heldSite) untilBlocked() {
	s.t.Helper()
	watch := s.owner()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		var blocked bool
		err := watch.QueryRow(s.t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
			AND wait_event_type = 'Lock' AND query LIKE 'update payments%')`).Scan(&blocked)
		if err != nil {
			s.t.Fatal(err)
		}
		if blocked {
			return
		}
	}
	s.t.Fatal("the change does not come to the lock")
}

// TestHeldClientGoneAndBack: who hangs up, comes back with the same call and
// finds it waiting; a call that differs is another.
func TestHeldClientGoneAndBack(t *testing.T) {
	s := newHeldSite(t, "20s")
	before := s.amount(7)
	ctx, hangUp := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = s.call(ctx, "alice", "sql_write", refund(7))
	}()
	id := s.waiting()
	hangUp()
	<-gone
	other := make(chan heldReply, 1)
	go func() { other <- s.must("alice", "sql_write", refund(7)) }()
	if again := s.waiting(); again != id {
		t.Errorf("the same call waits as %s, and waited as %s", again, id)
	}
	s.answer("ben", id, "approve")
	if r := <-other; r.Status != "ok" || len(r.Rows) != 1 {
		t.Errorf("%+v", r)
	}
	s.addedOnce(7, before)
	s.verify()
}

// TestHeldNobodyApprovesThemselves, neither in the console nor by another
// account of the same person.
func TestHeldNobodyApprovesThemselves(t *testing.T) {
	s := newHeldSite(t, "10ms")
	before := s.amount(7)
	r := s.must("alice", "sql_write", refund(7))
	if r.Status != "pending" || !strings.Contains(r.Message, strings.TrimSuffix(s.url, "/mcp")+"/console/approvals/"+r.Approval) {
		t.Fatalf("%+v", r)
	}
	for _, self := range []string{"alice", "alice-at-work"} {
		err := s.approver(self).Answer(t.Context(), r.Approval, "approve", "")
		if err == nil || !strings.Contains(err.Error(), "no form") {
			t.Errorf("%s: %v", self, err)
		}
	}
	if err := s.approver("mallory").Answer(t.Context(), r.Approval, "approve", ""); err == nil {
		t.Errorf("mallory: %v", err)
	}
	if r := s.must("alice", "approval_wait", waitOn(r.Approval)); r.Status != "pending" {
		t.Errorf("%+v", r)
	}
	if after := s.amount(7); after != before {
		t.Errorf("payment 7 was of %s and is of %s", before, after)
	}
}

// TestHeldCrowd: a hundred calls wait at once, are answered in any order by two
// people at a time, and asked for twice each. What was approved runs once.
func TestHeldCrowd(t *testing.T) {
	const crowd = 100
	s := newHeldSite(t, "10ms")
	before, approved := make([]string, crowd), make([]bool, crowd)
	ids := make([]string, crowd)
	for i := range crowd {
		before[i], approved[i] = s.amount(i+1), rand.IntN(3) > 0
	}
	inTurn(crowd, 8, func(i int) {
		r := s.must("alice", "sql_write", refund(i+1))
		if r.Status != "pending" {
			t.Errorf("%d: %+v", i, r)
		}
		ids[i] = r.Approval
	})
	people := map[string]int{"ben": 0, "carla": 1}
	order := rand.Perm(crowd)
	var answering sync.WaitGroup
	for who, odd := range people {
		a := s.approver(who)
		answering.Go(func() {
			for n, i := range order {
				if n%2 != odd {
					continue
				}
				verdict := map[bool]string{true: "approve", false: "deny"}[approved[i]]
				if err := a.Answer(t.Context(), ids[i], verdict, ""); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}
		})
	}
	answering.Wait()
	inTurn(2*crowd, 12, func(n int) { // two at a time wait for the same
		i := n / 2
		r := s.must("alice", "approval_wait", waitOn(ids[i]))
		for r.Rule == "approval-running" { // the other one runs it
			r = s.must("alice", "approval_wait", waitOn(ids[i]))
		}
		if approved[i] != (r.Status == "ok") {
			t.Errorf("%d, approved %v: %+v", i, approved[i], r)
		}
	})
	for i := range crowd {
		if approved[i] {
			s.addedOnce(i+1, before[i])
		} else if after := s.amount(i + 1); after != before[i] {
			t.Errorf("payment %d was denied, and is of %s", i+1, after)
		}
	}
	s.verify()
}

// inTurn does work for 0 to n-1, so many at a time.
func inTurn(n, at int, work func(int)) {
	var group sync.WaitGroup
	next := make(chan int)
	for range at {
		group.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}
