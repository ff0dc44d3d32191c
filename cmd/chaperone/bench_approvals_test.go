package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/server"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/identity"
	"github.com/chaperone-dev/chaperone/tools"
)

// deskSite is a gateway over HTTP in this process, so that the benchmark can
// answer at its desk, as the console does.
type deskSite struct {
	app    *app.App
	client *demo.Client
}

const deskConfig = `data_dir: ./state
policy: {paths: [./policy]}
approvals: {hold: %s}
identity:
  tokens: [{hash: %q, subject: ann, groups: [developers]}]
connections:
  - name: shop
    family: sql
    sql: {dsn: %q, search_path: shop}
`

// deskPolicy judges one statement either way, by the reason that is given.
const deskPolicy = `package chaperone

allow contains "reads" if input.action.effect == "read"

allow contains "waiting" if input.call.tool == "approval_wait"

allow contains "plain" if input.call.reason == "plain"

approve contains {"rule": "ask-first", "groups": ["dba"]} if {
	input.action.effect == "write"
	input.call.reason != "plain"
}
`

func newDeskSite(b *testing.B, hold string) *deskSite {
	b.Helper()
	dir := b.TempDir()
	token, hash := identity.NewToken()
	writeFiles(b, dir, map[string]string{
		"chaperone.yaml": fmt.Sprintf(deskConfig, hold, hash, sharedPostgres(b).DSN("agent", "", shopTemplate(b))),
		"policy/p.rego":  deskPolicy,
	})
	c, err := config.Load(filepath.Join(dir, "chaperone.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := identity.NewTokens(c.Identity.Tokens)
	if err != nil {
		b.Fatal(err)
	}
	a, err := app.Open(b.Context(), c, "bench", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served, ran := make(chan error, 1), make(chan struct{})
	go func() { served <- a.Edge.ServeHTTP(ctx, l, server.HTTP{Verify: tokens.Verify, Hosts: hosts(c)}) }()
	go func() { a.Run(ctx); close(ran) }()
	b.Cleanup(func() {
		stop()
		<-ran
		if err := errors.Join(<-served, a.Close()); err != nil {
			b.Error(err)
		}
	})
	client, err := demo.Connect(b.Context(), mcpURL(c, l.Addr()), token)
	if err != nil {
		b.Fatal(err)
	}
	return &deskSite{a, client}
}

// pause is how long everyone rests between two calls, so that each call finds
// the connections to the database dialled anew that the one before has used up.
// Agents take longer, and people much longer.
const pause = 60 * time.Millisecond

// turns are how often the calls that are compared take turns.
const turns = 100

// call makes a call that must end with a status, and returns the reply and how
// long it took.
func (s *deskSite) call(b *testing.B, tool string, args map[string]any, status string) (demo.Reply, time.Duration) {
	b.Helper()
	time.Sleep(pause)
	start := time.Now()
	reply, err := s.client.Call(b.Context(), tool, args)
	took := time.Since(start)
	if err != nil || !strings.HasPrefix(reply.Text, `{"status":"`+status+`"`) {
		b.Fatalf("%s should end as %s: %v %.300s", tool, status, err, reply.Text)
	}
	return reply, took
}

// change is the statement that the calls make, for a reason.
func change(reason string, dry bool) map[string]any {
	return map[string]any{"sql": "update orders set note = note where id = 40", "reason": reason, "dry_run": dry}
}

// answer lets somebody approve the open request.
func (s *deskSite) answer(b *testing.B) string {
	b.Helper()
	r, err := openRequest(b.Context(), s.app)
	if err == nil {
		_, err = s.app.Desk.Answer(b.Context(), r.ID, approval.Answer{By: dba("ben"), Verdict: approval.Approve, Via: "bench", Seen: r.Preview.Digest()})
	}
	if err != nil {
		b.Fatal(err)
	}
	return r.ID
}

// BenchmarkApproved compares a change that was approved with one that a rule
// allows, in turns. Both are whole calls over HTTP; p50 in microseconds:
//
//   - allowed: the change that waits for nobody
//   - approved: approval_wait for a change that is approved already
//   - approval-adds: what that takes longer than the one of its turn that is allowed
//   - answered: from an answer's being stored to the reply of the call that waits
//   - previewed: dry_run, which is what the rehearsal takes
//   - asked: the call that is held, until it is told that it is pending
func BenchmarkApproved(b *testing.B) {
	brief, patient := newDeskSite(b, "1ns"), newDeskSite(b, "45s")
	took := map[string][]time.Duration{}
	note := func(what string, d time.Duration) { took[what] = append(took[what], d) }
	turn := func() {
		_, allowed := brief.call(b, "sql_write", change("plain", false), "ok")
		note("allowed", allowed)
		_, d := brief.call(b, "sql_write", change("held", true), "described")
		note("previewed", d)
		_, d = brief.call(b, "sql_write", change("held", false), "pending")
		note("asked", d)
		id := brief.answer(b)
		_, d = brief.call(b, "approval_wait", map[string]any{"approval_id": id}, "ok")
		note("approved", d)
		note("approval-adds", d-allowed)
		note("answered", patient.answered(b))
	}
	for range 5 {
		turn()
	}
	clear(took)
	for range max(b.N, turns) {
		turn()
	}
	b.ReportMetric(0, "ns/op")
	for what, all := range took {
		b.ReportMetric(float64(p50(all).Microseconds()), what+"-us")
	}
	// What it takes where nothing else runs on the machine shows in the fast ones.
	b.ReportMetric(float64(took["allowed"][len(took["allowed"])/10].Microseconds()), "allowed-p10-us")
	b.ReportMetric(float64(took["approved"][len(took["approved"])/10].Microseconds()), "approved-p10-us")
	b.ReportMetric(float64(took["answered"][len(took["answered"])/10].Microseconds()), "answered-p10-us")
}

// answered is how long a call takes that waits, from the answer on.
func (s *deskSite) answered(b *testing.B) time.Duration {
	done := make(chan struct{})
	var end time.Time
	go func() {
		defer close(done)
		reply, err := s.client.Call(b.Context(), "sql_write", change("held", false))
		if end = time.Now(); err != nil || reply.IsError {
			b.Errorf("%v %.300s", err, reply.Text)
		}
	}()
	if _, err := openRequest(b.Context(), s.app); err != nil {
		b.Fatal(err)
	}
	time.Sleep(pause) // which is less than anyone reads for
	s.answer(b)
	start := time.Now()
	<-done
	return end.Sub(start)
}

func p50(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// openRequests is how many others wait while calls are made.
const openRequests = 10_000

// BenchmarkOpenRequests compares calls of a gateway on whose desk much waits
// with those of one where nothing does, in turns.
func BenchmarkOpenRequests(b *testing.B) {
	empty, full := newDeskSite(b, "45s"), newDeskSite(b, "45s")
	full.fill(b, openRequests)
	for _, what := range []struct {
		name, tool string
		args       map[string]any
	}{
		{"read", "sql_read", map[string]any{"sql": "select 1"}},
		{"change", "sql_write", change("plain", false)},
	} {
		b.Run(what.name, func(b *testing.B) {
			var with, without, more []time.Duration
			call := func(s *deskSite) time.Duration {
				_, d := s.call(b, what.tool, what.args, "ok")
				return d
			}
			for range 5 {
				call(full)
				call(empty)
			}
			for turn := range max(b.N, turns) {
				first, second := full, empty
				if turn%2 == 1 {
					first, second = second, first
				}
				took := map[*deskSite]time.Duration{first: call(first), second: call(second)}
				with, without, more = append(with, took[full]), append(without, took[empty]), append(more, took[full]-took[empty])
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(p50(without).Microseconds()), "none-us")
			b.ReportMetric(float64(p50(with).Microseconds()), "10000-us")
			b.ReportMetric(float64(p50(with))/float64(p50(without)), "ratio")
			b.ReportMetric(float64(p50(more).Microseconds()), "more-us")
		})
	}
}

// fill puts requests on the desk that nobody answers.
func (s *deskSite) fill(b *testing.B, n int) {
	b.Helper()
	for i := range n {
		r := approval.Request{
			Principal: policy.Principal{Subject: fmt.Sprint("caller ", i), Issuer: "config", Method: policy.Token}, Session: "another", Call: fmt.Sprint(i),
			Tool: "sql_write", Reason: "ticket 4711", Policy: "p", Key: fmt.Sprint(i),
			Rules:   obligation.Approvals{{Rule: "ask-first", Groups: []string{"dba"}, Count: 1, Expires: "24h"}},
			Preview: &tools.Preview{Impact: tools.Impact{Measured: true, Rows: 1}, State: fmt.Sprint(i)},
		}
		if _, _, err := s.app.Desk.Ask(b.Context(), r, []byte("the call")); err != nil {
			b.Fatal(err)
		}
	}
}
