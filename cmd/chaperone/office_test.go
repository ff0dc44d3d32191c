package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/identity"
)

const officePolicy = `package chaperone

allow contains "all" if input.principal.subject != ""

writes contains t.name if {
	some t in input.sql.tables
	t.access == "write"
}

approve contains {"rule": "counters", "groups": ["dba"]} if "counters" in writes

approve contains {"rule": "pairs", "groups": ["dba"], "count": 2} if "pairs" in writes
`

const officeWorld = `
CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
CREATE TABLE pairs (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
INSERT INTO counters SELECT i FROM generate_series(1, 200) i;
INSERT INTO pairs SELECT i FROM generate_series(1, 200) i;
`

// office is a gateway over HTTP as it is built, that can be killed and started
// anew, on a database whose writes policy holds for people. Agents call it by
// MCP, and people answer in its console.
type office struct {
	*crashSite
	t *testing.T
	// mcp and site are where the gateway is now.
	mcp, site string
	cmd       *exec.Cmd
	tokens    map[string]string
}

// newOffice opens an office with these approvals and people in its configuration.
func newOffice(t *testing.T, approvals string, people ...string) *office {
	t.Helper()
	o := &office{crashSite: newCrashSite(t), t: t}
	sqlExec(t, o.db, officeWorld)
	writeFiles(t, o.dir, map[string]string{
		"policy/all.rego": officePolicy,
		"chaperone.yaml":  o.settings(approvals, people) + fmt.Sprintf("connections:\n  - name: db\n    family: sql\n    labels: {env: test}\n    sql: {dsn: %q}\n", o.dsn),
	})
	o.start()
	return o
}

// settings is the configuration without its connections. People are written as
// subject:group or subject:group:address; each gets a token of the name before a =,
// or of the subject.
func (o *office) settings(approvals string, people []string) string {
	o.tokens = map[string]string{}
	var tokens strings.Builder
	for _, p := range people {
		name, who, named := strings.Cut(p, "=")
		if !named {
			who = p
		}
		parts := append(strings.Split(who, ":"), "")
		if !named {
			name = parts[0]
		}
		token, hash := identity.NewToken()
		o.tokens[name] = token
		fmt.Fprintf(&tokens, "    - {hash: %q, subject: %q, groups: [%q], email: %q}\n", hash, parts[0], parts[1], parts[2])
	}
	return fmt.Sprintf("data_dir: ./state\npolicy: {paths: [./policy]}\nserver: {listen: \"127.0.0.1:0\"}\napprovals: {%s}\nidentity:\n  tokens:\n%s",
		approvals, &tokens)
}

// start starts the gateway.
func (o *office) start() {
	o.t.Helper()
	o.cmd, o.mcp, o.site = started(o.t, o.config)
	o.site = strings.TrimSuffix(o.site, "/console/")
}

// crash ends the gateway at once, as kill -9 does.
func (o *office) crash() {
	o.t.Helper()
	if err := o.cmd.Process.Kill(); err != nil {
		o.t.Fatal(err)
	}
	_ = o.cmd.Wait()
}

// agent is an MCP client with a session of its own.
type agent struct {
	o      *office
	client *demo.Client
}

func (o *office) agent(name string) *agent {
	o.t.Helper()
	client, err := demo.Connect(o.t.Context(), o.mcp, o.tokens[name])
	if err != nil {
		o.t.Fatal(err)
	}
	return &agent{o, client}
}

// deskReply is the reply of a tool, with what one that waits has.
type deskReply struct {
	toolReply
	Approval string `json:"approval_id"`
	Output   string `json:"output"`
}

func (a *agent) try(ctx context.Context, tool string, args map[string]any) (out deskReply, err error) {
	reply, err := a.client.Call(ctx, tool, args)
	if err == nil {
		err = json.Unmarshal(reply.Structured, &out)
	}
	return out, err
}

func (a *agent) call(tool string, args map[string]any) deskReply {
	a.o.t.Helper()
	reply, err := a.try(a.o.t.Context(), tool, args)
	if err != nil {
		a.o.t.Fatal(err)
	}
	return reply
}

// add counts one up, in a table that policy holds.
func (a *agent) add(table string, id int) deskReply {
	a.o.t.Helper()
	return a.call("sql_write", adding(table, id))
}

func adding(table string, id int) map[string]any {
	return map[string]any{"connection": "db", "reason": "to count", "sql": fmt.Sprintf("update %s set n = n + 1 where id = %d", table, id)}
}

// held counts one up as a call that waits, and returns its request.
func (a *agent) held(table string, id int) string {
	a.o.t.Helper()
	reply := a.add(table, id)
	if reply.Status != "pending" || reply.Approval == "" {
		a.o.t.Fatalf("it does not wait: %+v", reply)
	}
	return reply.Approval
}

// wait goes on with a call that waits.
func (a *agent) wait(id string) deskReply {
	a.o.t.Helper()
	return a.call("approval_wait", map[string]any{"approval_id": id})
}

// person signs in to the console.
func (o *office) person(name string) *demo.Person {
	o.t.Helper()
	p, err := demo.SignIn(o.t.Context(), o.site, o.tokens[name])
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

// says gives an answer in the console, which is taken.
func (o *office) says(name, verdict, id string) {
	o.t.Helper()
	if err := o.person(name).Answer(o.t.Context(), id, verdict, "so be it"); err != nil {
		o.t.Fatalf("%s: %v", name, err)
	}
}

// mayNot fails if somebody can answer in the console.
func (o *office) mayNot(name, id string) {
	o.t.Helper()
	if err := o.person(name).Answer(o.t.Context(), id, "approve", ""); err == nil {
		o.t.Errorf("%s answers", name)
	}
}

// phase is how far a request has come.
func (o *office) phase(id string) approval.Phase {
	o.t.Helper()
	a, err := deskOf(o.t.Context(), filepath.Join(o.dir, "state"))
	if err != nil {
		o.t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	r, err := a.Desk.Get(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return r.Phase
}

// counted is how often an id was counted up.
func (o *office) counted(table string, id int) (n int) {
	o.t.Helper()
	if err := o.watch.QueryRow(o.t.Context(), "SELECT n FROM "+pgx.Identifier{table}.Sanitize()+" WHERE id = $1", id).Scan(&n); err != nil {
		o.t.Fatal(err)
	}
	return n
}

// proven lets the program itself check the record.
func (o *office) proven() {
	o.t.Helper()
	out, err := exec.CommandContext(o.t.Context(), program(o.t), "sessions", "verify", "--config", o.config).Output()
	if err != nil || !strings.Contains("\n"+string(out), "\nverified: ") {
		o.t.Errorf("the record does not verify: %v\n%s", err, out)
	}
}

// is fails unless a reply has the status, and the rule or "".
func (r deskReply) is(t *testing.T, status, rule string, texts ...string) {
	t.Helper()
	if r.Status != status || r.Rule != rule {
		t.Fatalf("not %s %s: %+v", status, rule, r)
	}
	for _, text := range texts {
		if !strings.Contains(r.Message, text) {
			t.Errorf("it does not say %q: %s", text, r.Message)
		}
	}
}

// drain reads on, so that who writes is not held up.
func drain(r io.Reader) { _, _ = io.Copy(io.Discard, r) }
