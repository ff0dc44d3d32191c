package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
)

// crashes is how often the program is killed at a random moment; the stages
// that can be held still are hit besides.
const crashes = 200

const crashPolicy = `package chaperone

allow contains "all" if input.principal.subject != ""
`

// TestKillAnyTime kills the program again and again while it serves many calls,
// each time after some number of answers, wherever the other calls are then.
func TestKillAnyTime(t *testing.T) {
	s := newCrashSite(t)
	rounds := crashes
	switch {
	case testing.Short():
		rounds = 10
	case underRace:
		rounds = 40
	}
	replies := map[string]toolReply{}
	for round := range rounds {
		if round%8 == 7 {
			s.killEarly(t, time.Duration(rand.IntN(100))*time.Millisecond)
		} else {
			s.killOnce(t, round, rand.IntN(60), replies)
		}
		if round%10 == 0 {
			verifies(t, s.open(t))
		}
	}
	on := s.check(t, replies)
	ambiguous := 0
	for _, kind := range on.ended {
		if kind == recorder.KindAmbiguous {
			ambiguous++
		}
	}
	if len(replies) < rounds || ambiguous < rounds/4 {
		t.Errorf("%d answers and %d ambiguous calls in %d rounds: this did not kill calls under way", len(replies), ambiguous, rounds)
	}
}

// killEarly kills the program while it starts, and ends what the one before it
// left open.
func (s *crashSite) killEarly(t *testing.T, after time.Duration) {
	t.Helper()
	cmd := exec.Command(program(t), "stdio", "--config", s.config)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close() }()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// killOnce lets eight callers call until they have had so many answers together,
