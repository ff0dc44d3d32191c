package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/recorder"
)

// crashSite is a database and a configuration for a program that will be killed.
type crashSite struct {
	dir, config, dsn string
	// db may be in a transaction; watch is not, so that it sees what goes on.
	db, watch *pgx.Conn
}

func newCrashSite(t *testing.T) *crashSite {
	t.Helper()
	server := sharedPostgres(t)
	name := "crash_" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_"))
	admin := connect(t, server.Superuser("postgres"))
	sqlExec(t, admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	sqlExec(t, admin, "CREATE DATABASE "+name)
	s := &crashSite{dir: t.TempDir(), dsn: server.Superuser(name), db: connect(t, server.Superuser(name)), watch: connect(t, server.Superuser(name))}
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
	// started are the calls that are on record as started, by tag.
	started map[string]string
	// ended is how the call of an id ended, by kind.
	ended map[string]recorder.Kind
}

// read closes what was in flight, as the next start does, verifies the record
// and reads what it says.
func (s *crashSite) read(t *testing.T) story {
	t.Helper()
	r, err := recorder.Open(t.Context(), recorder.Options{Dir: filepath.Join(s.dir, "state"), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	reader := s.open(t)
	verifies(t, reader)
	return tell(t, reader)
}

// open opens the record for reading, as the program left it.
func (s *crashSite) open(t *testing.T) *recorder.Reader {
	t.Helper()
	reader, err := recorder.OpenReader(t.Context(), filepath.Join(s.dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	return reader
}

// ended is how calls ended on record so far.
func (s *crashSite) ended(t *testing.T) map[string]recorder.Kind {
	t.Helper()
	reader := s.open(t)
	defer func() { _ = reader.Close() }()
	return tell(t, reader).ended
}

func (s *crashSite) now(t *testing.T) (text string) {
	t.Helper()
	if err := s.db.QueryRow(t.Context(), "SELECT clock_timestamp()::text").Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// tell reads what the record says.
func tell(t *testing.T, reader *recorder.Reader) story {
	t.Helper()
	sessions, err := reader.Sessions(t.Context(), recorder.SessionFilter{})
	if err != nil {
		t.Fatal(err)
	}
	out := story{map[string]string{}, map[string]recorder.Kind{}}
	for _, session := range sessions {
		out.add(t, reader, session.ID)
	}
	return out
}

func verifies(t *testing.T, reader *recorder.Reader) {
	t.Helper()
	report, err := reader.Verify(t.Context(), recorder.VerifyOptions{})
	if err != nil || !report.OK() {
		t.Fatalf("verify: %v, %v", err, report.Problems)
	}
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
			if tag, ok := tags[e.Call]; ok {
				o.started[tag] = e.Call
			}
		case recorder.Finished, recorder.Refused, recorder.Failed, recorder.Ambiguous:
			if earlier, twice := o.ended[e.Call]; twice {
				t.Errorf("call %s ended twice: %s and %s", e.Call, earlier, b.Kind())
			}
			o.ended[e.Call] = b.Kind()
		}
	}
}

// kinds is how a call ends on record, by the status of its reply.
var kinds = map[string]recorder.Kind{
	"ok": recorder.KindFinished, "refused": recorder.KindRefused, "failed": recorder.KindFailed, "ambiguous": recorder.KindAmbiguous,
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
		call, ok := on.started[tag]
		switch kind := on.ended[call]; {
		case !ok:
			t.Errorf("%s was written, and its intent is not on record", tag)
		case kind != recorder.KindFinished && kind != recorder.KindAmbiguous:
			t.Errorf("%s was written, and is on record as %q", tag, kind)
		}
	}
	for tag, call := range on.started {
		switch kind := on.ended[call]; {
		case kind == "":
			t.Errorf("%s was started, and nothing says how it ended", tag)
		case kind == recorder.KindFinished && !there[tag] && strings.HasPrefix(tag, "write"):
			t.Errorf("%s is on record as done, and was not written", tag)
		}
	}
	for tag, reply := range replies {
		switch kind, ok := on.ended[reply.Call]; {
		case !ok:
			t.Errorf("%s was answered (%s), and its outcome is not on record", tag, reply.Status)
		case kind != kinds[reply.Status]:
			t.Errorf("%s was answered %s, and is on record as %s", tag, reply.Status, kind)
		case reply.Status == "ok" && !there[tag] && strings.HasPrefix(tag, "write"):
			t.Errorf("%s was answered ok, and was not written", tag)
		case reply.Status == "failed" && there[tag]:
			t.Errorf("%s was answered failed, and was written", tag)
		}
	}
	t.Logf("%d written, %d answered, %d ended on record", len(written), len(replies), len(on.ended))
	return on
}
