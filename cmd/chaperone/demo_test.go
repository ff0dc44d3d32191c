package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demoFolder is a folder that the user who runs PostgreSQL can reach.
func demoFolder(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "chaperone-demo")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "demo")
	t.Cleanup(func() {
		_ = exec.Command(program(t), "demo", "--reset", "--dir", dir).Run()
		_ = os.RemoveAll(parent)
	})
	return dir
}

// chaperone runs one command of the program.
func chaperone(t *testing.T, args ...string) (out, err string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program(t), args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// startDemo starts a demo and waits until it is up.
func startDemo(t *testing.T, dir string, more ...string) *exec.Cmd {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program(t), append([]string{"demo", "--dir", dir, "--listen", "127.0.0.1:0"}, more...)...)
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		text, _ := os.ReadFile(out)
		if strings.Contains(string(text), "Ctrl-C ends the demo") {
			return cmd
		}
		if time.Now().After(deadline) {
			t.Fatalf("the demo is not up: %s", text)
		}
	}
}

// serverIs waits until the demo's PostgreSQL runs, or has ended.
func serverIs(t *testing.T, dir string, running bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := os.Stat(filepath.Join(dir, "postgres", "data", "postmaster.pid"))
		if (err == nil) == running {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("running should be %v", running)
		}
	}
}

func TestDemo(t *testing.T) {
	dir := demoFolder(t)
	out, stderr, code := chaperone(t, "demo", "--script", "--dir", dir)
	if code != exitOK {
		t.Fatalf("the script ended with %d: %s", code, stderr)
	}
	for _, want := range []string{
		"shop (sql)", "****.", "hash:", "refused by no-where", "refused by no-schema-changes", "refused by syntax",
		"described Nothing ran", "1 changed", "What the record says", "closed: the client ended it",
		// The held call: as the console shows it, the answer, and the rows.
		"waits for approval", "held by     payments-need-a-dba", "update 1 in shop.payments (measured)", "│ - 7  | 4326     | 126.70", "│ + 7  | 4326     | 121.70",
		"approved by the demo's approver: checked with finance\n   allowed\n    id | amount\n   ----+--------\n    7  | 121.70\n",
		// And as it stays on record.
		"asks for approval by 1 person of dba (payments-need-a-dba)", "approved by demo approver, by console: checked with finance", "runs by the approval ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the script does not show %q", want)
		}
	}
	if strings.Contains(out, "@example") || strings.Contains(out, "\x1b") {
		t.Errorf("it shows what is masked, or colours a file:\n%s", out)
	}
	serverIs(t, dir, false)

	cmd := startDemo(t, dir)
	config := filepath.Join(dir, "chaperone.yaml")
	if out, stderr, code := chaperone(t, "--config", config, "call", "sql_read",
		"select (select count(*) from customers) + (select count(*) from orders) + (select count(*) from order_items) + (select count(*) from payments) as n"); code != exitOK || !strings.Contains(out, "50600") {
		t.Errorf("the shop answers %d: %s%s", code, out, stderr)
	}
	if _, stderr, code := chaperone(t, "demo", "--dir", dir, "--listen", "127.0.0.1:0"); code != exitFailed || !strings.Contains(stderr, "a demo runs in") {
		t.Errorf("a second one ended with %d: %s", code, stderr)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	serverIs(t, dir, false)
}

// TestDemoHeals kills a demo, which leaves PostgreSQL behind, and goes on.
func TestDemoHeals(t *testing.T) {
	dir := demoFolder(t)
	for range 2 {
		cmd := startDemo(t, dir)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		serverIs(t, dir, true)
	}
	if out, stderr, code := chaperone(t, "demo", "--reset", "--dir", dir); code != exitOK || !strings.Contains(out, "removed") {
		t.Fatalf("the reset ended with %d: %s", code, stderr)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the folder is still there")
	}
}

// TestDemoRefuses has one line for each obstacle.
func TestDemoRefuses(t *testing.T) {
	full := t.TempDir()
	writeFiles(t, full, map[string]string{"thesis.txt": "mine"})
	for want, args := range map[string][]string{
		"holds something else; name another folder by --dir": {"--dir", full},
		"there is no demo in":                                {"--dir", full, "--reset"},
		"must be an address of this machine":                 {"--dir", filepath.Join(t.TempDir(), "d"), "--listen", "0.0.0.0:1"},
		"not a directory":                                    {"--dir", filepath.Join(full, "thesis.txt", "d")},
		"name the program that .ci/testcluster builds":       {"--dir", filepath.Join(t.TempDir(), "d"), "--kubernetes", filepath.Join(full, "none")},
	} {
		_, stderr, code := chaperone(t, append([]string{"demo"}, args...)...)
		if code == exitOK || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%v ended with %d: %s", args, code, stderr)
		}
	}
	if _, err := os.Stat(filepath.Join(full, "thesis.txt")); err != nil {
		t.Error(err)
	}
}
