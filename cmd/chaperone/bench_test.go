package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/server/identity"
)

// benchSite is a gateway over HTTP on the starter policy, and a pool that goes
// to the same database without it.
type benchSite struct {
	url string
	// tokens are of different principals, since one is let in 16 times at once.
	tokens []string
	bare   *pgxpool.Pool
	pid    int
}

const benchConfig = `data_dir: ./state
policy: {paths: [%q]}
server: {listen: "127.0.0.1:0"}
identity:
  tokens:
%sconnections:
  - name: shop
    family: sql
    labels: {env: staging}
    sql: {dsn: %q, connections: 16, rows: 100000, bytes: 10485760}
`

var servingAt = regexp.MustCompile(`serving MCP at (\S+)`)

func newBenchSite(b *testing.B) *benchSite {
	b.Helper()
	server := sharedPostgres(b)
	dsn := server.DSN("agent", "", shopTemplate(b))
	dir := b.TempDir()
	policies, err := filepath.Abs("../../examples/policies")
	if err != nil {
		b.Fatal(err)
	}
	s := &benchSite{}
	var tokens strings.Builder
	for n := range 8 {
		token, hash := identity.NewToken()
		s.tokens = append(s.tokens, token)
		fmt.Fprintf(&tokens, "    - {hash: %q, subject: bench%d, groups: [developers]}\n", hash, n)
	}
	writeFiles(b, dir, map[string]string{"chaperone.yaml": fmt.Sprintf(benchConfig, policies, tokens.String(), dsn)})
	s.url, s.pid = servedBench(b, filepath.Join(dir, "chaperone.yaml"))
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		b.Fatal(err)
	}
	config.MaxConns = 16
	if s.bare, err = pgxpool.NewWithConfig(b.Context(), config); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.bare.Close)
	return s
}

// servedBench starts a gateway, and returns where it serves and its process.
func servedBench(b *testing.B, config string) (url string, pid int) {
	b.Helper()
	cmd := exec.Command(built(b, "chaperone", "."), "serve", "--config", config)
	out, err := cmd.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		if m := servingAt.FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
		}
	}
	go func() {
		for lines.Scan() {
			b.Log(lines.Text())
		}
	}()
	return url, cmd.Process.Pid
}

// built is the path of a program as it is shipped: the tests' own has more in it.
func built(b *testing.B, name, folder string) string {
	b.Helper()
	path, err := filepath.Abs(filepath.Join(root, "bin", name))
	if err != nil {
		b.Fatal(err)
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2", "-o", path, folder)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}

// read does what a governed read does at the database: BEGIN READ ONLY, the
// statement, ROLLBACK.
func (s *benchSite) read(ctx context.Context, sql string) error {
	conn, err := s.bare.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return err
	}
	for rows.Next() {
		if _, err := rows.Values(); err != nil {
			return err
		}
	}
	return rows.Err()
}

// BenchmarkRead compares governed reads with bare ones, in turns, so that both
// meet the same machine. It reports medians in microseconds.
func BenchmarkRead(b *testing.B) {
	s := newBenchSite(b)
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 100
	for _, what := range []struct{ name, sql string }{
		{"select1", "select 1"},
		{"100rows", "select id, sku, name, price, stock from shop.products order by id limit 100"},
	} {
		for _, clients := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/clients=%d", what.name, clients), func(b *testing.B) {
				s.compare(b, what.sql, clients)
			})
		}
	}
}

// round is how many calls each client makes before the other side's turn.
const round = 50

