package main

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/server/identity"
)

const pendingDeployment = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: pending}, spec: {selector: {matchLabels: {app: pending}},
	template: {metadata: {labels: {app: pending}, annotations: {testcluster/state: pending}}, spec: {containers: [{name: a, image: box}]}}}}`

// endingSite is a served gateway whose calls of kubectl's may take some seconds, and
// the process that it is.
func endingSite(t *testing.T) (*clusterSite, *exec.Cmd) {
	t.Helper()
	cluster := sharedCluster.Start(t)
	dir := t.TempDir()
	agent, hash := identity.NewToken()
	writeFiles(t, dir, map[string]string{
		"policy/p.rego": "package chaperone\n\nallow contains \"all\" if input.connection.name == \"cluster\"\n",
		"chaperone.yaml": fmt.Sprintf(`data_dir: ./state
policy: {paths: [./policy]}
server: {listen: "127.0.0.1:0"}
identity: {tokens: [{hash: %q, subject: alice}]}
connections:
  - {name: cluster, family: kubectl, kubectl: {kubeconfig: %q, timeout: 8s}}
`, hash, cluster.Kubeconfig),
	})
	s := &clusterSite{t: t, config: dir + "/chaperone.yaml"}
	cmd, mcp, _ := started(t, s.config)
	var err error
	if s.agent, err = demo.Connect(t.Context(), mcp, agent); err != nil {
		t.Fatal(err)
	}
	return s, cmd
}

// TestSignalsEndKubectlInOrder: kubectl's own code ends the process at once when a
// signal comes while it watches or waits. Here the calls come to their end, and so
// does the record.
func TestSignalsEndKubectlInOrder(t *testing.T) {
	s, cmd := endingSite(t)
	// The cluster is there for longer than the test.
	s.namespace = fmt.Sprintf("ending-%d", time.Now().UnixNano())
	for _, c := range []struct{ stdin, line string }{
		{"", "create namespace " + s.namespace}, {"", "run box --image=box"}, {pendingDeployment, "apply -f -"},
		{"{apiVersion: v1, kind: ConfigMap, metadata: {name: kept, finalizers: [example.com/kept]}}", "create -f -"},
	} {
		if got := s.call("kubectl_write", c.stdin, "a test", s.words(c.line)...); !strings.Contains(got, `"exit_code":0`) {
			t.Fatalf("%s: %s", c.line, got)
		}
	}
	if got := s.call("kubectl_read", "", "", s.words("wait --for=condition=Ready pod/box --timeout=20s")...); !strings.Contains(got, "condition met") {
		t.Fatal(got)
	}
	var calls sync.WaitGroup
	under := 0
	for _, lines := range [][]string{
		{"logs box -f", "wait --for=condition=Never pod/box", "rollout status deploy/pending", "delete cm kept"},
		// These two come last: what the others send takes the signals back, too.
		{"get pods -w", "events -w"},
	} {
		for _, line := range lines {
			calls.Go(func() { s.lasts(line) })
		}
		under += len(lines)
		s.underWay(under)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	calls.Wait()
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	out, stderr, code := chaperone(t, "sessions", "verify", "--config", s.config)
	if code != exitOK {
		t.Errorf("verify ends with %d: %s%s", code, out, stderr)
	}
	out, _, _ = chaperone(t, "replay", "--plain", "--config", s.config)
	if !strings.Contains(out, "shutting down") || strings.Contains(out, "ambiguous") {
		t.Errorf("the record does not end in order:\n%s", out)
	}
}

// words are those of a command in the test's namespace.
func (s *clusterSite) words(line string) []string {
	return append(strings.Fields(line), "--namespace", s.namespace)
}

// lasts makes a call that ends when its time is over.
func (s *clusterSite) lasts(line string) {
	tool := "kubectl_read"
	if strings.HasPrefix(line, "delete") {
		tool = "kubectl_write"
	}
	got := s.call(tool, "", "a test", s.words(line)...)
	if strings.HasPrefix(got, "failed: ") || !strings.Contains(got, `"truncated":true`) && !strings.Contains(got, "took too long") {
		s.t.Errorf("%s: %s", line, got)
	}
}

// underWay waits until so many calls have the API server send for as long as they
// last.
func (s *clusterSite) underWay(calls int) {
	s.t.Helper()
	for start := time.Now(); s.streams() < calls; {
		if time.Since(start) > 7*time.Second {
			s.t.Fatalf("only %d are under way", s.streams())
		}
	}
}

// streams counts the requests of the test that the API server answers for as long as
// they last.
func (s *clusterSite) streams() int {
	last := map[string]bool{}
	for _, e := range sharedCluster.Start(s.t).Audit(s.t) {
		if strings.Contains(e.RequestURI, "/namespaces/"+s.namespace+"/") && (strings.Contains(e.RequestURI, "watch=true") || strings.Contains(e.RequestURI, "follow=true")) && e.UserAgent == "chaperone" {
			last[e.RequestURI] = last[e.RequestURI] || e.Stage == "ResponseStarted"
			if e.Stage == "ResponseComplete" {
				delete(last, e.RequestURI)
			}
		}
	}
	return len(last)
}
