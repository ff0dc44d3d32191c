package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/chaperone-dev/chaperone/tools/sql/pgserver"
)

// TestMain lets the test binary stand in for the program: scripts, and tests
// that start "chaperone", run it under its own name. "mcp" is a client of it.
func TestMain(m *testing.M) {
	testscript.Main(cleaner{m}, map[string]func(){"chaperone": main, "mcp": mcp})
}

// cleaner stops the shared server when the tests are done.
type cleaner struct{ *testing.M }

func (c cleaner) Run() int {
	defer stopPostgres()
	defer sharedCluster.Stop()
	return c.M.Run()
}

// postgres is a server that all tests of the package share. Each test makes
// databases of its own.
var postgres struct {
	once   sync.Once
	server *pgserver.Server
	dir    string
	err    error
}

// template makes the database that scripts copy, once.
var template sync.Once

func sharedPostgres(t testing.TB) *pgserver.Server {
	t.Helper()
	postgres.once.Do(func() {
		if postgres.dir, postgres.err = os.MkdirTemp("", "chaperone-pg"); postgres.err != nil {
			return
		}
		if postgres.err = os.Chmod(postgres.dir, 0o755); postgres.err != nil {
			return
		}
		postgres.server, postgres.err = pgserver.Start(context.Background(), pgserver.Options{
			Dir: postgres.dir, Settings: []string{"fsync=off", "autovacuum=off", "max_connections=300", "max_prepared_transactions=10"},
		})
	})
	if postgres.err != nil {
		t.Fatal(postgres.err)
	}
	return postgres.server
}

func stopPostgres() {
	if postgres.server != nil {
		postgres.server.Stop(context.Background())
	}
	if postgres.dir != "" {
		_ = os.RemoveAll(postgres.dir)
	}
}

// program is the path of the program under test.
func program(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("chaperone")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// writeFiles writes files of a test's own folder, by name.
func writeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// peer is an MCP client of a `chaperone stdio` that it started. Its methods are
// safe for concurrent use.
type peer struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	log   *bytes.Buffer

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	gone    chan struct{}
}

// answer is a JSON-RPC response.
type answer struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

var errGone = errors.New("the program is gone")

// startPeer starts the program on a configuration and initializes a session.
func startPeer(t testing.TB, config string) *peer {
	t.Helper()
	p := &peer{log: &bytes.Buffer{}, waiting: map[int]chan answer{}, gone: make(chan struct{})}
	p.cmd = exec.Command(program(t), "stdio", "--config", config)
	p.cmd.Stderr = p.log
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.read(out)
	t.Cleanup(p.kill)
	params := map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{}, "clientInfo": map[string]string{"name": "test", "version": "1"}}
	if _, err := p.request("initialize", params); err != nil {
		t.Fatalf("initialize: %v\n%s", err, p.log)
	}
	return p
}

// read hands out answers until the program closes its output.
func (p *peer) read(out io.Reader) {
	defer close(p.gone)
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var a answer
		if json.Unmarshal(line, &a) != nil {
			continue
		}
		p.mu.Lock()
		if c := p.waiting[a.ID]; c != nil {
			c <- a
			delete(p.waiting, a.ID)
		}
		p.mu.Unlock()
	}
}

// request sends a request and waits for its answer, or for the end.
func (p *peer) request(method string, params any) (json.RawMessage, error) {
	p.mu.Lock()
	p.next++
	id, c := p.next, make(chan answer, 1)
	p.waiting[id] = c
	line, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	if err == nil {
		_, err = p.stdin.Write(append(line, '\n'))
	}
	p.mu.Unlock()
	if err != nil {
		return nil, errGone
	}
	select {
	case a := <-c:
		return a.outcome()
	case <-p.gone:
	}
	select {
	case a := <-c:
		return a.outcome()
	default:
		return nil, errGone
	}
}

func (a answer) outcome() (json.RawMessage, error) {
	if a.Error != nil {
		return nil, fmt.Errorf("%d: %s", a.Error.Code, a.Error.Message)
	}
	return a.Result, nil
}

// toolReply is the reply of a tool, as every tool gives it.
type toolReply struct {
	Status     string              `json:"status"`
	Message    string              `json:"message"`
	Call       string              `json:"call"`
	Rule       string              `json:"rule"`
	Code       string              `json:"code"`
	NextCursor string              `json:"next_cursor"`
	Rows       [][]json.RawMessage `json:"rows"`
	Columns    []struct {
		Name, Type, Masked string
	} `json:"columns"`
	RowsChanged int64 `json:"rows_changed"`
	Truncated   bool  `json:"truncated"`
}

// call calls a tool.
func (p *peer) call(tool string, args map[string]any) (toolReply, error) {
	result, err := p.request("tools/call", map[string]any{"name": tool, "arguments": args})
	if err != nil {
		return toolReply{}, err
	}
	var outer struct {
		Structured toolReply `json:"structuredContent"`
	}
	err = json.Unmarshal(result, &outer)
	return outer.Structured, err
}

// kill ends the program at once.
func (p *peer) kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
	_ = p.cmd.Wait()
}

// stop ends the program as a client does, and returns what it said.
func (p *peer) stop() (string, error) {
	_ = p.stdin.Close()
	<-p.gone
	err := p.cmd.Wait()
	return strings.TrimSpace(p.log.String()), err
}
