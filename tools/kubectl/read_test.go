package kubectl

import (
	"context"
	"errors"
	"slices"
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

// TestEachRequestIsAllowed: what a command asks for on the way is judged, and
// what is not allowed does not go out. The API server's own log says so.
func TestEachRequestIsAllowed(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("rollout status deploy/web --timeout=20s")
	s.must("run box --image=box")
	before := len(s.audit())
	allowed := func(r Request) bool {
		return r.Namespace == s.namespace && r.effect() == tools.Read && slices.Contains([]string{"pods", "deployments"}, r.Resource) && r.Subresource == ""
	}
	s.gate.allows = allowed
	for _, c := range []struct{ line, stdin string }{
		{"describe pod", ""}, {"describe deploy web", ""}, {"logs deploy/web", ""}, {"logs web", ""}, {"logs -l app=web", ""}, {"events", ""},
		{"rollout history deploy/web", ""}, {"delete pod --all", ""}, {"delete deploy web", ""}, {"scale deploy/web --replicas=0", ""},
		{"rollout restart deploy/web", ""}, {"rollout undo deploy/web", ""}, {"set image deploy/web web=evil", ""}, {"label deploy web a=b", ""},
		{"annotate deploy web a=b", ""}, {"apply -f -", webManifest}, {"create -f -", webManifest}, {"replace -f -", webManifest},
		{"delete -f -", webManifest}, {"create token default", ""}, {"create ns x", ""}, {"run x --image=y", ""}, {"expose deploy web --port=80", ""},
		{"autoscale deploy web --max=3", ""}, {"drain node-1 --ignore-daemonsets --force", ""}, {"cordon node-1", ""}, {"taint nodes node-1 a=b:NoSchedule", ""},
		{"exec box -- id", ""}, {"patch deploy web -p '{\"spec\":{\"replicas\":0}}'", ""}, {"patch deploy web --subresource=status -p '{\"status\":{}}'", ""},
		{"create clusterrolebinding x --clusterrole=cluster-admin --user=me", ""}, {"auth can-i list secrets", ""}, {"create rolebinding x --clusterrole=admin --user=me", ""},
		{"apply -f -", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: x}}\n"},
		{"apply -f -", "apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: kube-system}\nspec: {containers: [{name: a, image: b}]}\n"},
		{"create -f -", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\nspec: {containers: [{name: a, image: b}]}\n"},
		{"create -f -", "apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}\n"},
		{"apply -f - --force-conflicts", webManifest}, {"patch node node-1 -p '{\"spec\":{\"unschedulable\":true}}'", ""},
		{"patch pod box --subresource=ephemeralcontainers -p '{\"spec\":{\"ephemeralContainers\":[{\"name\":\"e\",\"image\":\"e\"}]}}'", ""},
		{"patch deploy web --type=json -p '[{\"op\":\"test\",\"path\":\"/spec/replicas\",\"value\":2}]'", ""},
		{"create -f -", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: secrets.evil.example}\n"},
	} {
		s.governed(c.line, c.stdin)
	}
	for _, e := range s.audit()[before:] {
		if e.ObjectRef.Resource == "" {
			continue // what the server has to offer
		}
		r := Request{Verb: e.Verb, Resource: e.ObjectRef.Resource, Subresource: e.ObjectRef.Subresource, Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name}
		if !allowed(r) {
			t.Errorf("the API server was asked to %s (%s)", r, e.RequestURI)
		}
	}
	if s.replicas() != 2 {
		t.Error("the deployment changed")
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

// governed makes a call as the gateway does: what a plan begins with is judged
// before it runs.
func (s *stage) governed(line, stdin string) {
	s.t.Helper()
	plan, err := s.conn.Describe(s.t.Context(), s.request(line, stdin))
	if err != nil {
		return
	}
	f, ok := plan.Action().Facts.(*Facts)
	if !ok || slices.ContainsFunc(f.Requests, func(r Request) bool { return !s.gate.allows(r) }) {
		return
	}
	_, _ = s.run(plan)
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
