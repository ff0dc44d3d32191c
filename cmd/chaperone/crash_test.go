package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/recorder"
)

// crashes is how often the program is killed at a random moment; the stages
// that can be held still are hit besides.
const crashes = 200

const crashPolicy = `package chaperone

allow contains "all" if input.principal.subject != ""
`

// crashSite is a database and a configuration for a program that will be killed.
type crashSite struct {
	dir, config, dsn string
	db               *pgx.Conn
}

func newCrashSite(t *testing.T) *crashSite {
	t.Helper()
	server := sharedPostgres(t)
	name := "crash_" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_"))
	admin := connect(t, server.Superuser("postgres"))
	sqlExec(t, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	sqlExec(t, admin, "CREATE DATABASE "+name)
	s := &crashSite{dir: t.TempDir(), dsn: server.Superuser(name), db: connect(t, server.Superuser(name))}
	sqlExec(t, s.db, "CREATE TABLE ledger (tag text PRIMARY KEY)")
	sqlExec(t, s.db, "CREATE TABLE gate (id int PRIMARY KEY); INSERT INTO gate VALUES (1)")
	s.config = filepath.Join(s.dir, "chaperone.yaml")
	writeFiles(t, s.dir, map[string]string{
		"policy/all.rego": crashPolicy,
		"chaperone.yaml": fmt.Sprintf("data_dir: ./state\npolicy: {paths: [./policy]}\nconnections:\n  - name: db\n    family: sql\n    labels: {env: test}\n    sql: {dsn: %q}\n",
			s.dsn),
	})
	return s
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func sqlExec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func insert(tag string) map[string]any {
	return map[string]any{"connection": "db", "reason": "crash test", "sql": "insert into ledger values ($1)", "params": []any{tag}}
}

// story is what the record says of the calls of a site.
type story struct {
	// started are the tags whose call is on record as started.
	started map[string]bool
	// ended is how the call of an id ended, by kind.
	ended map[string]recorder.Kind
}

// read verifies the record and reads what it says.
func (s *crashSite) read(t *testing.T) story {
	t.Helper()
	// Opening closes what was in flight; it is what the next start does.
	r, err := recorder.Open(t.Context(), recorder.Options{Dir: filepath.Join(s.dir, "state"), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	reader, err := recorder.OpenReader(t.Context(), filepath.Join(s.dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	report, err := reader.Verify(t.Context(), recorder.VerifyOptions{})
	if err != nil || !report.OK() {
		t.Fatalf("verify: %v, %v", err, report.Problems)
	}
	sessions, err := reader.Sessions(t.Context(), recorder.SessionFilter{})
	if err != nil {
		t.Fatal(err)
	}
	out := story{map[string]bool{}, map[string]recorder.Kind{}}
	for _, session := range sessions {
		out.add(t, reader, session.ID)
	}
	return out
}

func (o *story) add(t *testing.T, reader *recorder.Reader, session string) {
	t.Helper()
	tags := map[string]string{}
	for e, err := range reader.Events(t.Context(), session) {
		if err != nil {
			t.Fatal(err)
		}
		switch b := e.Body.(type) {
		case recorder.Described:
			if len(b.Params) == 1 {
				tags[e.Call] = strings.Trim(b.Params[0], `"`)
			}
		case recorder.Started:
			o.started[tags[e.Call]] = true
		case recorder.Finished, recorder.Refused, recorder.Failed, recorder.Ambiguous:
			if earlier, twice := o.ended[e.Call]; twice {
				t.Errorf("call %s ended twice: %s and %s", e.Call, earlier, b.Kind())
			}
			o.ended[e.Call] = b.Kind()
		}
	}
}

// check compares the database, the replies and the record.
func (s *crashSite) check(t *testing.T, replies map[string]toolReply) story {
	t.Helper()
	on := s.read(t)
	rows, err := s.db.Query(t.Context(), "SELECT tag FROM ledger")
	if err != nil {
		t.Fatal(err)
	}
	written, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, tag := range written {
		there[tag] = true
		if !on.started[tag] {
			t.Errorf("%s was written, and its intent is not on record", tag)
		}
	}
	for tag, reply := range replies {
		kind, ok := on.ended[reply.Call]
		switch {
		case !ok:
			t.Errorf("%s was answered (%s), and its outcome is not on record", tag, reply.Status)
		case reply.Status == "ok" && (kind != recorder.KindFinished || !there[tag] && !strings.HasPrefix(tag, "read")):
			t.Errorf("%s was answered ok; on record it is %s, in the database %v", tag, kind, there[tag])
		case reply.Status == "failed" && there[tag]:
			t.Errorf("%s was answered failed, and was written", tag)
		}
	}
	t.Logf("%d written, %d answered, %d ended on record", len(written), len(replies), len(on.ended))
	return on
}

// TestKillAnyTime kills the program again and again while it serves many calls,
// each time after some number of answers, wherever the other calls are then.
func TestKillAnyTime(t *testing.T) {
	s := newCrashSite(t)
	rounds := crashes
	if testing.Short() {
		rounds = 10
	}
	replies := map[string]toolReply{}
	for round := range rounds {
		s.killOnce(t, round, rand.IntN(60), replies)
	}
	on := s.check(t, replies)
	ambiguous := 0
	for _, kind := range on.ended {
		if kind == recorder.KindAmbiguous {
			ambiguous++
		}
	}
	if len(replies) < rounds || ambiguous == 0 {
		t.Errorf("%d answers and %d ambiguous calls in %d rounds: this did not kill calls under way", len(replies), ambiguous, rounds)
	}
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
	for t.Context().Err() == nil {
		var ok bool
		if err := s.db.QueryRow(t.Context(), query).Scan(&ok); err != nil {
			t.Fatal(err)
		}
		if ok {
			return
		}
	}
}

const (
	waitingForGate = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`
	nobodyWrites   = `SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle')`
)

// TestKillAtStage holds the program still at a stage and kills it there.
func TestKillAtStage(t *testing.T) {
	gated := func(tag string) map[string]any {
		return map[string]any{"connection": "db", "reason": "crash test", "params": []any{tag},
			"sql": "with g as (select id from gate for update) insert into ledger select $1 from g"}
	}
	for name, stage := range map[string]struct {
		// hold brings the program to the stage, with a call under way.
		hold func(t *testing.T, s *crashSite, p *peer) (release func())
		// written and started are what must be true afterwards.
		written, started bool
		kind             recorder.Kind
	}{
		"before the intent is recorded": {
			hold: func(t *testing.T, s *crashSite, p *peer) func() {
				release := s.holdRecord(t)
				go func() { _, _ = p.call("sql_write", insert("x")) }()
				s.waitFor(t, nobodyWrites)
				return release
			},
		},
		"while the statement runs": {
			hold: func(t *testing.T, s *crashSite, p *peer) func() {
				sqlExec(t, s.db, "BEGIN; SELECT FROM gate FOR UPDATE")
				go func() { _, _ = p.call("sql_write", gated("x")) }()
				s.waitFor(t, waitingForGate)
				return func() { sqlExec(t, s.db, "ROLLBACK") }
			},
			started: true, kind: recorder.KindAmbiguous,
		},
		"before the outcome is recorded": {
			hold: func(t *testing.T, s *crashSite, p *peer) func() {
				sqlExec(t, s.db, "BEGIN; SELECT FROM gate FOR UPDATE")
				go func() { _, _ = p.call("sql_write", gated("x")) }()
				s.waitFor(t, waitingForGate)
				release := s.holdRecord(t)
				sqlExec(t, s.db, "ROLLBACK")
				s.waitFor(t, `SELECT EXISTS (SELECT FROM ledger WHERE tag = 'x')`)
				return release
			},
			written: true, started: true, kind: recorder.KindAmbiguous,
		},
	} {
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
			if written != stage.written || on.started["x"] != stage.started {
				t.Errorf("written %v, started %v; want %v, %v", written, on.started["x"], stage.written, stage.started)
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
