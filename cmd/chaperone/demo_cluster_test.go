package main

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

// clusterIs waits until the API server of a demo answers, or has ended.
func clusterIs(t *testing.T, dir string, running bool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "kubernetes", "admin.kubeconfig"))
	found := regexp.MustCompile(`server: (\S+)`).FindSubmatch(text)
	if err != nil || found == nil {
		t.Fatalf("where is it? %v", err)
	}
	server, err := url.Parse(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", server.Host)
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) == running {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("running should be %v: %v", running, err)
		}
	}
}

// TestDemoKubernetes plays the script with a cluster, and makes calls from another
// terminal while a demo with one is up.
func TestDemoKubernetes(t *testing.T) {
	cluster := kubectltest.Program(t)
	dir := demoFolder(t)
	out, stderr, code := chaperone(t, "demo", "--script", "--dir", dir, "--kubernetes", cluster)
	if code != exitOK {
		t.Fatalf("the script ended with %d: %s", code, stderr)
	}
	for _, want := range []string{
		"1/1     Running", "level=warn msg=\"retry\" job=invoice", "Image:      registry.example.com/shop/web:2.14.0",
		"api-key: REDACTED", "refused by no-shells: kubectl exec needs to exec pods/exec shop/api-", "instead: read the logs, or describe the pod",
		"refused by kube-system", "deployment.apps/web scaled",
		// The change that is held, and what the approver sees of it.
		"held by     changes-need-an-sre", "update 1 in shop/deployments (measured)", "-        image: registry.example.com/shop/web:2.14.0",
		"+        image: registry.example.com/shop/web:2.15.0", "approved by the demo's approver: the release is on today's plan\n   allowed\n   deployment.apps/web serverside-applied\n",
		// The one whose object moved while it waited.
		"approved by the demo's approver: go ahead\n   refused by moved: deployments.apps shop/api changed after the command was rehearsed.\n   instead: look at it again",
		// And as it stays on record.
		"asks for approval by 1 person of sre (changes-need-an-sre)", "approved by demo approver, by console: the release is on today's plan",
		"refused by moved: deployments.apps shop/api changed after the command was rehearsed\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the script does not show %q", want)
		}
	}
	if strings.Contains(out, "made-up") {
		t.Error("it shows what is in the Secret")
	}
	clusterIs(t, dir, false)

	cmd := startDemo(t, dir, "--kubernetes", cluster)
	clusterIs(t, dir, true)
	config := filepath.Join(dir, "chaperone.yaml")
	const rehearse = `, "dry_run": true`
	for _, c := range []struct{ tool, args, more, want string }{
		// It begins anew.
		{"kubectl_read", `["get", "deploy", "-o", "jsonpath={.items[*].spec.replicas}"]`, "", "2 2 1"},
		{"kubectl_read", `["get", "deploy", "-o", "wide"]`, "", "shop/web:2.14.0"},
		{"kubectl_read", `["get", "ns"]`, "", "kube-system"},
		{"kubectl_read", `["get", "pods", "-A"]`, "", "shop-only"},
		{"kubectl_read", `["auth", "can-i", "delete", "deploy"]`, "", "yes"},
		{"kubectl_write", `["scale", "deploy", "web", "--replicas=0"]`, rehearse, "changes-need-an-sre"},
		{"kubectl_write", `["scale", "deploy", "--all", "--replicas=5"]`, rehearse, "changes-need-an-sre"},
		{"kubectl_write", `["create", "rolebinding", "me", "--clusterrole=admin", "--user=me"]`, rehearse, "no-rights"},
		{"kubectl_write", `["label", "ns", "default", "a=b"]`, rehearse, "shop-only"},
	} {
		out, stderr, _ := chaperone(t, "--config", config, "call", c.tool, "-r", "to see", "--args", `{"args": `+c.args+c.more+`}`)
		if !strings.Contains(out+stderr, c.want) {
			t.Errorf("%s does not say %q: %s%s", c.args, c.want, out, stderr)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the demo ended with %v", err)
	}
	clusterIs(t, dir, false)
	serverIs(t, dir, false)

	// Killed, it takes its cluster along.
	cmd = startDemo(t, dir, "--kubernetes", cluster)
	clusterIs(t, dir, true)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	clusterIs(t, dir, false)
	if out, stderr, code := chaperone(t, "demo", "--reset", "--dir", dir); code != exitOK || !strings.Contains(out, "removed") {
		t.Fatalf("the reset ended with %d: %s", code, stderr)
	}
}