// then kills the program.
func (s *crashSite) killOnce(t *testing.T, round, answers int, replies map[string]toolReply) {
	t.Helper()
	p := startPeer(t, s.config)
	var mu sync.Mutex
	var callers sync.WaitGroup
	enough := make(chan struct{})
	left := answers
	for n := range 8 {
		callers.Go(func() {
			for i := 0; ; i++ {
				tag := fmt.Sprintf("write-%d-%d-%d", round, n, i)
				tool, args := "sql_write", insert(tag)
				if n%4 == 3 {
					tag = "read" + tag[5:]
					tool, args = "sql_read", map[string]any{"connection": "db", "sql": "select count(*) from ledger"}
				}
				reply, err := p.call(tool, args)
				if err != nil {
					return
				}
				mu.Lock()
				replies[tag] = reply
				if left--; left == 0 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	if answers > 0 {
		<-enough
	}
	p.kill()
	callers.Wait()
}

// holdRecord keeps the program from committing anything to the record.
func (s *crashSite) holdRecord(t *testing.T) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.dir, "state", "recorder.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	var once sync.Once
	release = func() { once.Do(func() { _ = conn.Close(); _ = db.Close() }) }
	t.Cleanup(release)
	return release
}

// waitFor waits until a query says true.
func (s *crashSite) waitFor(t *testing.T, query string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(2 * time.Millisecond) {
		var ok bool
		if err := s.watch.QueryRow(t.Context(), query).Scan(&ok); err != nil {
			t.Fatal(err)
		}
		if ok {
			return
		}
	}
	t.Fatalf("it never came true: %s", query)
}

const (
	waitingForGate = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`
	// doneSince says that the program used a connection after the moment, and
	// has nothing open.
	doneSince = `SELECT count(*) FILTER (WHERE state = 'idle' AND state_change > '%s') > 0 AND count(*) FILTER (WHERE state <> 'idle') = 0
		FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'chaperone'`
	// slowCommit makes a commit wait for the gate.
	slowCommit = `CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM FROM gate FOR UPDATE; RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait()`
)

// gated is an insert that waits for the gate.
func gated(tag string) map[string]any {
	return map[string]any{"connection": "db", "reason": "crash test", "params": []any{tag},
		"sql": "with g as (select id from gate for update) insert into ledger select $1 from g"}
}

// send makes a call whose answer nobody waits for.
func send(p *peer, args map[string]any) { _, _ = p.call("sql_write", args) }

// callDeaf starts the program and makes a call, as a client that reads nothing.
func callDeaf(t *testing.T, config string, args map[string]any) (kill func()) {
	t.Helper()
	cmd := exec.Command(program(t), "stdio", "--config", config)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, m := range []map[string]any{
		{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initializeParams},
		{"jsonrpc": "2.0", "method": "notifications/initialized"},
		{"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": map[string]any{"name": "sql_write", "arguments": args}},
	} {
		if err := json.NewEncoder(stdin).Encode(m); err != nil {
			t.Fatal(err)
		}
	}
	var once sync.Once
	kill = func() { once.Do(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); _ = stdin.Close() }) }
	t.Cleanup(kill)
	return kill
}

var initializeParams = map[string]any{
	"protocolVersion": "2025-11-25", "capabilities": map[string]any{}, "clientInfo": map[string]string{"name": "test", "version": "1"},
}

// stages are the places where the program can be held, with one call under way.
var stages = map[string]struct {
	// hold brings the program to the stage.
	hold func(t *testing.T, s *crashSite, p *peer) (release func())
	// written and started are what must be true afterwards, and kind is how
	// the call ended on record.
	written, started bool
	kind             recorder.Kind
}{
	"while it is described": {
		hold: func(t *testing.T, s *crashSite, p *peer) func() {
			sqlExec(t, s.db, "BEGIN; LOCK TABLE pg_policy IN ACCESS EXCLUSIVE MODE")
			go send(p, insert("x"))
			s.waitFor(t, waitingForGate)
			return func() { sqlExec(t, s.db, "ROLLBACK") }
		},
	},
	"before the intent is recorded": {
		hold: func(t *testing.T, s *crashSite, p *peer) func() {
			release := s.holdRecord(t)
			began := s.now(t)
			go send(p, insert("x"))
			s.waitFor(t, fmt.Sprintf(doneSince, began))
			time.Sleep(50 * time.Millisecond) // it decides, and comes to the record
			return release
		},
	},
	"while the statement runs": {
		hold: func(t *testing.T, s *crashSite, p *peer) func() {
			sqlExec(t, s.db, "BEGIN; SELECT FROM gate FOR UPDATE")
			go send(p, gated("x"))
			s.waitFor(t, waitingForGate)
			return func() { sqlExec(t, s.db, "ROLLBACK") }
		},
		started: true, kind: recorder.KindAmbiguous,
	},
	"while the database commits": {
		hold: func(t *testing.T, s *crashSite, p *peer) func() {
			sqlExec(t, s.db, slowCommit)
			sqlExec(t, s.db, "BEGIN; SELECT FROM gate FOR UPDATE")
			go send(p, insert("x"))
			s.waitFor(t, waitingForGate)
			return func() {
				sqlExec(t, s.db, "ROLLBACK")
				s.waitFor(t, `SELECT EXISTS (SELECT FROM ledger WHERE tag = 'x')`)
			}
		},
		written: true, started: true, kind: recorder.KindAmbiguous,
	},
	"before the outcome is recorded": {
		hold: func(t *testing.T, s *crashSite, p *peer) func() {
			sqlExec(t, s.db, "BEGIN; SELECT FROM gate FOR UPDATE")
			go send(p, gated("x"))
			s.waitFor(t, waitingForGate)
			release := s.holdRecord(t)
			sqlExec(t, s.db, "ROLLBACK")
			s.waitFor(t, `SELECT EXISTS (SELECT FROM ledger WHERE tag = 'x')`)
			return release
		},
		written: true, started: true, kind: recorder.KindAmbiguous,
	},
	"before the reply is out": {
		hold: func(t *testing.T, s *crashSite, _ *peer) func() {
			large := insert("x")
			large["sql"] = "insert into ledger values ($1) returning repeat('x', 500000)"
			kill := callDeaf(t, s.config, large)
			s.waitFor(t, `SELECT EXISTS (SELECT FROM ledger WHERE tag = 'x')`)
			for len(s.ended(t)) == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			return kill
		},
		written: true, started: true, kind: recorder.KindFinished,
	},
}

// TestKillAtStage holds the program still at a stage and kills it there.
func TestKillAtStage(t *testing.T) {
	for name, stage := range stages {
		t.Run(name, func(t *testing.T) {
			s := newCrashSite(t)
			p := startPeer(t, s.config)
			release := stage.hold(t, s, p)
			p.kill()
			release()
			on := s.read(t)
			var written bool
			if err := s.db.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM ledger WHERE tag = 'x')`).Scan(&written); err != nil {
				t.Fatal(err)
			}
			if _, started := on.started["x"]; written != stage.written || started != stage.started {
				t.Errorf("written %v, started %v; want %v, %v", written, started, stage.written, stage.started)
			}
			for call, kind := range on.ended {
				if kind != stage.kind {
					t.Errorf("call %s is on record as %s, want %s", call, kind, stage.kind)
				}
			}
			if stage.kind != "" && len(on.ended) != 1 {
				t.Errorf("%d calls have an end on record, want 1", len(on.ended))
			}
		})
	}
}
