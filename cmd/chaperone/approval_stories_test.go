package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
)

// TestApprovalClientGone: a client breaks off while its call waits, and comes
// back. What it finds is the same request, and then the one result.
func TestApprovalClientGone(t *testing.T) {
	o := newOffice(t, "hold: 1s", "mira:dev", "mira2=mira:dev", "eve:dev", "ben:dba")
	ben := o.person("ben")
	first := o.agent("mira")
	ctx, hangUp := context.WithCancel(t.Context())
	var calling sync.WaitGroup
	calling.Go(func() { _, _ = first.try(ctx, "sql_write", adding("counters", 1)) })
	id, err := ben.Waiting(t.Context(), "update")
	if err != nil {
		t.Fatal(err)
	}
	hangUp()
	calling.Wait()

	// By then the first has waited to its end as well.
	back := o.agent("mira")
	if again := back.held("counters", 1); again != id {
		t.Fatalf("the same call waits twice: %s and %s", id, again)
	}
	if n := o.counted("counters", 1); n != 0 {
		t.Fatalf("it ran %d times, and nobody agreed", n)
	}
	o.says("ben", "approve", id)
	ran := back.add("counters", 1)
	ran.is(t, "ok", "")
	for name, agent := range map[string]*agent{"the same session": back, "a new session": o.agent("mira"), "another token": o.agent("mira2")} {
		if r := agent.wait(id); r.Status != "ok" || r.Call != ran.Call || r.RowsChanged != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	o.agent("eve").wait(id).is(t, "refused", "unknown-approval")
	if n := o.counted("counters", 1); n != 1 {
		t.Errorf("it ran %d times", n)
	}
	// Once more is another request.
	if once := back.held("counters", 1); once == id {
		t.Error("a spent approval holds for another call")
	}
	o.proven()
}

// TestApprovalKilledWhileItWaits: what waits, waits on after kill -9.
func TestApprovalKilledWhileItWaits(t *testing.T) {
	o := newOffice(t, "hold: 1m", "mira:dev", "ben:dba")
	ben, mira := o.person("ben"), o.agent("mira")
	var calling sync.WaitGroup
	calling.Go(func() {
		if r, err := mira.try(t.Context(), "sql_write", adding("counters", 1)); err == nil {
			t.Errorf("a dead gateway answers: %+v", r)
		}
	})
	id, err := ben.Waiting(t.Context(), "update")
	if err != nil {
		t.Fatal(err)
	}
	o.crash()
	calling.Wait()
	o.start()
	if got := o.phase(id); got != approval.Requested {
		t.Fatalf("it is %s", got)
	}
	o.says("ben", "approve", id)
	back := o.agent("mira")
	ran := back.wait(id)
	ran.is(t, "ok", "")
	o.crash() // and the stored result outlives another
	o.start()
	if r := o.agent("mira").wait(id); r.Status != "ok" || r.Call != ran.Call {
		t.Errorf("%+v", r)
	}
	if n := o.counted("counters", 1); n != 1 {
		t.Errorf("it ran %d times", n)
	}
	o.proven()
}

// TestApprovalKilledWhileItRuns: of what ran at kill -9 nobody knows, and it is
// never run again.
func TestApprovalKilledWhileItRuns(t *testing.T) {
	o := newOffice(t, "hold: 1ms", "mira:dev", "ben:dba")
	mira := o.agent("mira")
	id := mira.held("counters", 1)
	o.says("ben", "approve", id)
	sqlExec(t, o.db, "BEGIN; SELECT FROM counters WHERE id = 1 FOR UPDATE")
	var calling sync.WaitGroup
	calling.Go(func() { _, _ = mira.try(t.Context(), "approval_wait", map[string]any{"approval_id": id}) })
	o.waitFor(t, waitingForGate)
	o.crash()
	calling.Wait()
	sqlExec(t, o.db, "ROLLBACK")
	o.start()
	back := o.agent("mira")
	for range 2 {
		back.wait(id).is(t, "ambiguous", "", "look at the target to see whether it took effect")
	}
	o.waitFor(t, `SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chaperone' AND state = 'active')`)
	if n := o.counted("counters", 1); n != 0 {
		t.Errorf("it ran %d times", n)
	}
	if got := o.phase(id); got != approval.Spent {
		t.Errorf("it is %s", got)
	}
	o.proven()
}

// TestApprovalPeople: two people are two people, and nobody is their own approver.
func TestApprovalPeople(t *testing.T) {
	o := newOffice(t, "hold: 1ms",
		"mira:dba:mira@example.com", "mira2=mira:dba", "mira3=mm:dba:Mira@example.com",
		"ben:dba:ben@example.com", "ben2=ben:dba", "ben3=bb:dba:BEN@example.com", "carla:dba", "dora:sales")
	mira := o.agent("mira")
	id := mira.held("pairs", 1)
	for _, name := range []string{"mira", "mira2", "mira3", "dora"} {
		o.mayNot(name, id)
	}
	o.says("ben", "approve", id)
	for _, name := range []string{"ben", "ben2", "ben3"} {
		o.mayNot(name, id)
	}
	mira.wait(id).is(t, "pending", "", "one person of dba")
	if n := o.counted("pairs", 1); n != 0 {
		t.Fatalf("it ran %d times, and one person agreed", n)
	}
	o.says("carla", "approve", id)
	mira.wait(id).is(t, "ok", "")
	if n := o.counted("pairs", 1); n != 1 {
		t.Errorf("it ran %d times", n)
	}
	o.proven()
}

// TestApprovalPolicyTightened: rules that come into force between the approval
// and the run count, and the approval under the old ones does not.
func TestApprovalPolicyTightened(t *testing.T) {
	o := newOffice(t, "hold: 1ms", "mira:dev", "ben:dba")
	mira := o.agent("mira")
	id := mira.held("counters", 1)
	o.says("ben", "approve", id)
	loaded := o.policies()
	writeFiles(t, o.dir, map[string]string{"policy/two.rego": `package chaperone

approve contains {"rule": "two", "groups": ["dba"], "count": 2} if "counters" in writes
`})
	for deadline := time.Now().Add(30 * time.Second); o.policies() == loaded; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the policy is not taken")
		}
	}
	mira.wait(id).is(t, "refused", "policy-changed", "the policy has changed since it was requested")
	if got := o.phase(id); got != approval.Cancelled {
		t.Errorf("it is %s", got)
	}
	next := mira.held("counters", 1)
	o.says("ben", "approve", next)
	mira.wait(next).is(t, "pending", "", "(two)")
	if n := o.counted("counters", 1); n != 0 {
		t.Errorf("it ran %d times", n)
	}
	o.proven()
}

