package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools/sql/pgserver"
)

// site makes a folder with a configuration for one database, a policy that
// allows everything, and the data folder given.
func site(t *testing.T, dataDir, dsn string) (config string) {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"policy/all.rego": crashPolicy,
		"chaperone.yaml": fmt.Sprintf("data_dir: %q\npolicy: {paths: [./policy]}\nconnections:\n  - name: db\n    family: sql\n    labels: {env: test}\n    sql: {dsn: %q}\n",
			dataDir, dsn),
	})
	return filepath.Join(dir, "chaperone.yaml")
}

// smallDisk mounts a disk of 2 MB.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", dir).CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount: %v: %s", err, out)
		}
		t.Skipf("needs the right to mount a disk: %v", err)
	}
	t.Cleanup(func() { _ = exec.CommandContext(context.Background(), "umount", "-l", dir).Run() })
	return dir
}

// TestFullDisk fills the disk of the record: calls are refused and nothing
// runs; when there is room again, they are served.
func TestFullDisk(t *testing.T) {
	s := newCrashSite(t)
	disk := smallDisk(t)
	p := startPeer(t, site(t, filepath.Join(disk, "state"), s.dsn))
	if reply, err := p.call("sql_write", insert("before")); err != nil || reply.Status != "ok" {
		t.Fatalf("before: %+v, %v", reply, err)
	}

	ballast := filepath.Join(disk, "ballast")
	fillUp(t, ballast)
	var refused toolReply
	for n := 0; refused.Status == ""; n++ {
		reply, err := p.call("sql_write", insert(fmt.Sprint("full-", n)))
		if err != nil || n > 1000 {
			t.Fatalf("the disk does not seem to matter: %v", err)
		}
		if reply.Status != "ok" {
			refused = reply
			s.waitFor(t, fmt.Sprintf("SELECT NOT EXISTS (SELECT FROM ledger WHERE tag = 'full-%d')", n))
		}
	}
	if refused.Status != "refused" || refused.Rule != "no-record-no-run" || !strings.Contains(refused.Message, "nothing ran") {
		t.Errorf("on a full disk: %+v", refused)
	}
	if reply, err := p.call("sql_read", map[string]any{"sql": "select 1"}); err != nil || reply.Rule != "no-record-no-run" {
		t.Errorf("a read on a full disk: %+v, %v", reply, err)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	comesBack(t, p, insert("after"))
	if said, err := p.stop(); err != nil {
		t.Errorf("it ended with %v: %s", err, said)
	}
}

// comesBack makes a call until it is served.
func comesBack(t *testing.T, p *peer, args map[string]any) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		reply, err := p.call("sql_write", args)
		switch {
		case err == nil && reply.Status == "ok":
			return
		case err != nil || time.Since(began) > 30*time.Second:
			t.Fatalf("service does not come back: %+v, %v", reply, err)
		}
	}
}

// fillUp writes until nothing fits any more.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := 64 << 10; size > 0; size /= 2 {
		for {
			if _, err := f.Write(make([]byte, size)); err != nil {
				break
			}
		}
	}
	_ = f.Close()
}

