package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKubernetesDoctor: the check-up tells of clusters what is wrong and the fix,
// and production takes no credential that may do anything.
func TestKubernetesDoctor(t *testing.T) {
	cluster := sharedCluster.Start(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	_ = l.Close()
	dir := t.TempDir()
	kubeconfig := func(name, server, authority string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		text := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
			"clusters": [{"name": "c", "cluster": {"server": %q%s}}], "users": [{"name": "u", "user": {"token": "hunter2"}}]}`, server, authority)
		writeFiles(t, dir, map[string]string{name: text})
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	trusted := kubeconfig("wrong", cluster.URL, `, "insecure-skip-tls-verify": true`, 0o644)
	untrusted := kubeconfig("untrusted", cluster.URL, "", 0o600)
	gone := kubeconfig("gone", "https://"+nobody, "", 0o600)
	writeFiles(t, dir, map[string]string{
		"policy/p.rego": "package chaperone\n\nallow contains \"all\" if input.principal.subject != \"\"\n",
		"chaperone.yaml": fmt.Sprintf(`data_dir: ./state
policy: {paths: [./policy]}
connections:
  - {name: good, family: kubectl, labels: {env: prod}, kubectl: {kubeconfig: %q, impersonate: true}}
  - {name: admin, family: kubectl, labels: {env: prod}, kubectl: {kubeconfig: %q}}
  - {name: revoked, family: kubectl, kubectl: {kubeconfig: %q}}
  - {name: untrusted, family: kubectl, kubectl: {kubeconfig: %q}}
  - {name: gone, family: kubectl, kubectl: {kubeconfig: %q}}
  - {name: google, family: kubectl, kubectl: {gke: {project: p, location: l, cluster: c, credentials_file: /nowhere/key.json}}}
`, cluster.Impersonator, cluster.Kubeconfig, trusted, untrusted, gone),
	})
	config := filepath.Join(dir, "chaperone.yaml")
	out, stderr, code := chaperone(t, "doctor", "--config", config)
	if code != exitFailed || strings.Contains(out+stderr, "hunter2") {
		t.Errorf("it ends with %d: %s%s", code, out, stderr)
	}
	for _, want := range []string{
		"✓ connection good: Kubernetes v1.37.2 answers in ",
		"✗ connection admin: the connection is labelled as production and its credential may do anything",
		"✗ connection revoked: the API server does not accept the connection's credentials: it answers 401",
		"! connection revoked: others on this machine may read " + trusted,
		"chmod go-rwx " + trusted,
		"✗ connection untrusted: the API server's certificate is not one that the connection trusts",
		"✗ connection gone: the API server can't be reached: dial tcp " + nobody,
		"✗ connection google: Google gives no token for the connection's credentials: open /nowhere/key.json",
		"kubectl.gke.credentials_file",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	for name, want := range map[string]string{
		"admin": `Refused by rule "cluster-admin"`, "revoked": `Refused by rule "credentials"`, "untrusted": `Refused by rule "unreachable"`,
		"gone": `Refused by rule "unreachable"`, "google": `Refused by rule "credentials"`,
	} {
		out, stderr, code := chaperone(t, "call", "kubectl_read", "-c", name, "--config", config, "--", "get", "pods")
		if code != exitFailed || !strings.Contains(stderr, want) || strings.Contains(out+stderr, nobody) || strings.Contains(out+stderr, "hunter2") {
			t.Errorf("%s: %d %s%s", name, code, out, stderr)
		}
	}
}
