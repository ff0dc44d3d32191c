package main

import (
	"strings"
	"testing"
)

// TestKubernetesPolicy asks for the facts of a change and for what policy says of
// it, whatever that is, and changes nothing.
func TestKubernetesPolicy(t *testing.T) {
	s := newClusterSite(t)
	deploy := []string{"--", "create", "deployment", "asked", "--image=nginx", "--replicas=9"}
	for _, c := range []struct {
		args, want []string
	}{
		{append([]string{"policy", "facts", "kubectl_write", "--as", "ann"}, deploy...), []string{`"subject": "ann"`, `"replicas": 9`, `"verb": "create"`}},
		{append([]string{"policy", "eval", "kubectl_write"}, deploy...), []string{"approve  kubectl create deployment asked", "by large"}},
		{[]string{"policy", "eval", "kubectl_write", "--", "create", "secret", "generic", "asked", "--from-literal=a=b"}, []string{"by secrets: secrets stay where they are"}},
		{[]string{"policy", "eval", "kubectl_read", "--", "get", "pods"}, []string{"allow  kubectl get pods (read)", "by reads"}},
	} {
		out, stderr, code := chaperone(t, append([]string{"--config", s.config}, c.args...)...)
		if code != exitOK {
			t.Errorf("%v ends with %d: %s", c.args, code, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%v does not say %q:\n%s", c.args, want, out)
			}
		}
	}
	if out := s.call("kubectl_read", "", "", "get", "deploy", "asked"); !strings.Contains(out, "NotFound") {
		t.Errorf("it was made: %s", out)
	}
}
