package kubectl

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

// formats are all ways of kubectl's to print an object.
var printed = []string{
	"-o yaml", "-o json", "-o wide", "-o name", "-o kyaml", "", "--show-labels", "--show-managed-fields -o yaml", "-o jsonpath={.data}",
	"-o jsonpath={.data.password}", "-o jsonpath={..password}", "-o jsonpath={.metadata.annotations}", "-o jsonpath-as-json={.data}",
	"-o 'go-template={{range $k, $v := .data}}{{$v}} {{end}}'", "-o 'go-template={{.data.password | base64decode}}'",
	"-o custom-columns=P:.data.password", "-o 'jsonpath={.items[?(@.data.password)].data}'", "--server-print=false", "-o 'jsonpath={range .items[*]}{.data}{end}'",
}

// TestSecretsInNoFormat: no way of printing a Secret shows its data, nor that of
// one which kubectl applied, nor does a variable's.
func TestSecretsInNoFormat(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	notes := `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"data\":{\"password\":\"aHVudGVyMg==\"}}"}}}`
	s.must("annotate secret db note=1 --overwrite")
	if _, err := s.client.CoreV1().Secrets(s.namespace).Patch(t.Context(), "db", "application/merge-patch+json", []byte(notes), patchOptions); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"secret db", "secret", "secrets -A", "secret/db deploy/web", "deploy web", "secret,deploy,cm"} {
		for _, format := range printed {
			r, err := s.call("get "+what+" "+format, "")
			out := ""
			if err == nil {
				out = r.Output + r.Errors
			} else {
				out = err.Error()
			}
			for _, leak := range []string{"hunter2", "aHVudGVyMg"} {
				if strings.Contains(out, leak) {
					t.Errorf("get %s %s shows %s:\n%s", what, format, leak, out)
				}
			}
		}
	}
	for _, line := range []string{"describe secret db", "describe deploy web", "describe secret", "get events", "get all -o yaml"} {
		if out := s.must(line); strings.Contains(out, "hunter2") || strings.Contains(out, "aHVudGVyMg") {
			t.Errorf("%s:\n%s", line, out)
		}
	}
}

// TestMaskedFieldsTellNothing: a field that policy masks can't be found out by an
// order, a filter or a condition either.
func TestMaskedFieldsTellNothing(t *testing.T) {
	s := newStage(t)
	s.must("create configmap a --from-literal=pin=1111")
	s.must("create configmap b --from-literal=pin=2222")
	s.gate.masks = maskOf{"configmaps.data.pin": true}
	for _, format := range printed {
		if r, err := s.call("get cm "+format, ""); err == nil && (strings.Contains(r.Output, "1111") || strings.Contains(r.Output, "2222")) {
			t.Errorf("%s:\n%s", format, r.Output)
		}
	}
	one, other := s.must("get cm a b --sort-by=.data.pin -o name"), s.must("get cm b a --sort-by=.data.pin -o name")
	if strings.Fields(one)[0] == strings.Fields(other)[0] {
		t.Errorf("the order tells which is smaller: %s %s", one, other)
	}
	if out := s.must(`get cm a b -o 'jsonpath={.items[?(@.data.pin=="1111")].metadata.name}'`); out != "" {
		t.Errorf("a filter finds it: %s", out)
	}
	if _, err := s.call("wait cm/a --for=jsonpath={.data.pin}=1111 --timeout=1s", ""); err == nil {
		t.Error("a condition finds it")
	}
}

// TestRulesSayWhy: a request that a rule denies is refused in the rule's words.
func TestRulesSayWhy(t *testing.T) {
	s := newStage(t)
	s.must("run box --image=box")
	s.gate.allows = func(r Request) bool { return r.Verb != "exec" }
	s.refusedBy("policy", "exec box -- id", "")
	s.gate.says = &tools.Refusal{Rule: "no-shells", Reason: "commands are for people", Hint: "read the logs"}
	_, err := s.call("exec box -- id", "")
	var r *tools.Refusal
	if !errors.As(err, &r) || r.Rule != "no-shells" || r.Hint != "read the logs" || r.Reason != "kubectl exec needs to exec pods/exec "+s.namespace+"/box: commands are for people" {
		t.Errorf("%v", err)
	}
}