// TestReadOnlyDisk finds a record that can't be written at start.
func TestReadOnlyDisk(t *testing.T) {
	s := newCrashSite(t)
	disk := smallDisk(t)
	config := site(t, filepath.Join(disk, "state"), s.dsn)
	p := startPeer(t, config)
	if said, err := p.stop(); err != nil {
		t.Fatal(err, said)
	}
	if out, err := exec.CommandContext(t.Context(), "mount", "-o", "remount,ro", disk).CombinedOutput(); err != nil {
		t.Fatalf("remount: %v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), program(t), "--config", config, "call", "sql_read", "select 1").CombinedOutput()
	if err == nil || strings.Count(string(out), "\n") != 1 {
		t.Errorf("a read-only disk: %v, %s", err, out)
	}
	// What was recorded can still be read and verified there.
	out, err = exec.CommandContext(t.Context(), program(t), "--config", config, "sessions", "verify").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "verified") {
		t.Errorf("verify on a read-only disk: %v, %s", err, out)
	}
}

// TestLockedRecord has another program lock the record's file: calls are refused
// and nothing runs; when it lets go, they are served.
func TestLockedRecord(t *testing.T) {
	s := newCrashSite(t)
	p := startPeer(t, s.config)
	if reply, err := p.call("sql_write", insert("before")); err != nil || reply.Status != "ok" {
		t.Fatalf("before: %+v, %v", reply, err)
	}
	release := s.holdRecord(t)
	for _, tag := range []string{"locked", "still locked"} {
		reply, err := p.call("sql_write", insert(tag))
		if err != nil || reply.Status != "refused" || reply.Rule != "no-record-no-run" || !strings.Contains(reply.Message, "nothing ran") {
			t.Errorf("%s: %+v, %v", tag, reply, err)
		}
	}
	if reply, err := p.call("sql_read", map[string]any{"sql": "select 1"}); err != nil || reply.Rule != "no-record-no-run" {
		t.Errorf("a read: %+v, %v", reply, err)
	}
	release()
	comesBack(t, p, insert("after"))
	s.waitFor(t, "SELECT array_agg(tag ORDER BY tag) = '{after,before}' FROM ledger")
	p.kill()
	s.read(t)
}

// TestDamagedRecord spoils the record's file between two runs. The program says
// what is wrong in one line, and neither serves nor runs anything.
func TestDamagedRecord(t *testing.T) {
	s := newCrashSite(t)
	p := startPeer(t, s.config)
	if said, err := p.stop(); err != nil {
		t.Fatal(err, said)
	}
	file := filepath.Join(s.dir, "state", "recorder.db")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"noise":       []byte(strings.Repeat("this is no database ", 1000)),
		"half of it":  good[:len(good)/2],
		"page 2 gone": append(append([]byte{}, good[:4096]...), append(make([]byte, 4096), good[8192:]...)...),
	} {
		if err := os.WriteFile(file, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"call", "sql_write", "--reason", "test", "insert into ledger values ('x')"}, {"stdio"}} {
			out, err := exec.CommandContext(t.Context(), program(t), append([]string{"--config", s.config}, args...)...).CombinedOutput()
			if err == nil || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "damaged") {
				t.Errorf("%s: %s: %v, %s", name, args[0], err, out)
			}
		}
		if out, code := verifyRecord(t, filepath.Dir(file), filepath.Join(s.dir, "state", "signing.pub")); code != 1 {
			t.Errorf("%s: verify: %s", name, out)
		}
	}
	s.waitFor(t, "SELECT NOT EXISTS (SELECT FROM ledger)")
	if err := os.WriteFile(file, good, 0o600); err != nil {
		t.Fatal(err)
	}
	p = startPeer(t, s.config)
	if reply, err := p.call("sql_write", insert("after")); err != nil || reply.Status != "ok" {
		t.Errorf("with the file restored: %+v, %v", reply, err)
	}
}

// TestPostgresStops stops the server in the middle of a statement: the call
// fails and says so, and the next ones are served when the server is back.
func TestPostgresStops(t *testing.T) {
	dir := t.TempDir()
	for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	server, err := pgserver.Start(t.Context(), pgserver.Options{Dir: filepath.Join(dir, "pg"), Settings: []string{"fsync=off"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(context.Background()) })
	admin := connect(t, server.Superuser("postgres"))
	sqlExec(t, admin, "CREATE TABLE ledger (tag text PRIMARY KEY)")
	p := startPeer(t, site(t, t.TempDir(), server.Superuser("postgres")))
	long := make(chan toolReply, 2)
	for _, call := range []struct {
		tool string
		args map[string]any
	}{
		{"sql_read", map[string]any{"sql": "select count(*) from generate_series(1, 10000000000)"}},
		{"sql_write", map[string]any{"sql": "insert into ledger select count(*)::text from generate_series(1, 10000000000)", "reason": "test"}},
	} {
		go func() {
			reply, err := p.call(call.tool, call.args)
			if err != nil {
				reply.Message = err.Error()
			}
			long <- reply
		}()
	}
	for running := 0; running < 2; {
		const query = `SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%10000000000%' AND state = 'active' AND pid <> pg_backend_pid()`
		if err := admin.QueryRow(t.Context(), query).Scan(&running); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if reply := <-long; reply.Status != "failed" || !strings.Contains(reply.Message, "nothing was changed") {
			t.Errorf("a call while the server stopped: %+v", reply)
		}
	}
	comesBack(t, p, insert("after"))
	if reply, err := p.call("sql_read", map[string]any{"sql": "select tag from ledger"}); err != nil || len(reply.Rows) != 1 {
		t.Errorf("after the restart: %+v, %v", reply, err)
	}
}
