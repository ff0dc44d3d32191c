package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/server/identity"
)

// scriptServe starts "chaperone serve" on the script's configuration until the
// script ends, with a token for mira. The script's "mcp" calls it.
func scriptServe(ts *testscript.TestScript, _ bool, _ []string) {
	token, hash := identity.NewToken()
	path := filepath.Join(ts.Getenv("SHOP_CONFIG"), "chaperone.yaml")
	text, err := os.ReadFile(path)
	ts.Check(err)
	text = fmt.Appendf(text, "server: {listen: \"127.0.0.1:0\"}\nidentity: {tokens: [{hash: %q, subject: mira, groups: [dev]}]}\n", hash)
	ts.Check(os.WriteFile(path, text, 0o600))
	program, err := lookPath("chaperone", ts.Getenv("PATH"))
	ts.Check(err)
	cmd := exec.Command(program, "serve")
	cmd.Dir, cmd.Env = ts.MkAbs("."), environment(ts)
	out, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(out)
	ended := make(chan struct{})
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		_ = cmd.Wait()
	})
	url := ""
	for url == "" && lines.Scan() {
		if m := servingAt.FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
		}
	}
	go func() {
		defer close(ended)
		for lines.Scan() { // until the program has ended
		}
	}()
	if url == "" {
		ts.Fatalf("serve: it ended at once")
	}
	ts.Setenv("MCP_URL", url)
	ts.Setenv("MCP_TOKEN", token)
}

// mcp is an MCP client of a gateway that is served: mcp TOOL ARGUMENTS prints
// what the tool says, and fails if that is an error.
func mcp() {
	text, err := callServed(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = fmt.Println(text)
}

func callServed(ctx context.Context, tool, arguments string) (string, error) {
	var args map[string]any
	if err := json.Unmarshal([]byte(arguments), &args); err != nil {
		return "", err
	}
	client, err := demo.Connect(ctx, os.Getenv("MCP_URL"), os.Getenv("MCP_TOKEN"))
	if err != nil {
		return "", err
	}
	reply, err := client.Call(ctx, tool, args)
	if err == nil && reply.IsError {
		err = fmt.Errorf("%s", reply.Text)
	}
	return reply.Text, err
}

// lookPath finds a program in a path that is not this process's own.
func lookPath(name, path string) (string, error) {
	for _, dir := range strings.Split(path, string(os.PathListSeparator)) {
		if full, err := exec.LookPath(dir + "/" + name); err == nil {
			return full, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, path)
}

// environment is what commands of a script get that it does not start itself.
func environment(ts *testscript.TestScript) (env []string) {
	for _, name := range []string{"PATH", "HOME", "SHOP_DSN", "NO_COLOR", "TERM", "ID"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}