// TestNamespaces: a connection that is bound to some reaches no others.
func TestNamespaces(t *testing.T) {
	s := newStage(t)
	bound := newStage(t, func(c *Config) { c.Namespaces = []string{c.Namespace} })
	s.must("create configmap hidden --from-literal=a=b")
	for _, line := range []string{
		"get cm -n " + s.namespace, "get cm -A", "get ns", "get ns kube-system", "get cm hidden -n " + s.namespace, "delete cm hidden -n " + s.namespace,
		"create ns evil", "cordon node-1", "describe ns kube-system", "get secrets -n kube-system", "create clusterrole x --verb=get --resource=pods",
	} {
		bound.refusedBy("namespace", line, "")
	}
	bound.must("get cm")
	bound.must("get ns " + bound.namespace)
	bound.must("create configmap own --from-literal=a=b")
	bound.must("auth can-i get pods")
	bound.must("api-resources")
	bound.must("describe cm own")
	clusterScoped := []string{"get nodes", "get node node-1", "get pv", "get clusterroles", "get crd", "get storageclass"}
	for _, line := range clusterScoped {
		bound.refusedBy("namespace", line, "")
	}
	wide := newStage(t, func(c *Config) { c.Namespaces, c.ClusterScoped = []string{c.Namespace}, true })
	for _, line := range append(clusterScoped, "get ns", "get ns kube-system") {
		if _, err := wide.call(line, ""); err != nil {
			t.Errorf("kubectl %s, where what is in no namespace may be read: %v", line, err)
		}
	}
	// To describe a node reads the pods on it, of all namespaces.
	for _, line := range []string{"describe node node-1", "get cm -n " + s.namespace, "get cm -A", "cordon node-1", "create ns evil", "delete ns " + s.namespace, "get secrets -n kube-system"} {
		wide.refusedBy("namespace", line, "")
	}
}

// TestImpersonation: the API server hears who calls, whatever the arguments say,
// and nobody is nobody.
func TestImpersonation(t *testing.T) {
	s := newStage(t)
	if out := s.must("auth whoami"); !strings.Contains(out, s.caller.Subject) {
		t.Error(out)
	}
	weak := newStage(t)
	weak.caller.Groups = []string{"developers"}
	if _, err := weak.call("get pods", ""); err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("without rights: %v", err)
	}
	weak.caller = tools.Caller{}
	weak.refusedBy("identity", "get pods", "")
	for _, caller := range []tools.Caller{
		{Subject: "system:admin"}, {Subject: "jane", Groups: []string{"developers", "system:masters"}}, {Subject: "jane", Groups: []string{"System:Masters"}},
		{Subject: "system:serviceaccount:kube-system:generic-garbage-collector"},
	} {
		weak.caller = caller
		weak.refusedBy("identity", "get pods", "")
		weak.refusedBy("identity", "exec web -- ls", "")
	}
}

// TestBounds: what would go on for ever ends, what is long is cut, and who is
// gone is not waited for.
func TestBounds(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Timeout = 2 * time.Second })
	s.must("run box --image=box")
	s.must("wait --for=condition=Ready pod/box --timeout=20s")
	for _, line := range []string{"logs box -f", "get pods -w"} {
		if r, err := s.call(line, ""); err != nil || !r.Truncated || r.Output == "" {
			t.Errorf("%s: %+v %v", line, r, err)
		}
	}
	plan, err := s.conn.Describe(t.Context(), s.request("get pods -o yaml", ""))
	if err != nil {
		t.Fatal(err)
	}
	r, err := plan.Run(t.Context(), s.gate, tools.Limits{Bytes: 100})
	if err != nil {
		t.Fatal(err)
	}
	if out, ok := r.(*result); !ok || !out.Truncated || len(out.Output) > 100 {
		t.Errorf("%+v", r)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := plan.Run(gone, s.gate, tools.Limits{}); err == nil {
		t.Error("it ran for nobody")
	}
}

// TestErrorsAreKubectls.
func TestErrorsAreKubectls(t *testing.T) {
	s := newStage(t)
	_, err := s.call("get pod nothing", "")
	var f *tools.Failure
	if !errors.As(err, &f) || f.Message != `Error from server (NotFound): pods "nothing" not found` {
		t.Errorf("%v", err)
	}
	_, err = s.call("apply -f -", "kind: [")
	var r *tools.Refusal
	if !errors.As(err, &r) || !strings.Contains(r.Reason, "STDIN") {
		t.Errorf("%v", err)
	}
}

// TestKindsThatComeLater are known as soon as they are asked for.
func TestKindsThatComeLater(t *testing.T) {
	s := newStage(t)
	kind := "late" + strings.ReplaceAll(s.namespace, "-", "")
	if r, err := s.call("get "+kind+"s", ""); err == nil || !strings.Contains(err.Error(), "the server doesn't have a resource type") {
		t.Fatalf("%+v %v", r, err)
	}
	s.ownKind(kind)
	var err error
	for start := time.Now(); time.Since(start) < 20*time.Second; {
		// The server itself needs a moment to tell of it.
		if _, err = s.call("get "+kind+"s", ""); err == nil {
			return
		}
	}
	t.Error(err)
}
