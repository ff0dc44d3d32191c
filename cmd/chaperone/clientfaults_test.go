package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/identity"
)

// endless is a read that ends when it is told to.
const (
	endless  = "select count(*) from generate_series(1, 10000000000)"
	isActive = `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE '%10000000000%' AND pid <> pg_backend_pid())`
)

// TestClientCancels cancels a read and a write in the middle: the server stops
// the statement, nothing is changed, and the record says that it failed.
func TestClientCancels(t *testing.T) {
	read := map[string]any{"sql": endless}
	write := map[string]any{"reason": "test", "sql": "insert into ledger " + strings.Replace(endless, "count(*)", "count(*)::text", 1)}
	for name, c := range map[string]struct {
		tool string
		args map[string]any
		// late is when the statement runs for sure. Before, the server may
		// still be at its preparations, and forget that it was to cancel.
		late bool
	}{
		"a read":            {"sql_read", read, true},
		"a read just begun": {"sql_read", read, false},
		"a write":           {"sql_write", write, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCrashSite(t)
			p := startPeer(t, s.config)
			go func() { _, _ = p.call(c.tool, c.args) }()
			s.waitFor(t, isActive)
			p.mu.Lock()
			id := p.next
			p.mu.Unlock()
			if c.late {
				time.Sleep(500 * time.Millisecond)
			}
			p.notify(t, "notifications/cancelled", map[string]any{"requestId": id, "reason": "the user lost patience"})
			cancelled := time.Now()
			s.waitFor(t, "SELECT NOT ("+strings.TrimPrefix(isActive, "SELECT ")+")")
			// By itself it would stop after 30 s.
			if took := time.Since(cancelled); took > 15*time.Second {
				t.Errorf("the server went on for %s", took)
			}
			for call, kind := range s.waitForEnds(t, 1) {
				if kind != recorder.KindFailed {
					t.Errorf("call %s is on record as %s", call, kind)
				}
			}
			if reply, err := p.call("sql_read", map[string]any{"sql": "select tag from ledger"}); err != nil || reply.Status != "ok" || len(reply.Rows) > 0 {
				t.Errorf("afterwards: %+v, %v", reply, err)
			}
		})
	}
}

// notify sends a notification.
func (p *peer) notify(t *testing.T, method string, params any) {
	t.Helper()
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.stdin.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
}

// waitForEnds waits until so many calls have an end on record.
func (s *crashSite) waitForEnds(t *testing.T, n int) map[string]recorder.Kind {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if ended := s.ended(t); len(ended) >= n {
			return ended
		}
	}
	t.Fatalf("%d calls have an end on record, want %d", len(s.ended(t)), n)
	return nil
}

// TestClientDisconnects hangs up in the middle of a write: it comes to its end,
// which is on record.
func TestClientDisconnects(t *testing.T) {
	for name, hangUp := range map[string]func(t *testing.T, s *crashSite) (wait func()){
		"standard input ends": func(t *testing.T, s *crashSite) func() {
			p := startPeer(t, s.config)
			go send(p, gated("x"))
			s.waitFor(t, waitingForGate)
			_ = p.stdin.Close()
			return func() {
				if said, err := p.stop(); err != nil {
					t.Errorf("%v: %s", err, said)
				}
			}
		},
		"the connection breaks": func(t *testing.T, s *crashSite) func() {
			h := serveSite(t, s)
			ctx, cancel := context.WithCancel(t.Context())
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_, _ = h.connect(t).Call(ctx, "sql_write", gated("x"))
			}()
			s.waitFor(t, waitingForGate)
			cancel()
			<-gone
			return func() {}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newCrashSite(t)
			sqlExec(t, s.db, "BEGIN; SELECT FROM gate FOR UPDATE")
			wait := hangUp(t, s)
			time.Sleep(100 * time.Millisecond) // for it to be noticed
			sqlExec(t, s.db, "ROLLBACK")
			wait()
			for call, kind := range s.waitForEnds(t, 1) {
				if kind != recorder.KindFinished {
					t.Errorf("call %s is on record as %s", call, kind)
				}
			}
			s.waitFor(t, "SELECT EXISTS (SELECT FROM ledger WHERE tag = 'x')")
		})
	}
}

