package main

import (
	"bufio"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/server/identity"
)

const servedConfig = `data_dir: ./state
policy: {paths: [./policy]}
server: {listen: "127.0.0.1:0"}
approvals: {hold: 1ms}
identity:
  tokens:
    - {hash: %q, subject: ann, groups: [developers]}
    - {hash: %q, subject: ben, groups: [dba]}
`

// servedPolicy holds a tool that needs no target.
const servedPolicy = `package chaperone

allow contains "waiting" if input.call.tool == "approval_wait"

approve contains {"rule": "ask-first", "groups": ["dba"]} if input.call.tool == "access"
`

// TestServeLeadsToTheConsole goes from the reply to a call that waits to the
// answer, by the addresses that are told, where the configuration names none.
func TestServeLeadsToTheConsole(t *testing.T) {
	dir := t.TempDir()
	ann, annHash := identity.NewToken()
	ben, benHash := identity.NewToken()
	writeFiles(t, dir, map[string]string{"chaperone.yaml": fmt.Sprintf(servedConfig, annHash, benHash), "policy/p.rego": servedPolicy})
	mcp, site := serving(t, filepath.Join(dir, "chaperone.yaml"))

	agent, err := demo.Connect(t.Context(), mcp, ann)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := agent.Call(t.Context(), "access", map[string]any{})
	link := regexp.MustCompile(`They answer at ` + regexp.QuoteMeta(site) + `approvals/([0-9A-Z]+)\.`).FindStringSubmatch(reply.Text)
	if err != nil || link == nil {
		t.Fatalf("the reply does not lead to %s: %s, %v", site, reply.Text, err)
	}
	person, err := demo.SignIn(t.Context(), strings.TrimSuffix(site, "/console/"), ben)
	if err == nil {
		err = person.Answer(t.Context(), link[1], "approve", "")
	}
	if err != nil {
		t.Fatal(err)
	}
	if reply, err = agent.Call(t.Context(), "approval_wait", map[string]any{"approval_id": link[1]}); err != nil || reply.IsError {
		t.Errorf("it did not run: %s, %v", reply.Text, err)
	}
}

// serving starts a gateway, and returns the addresses that it says it is at.
func serving(t *testing.T, config string) (mcp, console string) {
	t.Helper()
	_, mcp, console = started(t, config)
	return mcp, console
}

// started starts a gateway, and waits until it says where it is.
func started(t *testing.T, config string) (cmd *exec.Cmd, mcp, console string) {
	t.Helper()
	cmd = exec.Command(program(t), "serve", "--config", config)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	answerAt := regexp.MustCompile(`people answer at (\S+)`)
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if m := servingAt.FindStringSubmatch(lines.Text()); m != nil {
			mcp = m[1]
		}
		if m := answerAt.FindStringSubmatch(lines.Text()); m != nil {
			go drain(said)
			return cmd, mcp, m[1]
		}
	}
	t.Fatal("it does not serve")
	return nil, "", ""
}
