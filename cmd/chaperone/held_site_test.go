package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/server/identity"
)

// heldSite is a served gateway whose policy holds changes of payments, and the
// people who ask and answer. Both go by HTTP, as agents and people do.
type heldSite struct {
	t             testing.TB
	dir, database string
	// tokens are of alice, who asks, and is of the right group herself; of the
	// same alice by another account; of ben and carla, who answer; and of mallory.
	tokens map[string]string
	// url is of the process that serves at present.
	url  string
	kill func()
}

const heldConfig = `data_dir: ./state
policy: {paths: [./policy]}
server: {listen: "127.0.0.1:0"}
approvals: {hold: %s, open: 200}
identity:
  tokens:
%sconnections:
  - name: shop
    family: sql
    labels: {env: test}
    sql: {dsn: %q, search_path: shop}
`

const heldPolicy = `package chaperone

allow contains "all" if input.principal.subject != ""

approve contains {"rule": "payments", "groups": ["dba"]} if {
	some t in input.sql.tables
	t.name == "payments"
	t.access == "write"
}
`

func newHeldSite(t testing.TB, hold string) *heldSite {
	t.Helper()
	server := sharedPostgres(t)
	s := &heldSite{t: t, dir: t.TempDir(), database: fmt.Sprintf("held_%d", shops.Add(1)), tokens: map[string]string{}}
	root := connectTo(t, server.Superuser("postgres"))
	if _, err := root.Exec(t.Context(), "CREATE DATABASE "+s.database+" TEMPLATE "+shopTemplate(t)); err != nil {
		t.Fatal(err)
	}
	var tokens strings.Builder
	for _, p := range [][3]string{
		{"alice", "alice@example.com", "developers, dba"}, {"alice-at-work", "Alice@example.com", "dba"},
		{"ben", "ben@example.com", "dba"}, {"carla", "carla@example.com", "dba"}, {"mallory", "", "developers"},
	} {
		token, hash := identity.NewToken()
		s.tokens[p[0]] = token
		fmt.Fprintf(&tokens, "    - {hash: %q, subject: %s, email: %q, groups: [%s]}\n", hash, p[0], p[1], p[2])
	}
	writeFiles(t, s.dir, map[string]string{
		"policy/held.rego": heldPolicy,
		"chaperone.yaml":   fmt.Sprintf(heldConfig, hold, tokens.String(), server.DSN("agent", "", s.database)),
	})
	s.serve()
	return s
}

func connectTo(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// serve starts the gateway, once more after kill.
func (s *heldSite) serve() {
	s.t.Helper()
	cmd := exec.Command(program(s.t), "serve", "--config", filepath.Join(s.dir, "chaperone.yaml"))
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.kill = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	s.t.Cleanup(s.kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := servingAt.FindStringSubmatch(lines.Text()); m != nil {
			s.url = m[1]
			break
		}
	}
	go func() {
		for lines.Scan() {
		}
	}()
}

// owner is a connection of the superuser, beside the gateway.
func (s *heldSite) owner() *pgx.Conn {
	return connectTo(s.t, sharedPostgres(s.t).Superuser(s.database))
}

// amount is what a payment is of.
func (s *heldSite) amount(id int) string {
	s.t.Helper()
	var text string
	if err := s.owner().QueryRow(s.t.Context(), "SELECT amount::text FROM shop.payments WHERE id = $1", id).Scan(&text); err != nil {
		s.t.Fatal(err)
	}
	return text
}

// heldReply is what a caller learns of a call that is held.
type heldReply struct {
	Status, Rule, Message string
	Approval              string `json:"approval_id"`
	Rows                  [][]any
}

// call makes a call in a session of its own, which ends with ctx.
func (s *heldSite) call(ctx context.Context, who, tool string, args map[string]any) (heldReply, error) {
	c, err := demo.Connect(ctx, s.url, s.tokens[who])
	if err != nil {
		return heldReply{}, err
	}
	reply, err := c.Call(ctx, tool, args)
	if err != nil {
		return heldReply{}, err
	}
	var r heldReply
	return r, json.Unmarshal(reply.Structured, &r)
}

// must is a call that comes to an answer, whatever that is.
func (s *heldSite) must(who, tool string, args map[string]any) heldReply {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	r, err := s.call(ctx, who, tool, args)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// refund is a change of one payment, which is held.
func refund(id int) map[string]any {
	return map[string]any{
		"sql":    fmt.Sprintf("update payments set amount = amount + 1000 where id = %d returning id", id),
		"reason": "ticket 9",
	}
}

func waitOn(approval string) map[string]any { return map[string]any{"approval_id": approval} }

// approver is a person who has signed in at the console.
func (s *heldSite) approver(who string) *demo.Person {
	s.t.Helper()
	a, err := demo.SignIn(s.t.Context(), strings.TrimSuffix(s.url, "/mcp"), s.tokens[who])
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// waiting is the one request that waits for somebody of the group dba.
func (s *heldSite) waiting() string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	id, err := s.approver("ben").Waiting(ctx, "update payments")
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *heldSite) answer(who, id, verdict string) {
	s.t.Helper()
	if err := s.approver(who).Answer(s.t.Context(), id, verdict, ""); err != nil {
		s.t.Fatal(err)
	}
}

// verify checks the record as an auditor does.
func (s *heldSite) verify() {
	s.t.Helper()
	t := s.t.(*testing.T)
	if out, stderr, code := chaperone(t, "sessions", "verify", "--config", filepath.Join(s.dir, "chaperone.yaml")); code != exitOK {
		s.t.Errorf("the record: %s%s", out, stderr)
	}
}