// served is a gateway over HTTP.
type served struct {
	url, token string
	pid        int
}

// serveSite starts the gateway of a site over HTTP.
func serveSite(t *testing.T, s *crashSite) *served {
	t.Helper()
	token, hash := identity.NewToken()
	config, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	writeFiles(t, s.dir, map[string]string{"served.yaml": string(config) + fmt.Sprintf(
		"server: {listen: \"127.0.0.1:0\"}\nidentity:\n  tokens: [{hash: %q, subject: ann, groups: [developers]}]\n", hash)})
	cmd := exec.Command(program(t), "serve", "--config", filepath.Join(s.dir, "served.yaml"))
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(said)
	h := &served{token: token, pid: cmd.Process.Pid}
	for h.url == "" && lines.Scan() {
		if m := servingAt.FindStringSubmatch(lines.Text()); m != nil {
			h.url = m[1]
		}
	}
	if h.url == "" {
		t.Fatal("it does not serve")
	}
	go func() {
		for lines.Scan() {
		}
	}()
	return h
}

func (h *served) connect(t *testing.T) *demo.Client {
	t.Helper()
	c, err := demo.Connect(t.Context(), h.url, h.token)
	if err != nil {
		t.Error(err)
		return nil
	}
	return c
}

// peakMB is the most memory that a process has had, 0 where that is not known.
func peakMB(t *testing.T, pid int) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kB >> 10
}

// TestClientFloods makes very many calls at once: each is served or told to
// wait, memory stays bounded, and afterwards all is as before.
func TestClientFloods(t *testing.T) {
	const callers, calls = 300, 5
	read := map[string]any{"sql": "select repeat('x', 1000) from generate_series(1, 100)"}
	s := newCrashSite(t)
	p := startPeer(t, s.config)
	var mu sync.Mutex
	got := map[string]int{}
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range calls {
				reply, err := p.call("sql_read", read)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				got[strings.TrimSpace(reply.Status+" "+reply.Rule)]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("%v, at most %d MB", got, peakMB(t, p.cmd.Process.Pid))
	if got["ok"] == 0 || got["ok"]+got["refused busy"] != callers*calls {
		t.Errorf("%v", got)
	}
	if peak := peakMB(t, p.cmd.Process.Pid); peak > 200 && !underRace {
		t.Errorf("it took %d MB", peak)
	}
	if reply, err := p.call("sql_read", read); err != nil || reply.Status != "ok" {
		t.Errorf("afterwards: %+v, %v", reply, err)
	}
	p.kill()
	s.read(t)
}

// TestClientReadsNothing makes many calls with large results and reads no
// answer. That costs bounded memory, and no other client anything.
func TestClientReadsNothing(t *testing.T) {
	s := newCrashSite(t)
	cmd := exec.Command(program(t), "stdio", "--config", s.config)
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
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	go func() {
		out := json.NewEncoder(stdin)
		_ = out.Encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initializeParams})
		for id := 2; id < 300; id++ {
			_ = out.Encode(map[string]any{"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": map[string]any{
				"name": "sql_read", "arguments": map[string]any{"sql": "select repeat('x', 10000) from generate_series(1, 90)"},
			}})
			time.Sleep(10 * time.Millisecond) // so that not too many are under way
		}
	}()
	other := startPeer(t, s.config)
	// It takes as many as it has places for, and then no more.
	ends, steady := map[recorder.Kind]int{}, time.Now()
	for before := -1; time.Since(steady) < 2*time.Second; time.Sleep(50 * time.Millisecond) {
		ended := s.ended(t)
		if len(ended) != before || len(ended) == 0 {
			before, steady = len(ended), time.Now()
		}
		clear(ends)
		for _, kind := range ended {
			ends[kind]++
		}
	}
	began := time.Now()
	if reply, err := other.call("sql_read", map[string]any{"sql": "select 1"}); err != nil || reply.Status != "ok" || time.Since(began) > 10*time.Second {
		t.Errorf("another client, after %s: %+v, %v", time.Since(began), reply, err)
	}
	peak := peakMB(t, cmd.Process.Pid)
	t.Logf("%v, at most %d MB", ends, peak)
	if peak > 300 && !underRace {
		t.Errorf("it took %d MB", peak)
	}
}
