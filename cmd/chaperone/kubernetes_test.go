package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/server/identity"
	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

const clusterPolicy = `package chaperone

allow contains "reads" if input.action.effect == "read"

allow contains "small changes" if {
	input.action.effect == "write"
	every r in input.kubectl.requests { r.namespace == "default" }
}

deny contains {"rule": "secrets", "message": "secrets stay where they are", "hint": "name the other objects"} if {
	some r in input.kubectl.requests
	"secret" in r.classes
}

approve contains {"rule": "large", "groups": ["ops"]} if {
	some o in input.kubectl.objects
	o.replicas > 5
}

approve contains {"rule": "gone", "groups": ["ops"]} if input.action.effect == "destroy"
`

// sharedCluster is the Kubernetes cluster of the package's tests.
var sharedCluster kubectltest.Host

// clusterSite is a served gateway before a Kubernetes cluster.
type clusterSite struct {
	t      *testing.T
	config string
	agent  *demo.Client
	person *demo.Person
	// namespace is a test's own, where it has one.
	namespace string
}

func newClusterSite(t *testing.T) *clusterSite {
	t.Helper()
	cluster := sharedCluster.Start(t)
	dir := t.TempDir()
	agent, agentHash := identity.NewToken()
	person, personHash := identity.NewToken()
	writeFiles(t, dir, map[string]string{
		"policy/p.rego": clusterPolicy,
		"chaperone.yaml": fmt.Sprintf(`data_dir: ./state
policy: {paths: [./policy]}
server: {listen: "127.0.0.1:0"}
approvals: {hold: 30s}
identity:
  tokens:
    - {hash: %q, subject: alice, groups: [developers]}
    - {hash: %q, subject: ben, groups: [ops]}
connections:
  - name: cluster
    family: kubectl
    labels: {env: test}
    kubectl: {kubeconfig: %q, namespaces: [default]}
`, agentHash, personHash, cluster.Kubeconfig),
	})
	s := &clusterSite{t: t, config: dir + "/chaperone.yaml"}
	_, mcp, site := started(t, s.config)
	var err error
	if s.agent, err = demo.Connect(t.Context(), mcp, agent); err != nil {
		t.Fatal(err)
	}
	if s.person, err = demo.SignIn(t.Context(), strings.TrimSuffix(site, "/console/"), person); err != nil {
		t.Fatal(err)
	}
	return s
}

// call makes a call of the words, and returns the reply as text.
func (s *clusterSite) call(tool, stdin, reason string, words ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := map[string]any{"args": words, "reason": reason}
	if stdin != "" {
		args["stdin"] = stdin
	}
	reply, err := s.agent.Call(ctx, tool, args)
	if err != nil {
		return "failed: " + err.Error()
	}
	return reply.Text
}

// held makes a call that is held, and has it answered.
func (s *clusterSite) held(verdict string, words ...string) string {
	s.t.Helper()
	done := make(chan string, 1)
	go func() { done <- s.call("kubectl_write", "", "ticket 9", words...) }()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	id, err := s.person.Waiting(ctx, "kubectl "+strings.Join(words, " "))
	if err == nil {
		err = s.person.Answer(ctx, id, verdict, "")
	}
	if err != nil {
		s.t.Fatalf("%v: %v, %s", words, err, <-done)
	}
	return <-done
}

// TestKubernetes plays a session before a real API server: reads, a refusal, a
// change, and changes that people answer.
func TestKubernetes(t *testing.T) {
	s := newClusterSite(t)
	const read, write = "kubectl_read", "kubectl_write"
	says := func(got string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("it does not say %q: %s", w, got)
			}
		}
	}
	says(s.call(write, "", "ticket 9", "create", "deployment", "web", "--image=nginx", "--replicas=2"), `deployment.apps/web created\n`)
	says(s.call(read, "", "", "rollout", "status", "deploy/web", "--timeout=20s"), "successfully rolled out")
	says(s.call(read, "", "", "get", "pods", "-l", "app=web"), "Running")
	says(s.call(read, "", "", "get", "secrets"), `"status":"refused"`, `"rule":"secrets"`, "name the other objects")
	says(s.call(read, "", "", "get", "pods", "-A"), `"rule":"namespace"`, "it reaches default")
	says(s.call(read, "", "", "delete", "deploy", "web"), `"rule":"tool"`, "use kubectl_write")
	says(s.call(write, "", "ticket 9", "scale", "deploy/web", "--replicas=3"), `deployment.apps/web scaled\n`)
	says(s.held("approve", "scale", "deploy/web", "--replicas=7"), `deployment.apps/web scaled\n`)
	says(s.call(read, "", "", "get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"), `"output":"7"`)
	says(s.held("deny", "delete", "deploy", "web"), `"rule":"approval-denied"`)
	says(s.held("approve", "delete", "deploy", "web"), `deployment.apps \"web\" deleted`)
	says(s.call(read, "", "", "get", "deploy", "web"), "NotFound")
	for _, c := range []struct {
		want []string
		args []string
	}{
		{[]string{"verified: "}, []string{"sessions", "verify"}},
		{[]string{"kubectl scale deploy/web --replicas=7", "+  replicas: 7", "approved by ben"}, []string{"replay"}},
	} {
		out, stderr, code := chaperone(t, append(c.args, "--config", s.config)...)
		if code != exitOK {
			t.Errorf("%v ends with %d: %s", c.args, code, stderr)
		}
		says(out, c.want...)
	}
}