// policies is how many policies the gateway has on record as loaded.
func (o *office) policies() (n int) {
	o.t.Helper()
	reader := o.open(o.t)
	defer func() { _ = reader.Close() }()
	for e, err := range reader.Events(o.t.Context(), "") {
		if err != nil {
			o.t.Fatal(err)
		}
		if _, is := e.Body.(recorder.PolicyLoaded); is {
			n++
		}
	}
	return n
}

// crowd is how many calls wait at once.
const crowd = 100

// TestApprovalCrowd: a hundred calls wait at once, and several people answer in
// any order, each request by two at a time. What they approve runs once, and what
// they deny does not.
func TestApprovalCrowd(t *testing.T) {
	callers := 10
	people := []string{"ben:dba", "carla:dba", "dan:dba", "emil:dba"}
	for i := range callers {
		people = append(people, fmt.Sprintf("m%d:dev", i))
	}
	o := newOffice(t, "hold: 5m, open: 11", people...)
	replies := make([]deskReply, crowd+1)
	var calling, answering sync.WaitGroup
	for id := 1; id <= crowd; id++ {
		calling.Go(func() {
			var err error
			if replies[id], err = o.agent(fmt.Sprintf("m%d", id%callers)).try(t.Context(), "sql_write", adding("counters", id)); err != nil {
				t.Errorf("%d: %v", id, err)
			}
		})
	}
	requests, approved := o.crowd(crowd), map[int]bool{}
	jobs := make(chan [2]string, 2*crowd)
	for _, i := range rand.Perm(crowd) {
		r := requests[i]
		id := idOf(t, r)
		approved[id] = rand.IntN(4) > 0
		verdict := map[bool]string{true: "approve", false: "deny"}[approved[id]]
		for range 2 {
			jobs <- [2]string{r.ID, verdict}
		}
	}
	close(jobs)
	for _, name := range []string{"ben", "carla", "dan", "emil"} {
		p := o.person(name)
		answering.Go(func() {
			for job := range jobs {
				_ = p.Answer(context.Background(), job[0], job[1], "so be it") // one of two is late
			}
		})
	}
	answering.Wait()
	calling.Wait()
	ran := 0
	for id := 1; id <= crowd; id++ {
		n, want, status := o.counted("counters", id), 0, "refused"
		if approved[id] {
			want, status = 1, "ok"
		}
		if ran += n; n != want || replies[id].Status != status || !approved[id] && replies[id].Rule != "approval-denied" {
			t.Errorf("%d ran %d times, want %d: %+v", id, n, want, replies[id])
		}
	}
	if ran == 0 || ran == crowd {
		t.Errorf("%d of %d ran: this looks at too little", ran, crowd)
	}
	o.proven()
}

// crowd waits until so many requests are open, and returns them.
func (o *office) crowd(n int) []approval.Request {
	o.t.Helper()
	a, err := deskOf(o.t.Context(), filepath.Join(o.dir, "state"))
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		list, err := a.Desk.List(o.t.Context())
		if err != nil {
			o.t.Fatal(err)
		}
		if len(list) == n {
			return list
		}
		if time.Now().After(deadline) {
			o.t.Fatalf("%d of %d wait", len(list), n)
		}
	}
}

// idOf is which row a request would count up.
func idOf(t *testing.T, r approval.Request) (id int) {
	t.Helper()
	_, tail, _ := strings.Cut(r.Action.Display, "where id = ")
	if _, err := fmt.Sscan(tail, &id); err != nil {
		t.Fatalf("%s: %v", r.Action.Display, err)
	}
	return id
}