func (s *benchSite) compare(b *testing.B, sql string, clients int) {
	governed, pings := make([]func(context.Context) error, clients), make([]func(context.Context) error, clients)
	for i := range governed {
		c, err := demo.Connect(b.Context(), s.url, s.tokens[i%len(s.tokens)])
		if err != nil {
			b.Fatal(err)
		}
		pings[i] = c.Ping
		governed[i] = func(ctx context.Context) error {
			reply, err := c.Call(ctx, "sql_read", map[string]any{"sql": sql})
			if err == nil && reply.IsError {
				err = fmt.Errorf("%s", reply.Text)
			}
			return err
		}
	}
	bare := make([]func(context.Context) error, clients)
	for i := range bare {
		bare[i] = func(ctx context.Context) error { return s.read(ctx, sql) }
	}
	take(b, governed, round)
	take(b, bare, round)
	b.ResetTimer()
	var with, without, empty []time.Duration
	for len(with) < b.N {
		with = append(with, take(b, governed, round)...)
		without = append(without, take(b, bare, round)...)
		empty = append(empty, take(b, pings, round)...)
	}
	slices.Sort(empty)
	slices.Sort(with)
	slices.Sort(without)
	p50, base := with[len(with)/2], without[len(without)/2]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(p50.Microseconds()), "governed-p50-us")
	b.ReportMetric(float64(base.Microseconds()), "bare-p50-us")
	b.ReportMetric(float64((p50 - base).Microseconds()), "added-us")
	b.ReportMetric(float64(p50)/float64(base), "ratio")
	b.ReportMetric(float64(empty[len(empty)/2].Microseconds()), "ping-p50-us")
}

// take lets each client make its calls, and returns how long each call took.
func take(b *testing.B, clients []func(context.Context) error, calls int) []time.Duration {
	var mu sync.Mutex
	var all []time.Duration
	var group sync.WaitGroup
	for _, call := range clients {
		group.Go(func() {
			own := make([]time.Duration, 0, calls)
			for range calls {
				start := time.Now()
				if err := call(b.Context()); err != nil {
					b.Error(err)
					return
				}
				own = append(own, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
		})
	}
	group.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return all
}

// BenchmarkStart is the time from exec to the reply to initialize.
func BenchmarkStart(b *testing.B) {
	server := sharedPostgres(b)
	dir := b.TempDir()
	policies, err := filepath.Abs("../../examples/policies")
	if err != nil {
		b.Fatal(err)
	}
	writeFiles(b, dir, map[string]string{"chaperone.yaml": fmt.Sprintf(benchConfig, policies, "    []\n", server.DSN("agent", "", shopTemplate(b)))})
	b.Setenv("PATH", filepath.Dir(built(b, "chaperone", "."))+string(os.PathListSeparator)+os.Getenv("PATH"))
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		p := startPeer(b, filepath.Join(dir, "chaperone.yaml"))
		times = append(times, time.Since(start))
		if _, err := p.stop(); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(times)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "initialize-p50-ms")
}

// BenchmarkMemory reads how much memory the gateway holds: when it has nothing
// to do, with the pages of its program and without, and at most while a result of
// 1 GB is cut at 10 MB.
func BenchmarkMemory(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads /proc")
	}
	s := newBenchSite(b)
	c, err := demo.Connect(b.Context(), s.url, s.tokens[0])
	if err != nil {
		b.Fatal(err)
	}
	time.Sleep(2 * time.Second) // idle is when there was nothing to do for a while
	idle, own := memory(b, s.pid, "VmRSS"), memory(b, s.pid, "RssAnon")
	for b.Loop() {
		reply, err := c.Call(b.Context(), "sql_read", map[string]any{"sql": "select repeat('x', 100000) from generate_series(1, 10000)", "max_rows": 100000})
		if err != nil || reply.IsError || !strings.Contains(reply.Text[max(0, len(reply.Text)-200):], `"truncated":true`) {
			b.Fatalf("%v %.300s", err, reply.Text)
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(idle, "idle-MB")
	b.ReportMetric(own, "idle-own-MB")
	b.ReportMetric(memory(b, s.pid, "VmHWM"), "peak-MB")
}

// memory is a figure of a process, in MB.
func memory(b *testing.B, pid int, field string) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == field+":" {
			kB, err := strconv.Atoi(words[1])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kB) / 1024
		}
	}
	b.Fatalf("no %s", field)
	return 0
}
