package kubectl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/chaperone-dev/chaperone/tools"
)

// describe is the plan of a change.
func (s *stage) describe(line, stdin string) *writePlan {
	s.t.Helper()
	plan, err := s.conn.Describe(s.t.Context(), s.request(line, stdin))
	if err != nil {
		s.t.Fatalf("kubectl %s: %v", line, err)
	}
	p, ok := plan.(*writePlan)
	if !ok {
		s.t.Fatalf("kubectl %s: %T", line, plan)
	}
	return p
}

// preview is what a change would do.
func (s *stage) preview(p *writePlan) *tools.Preview {
	s.t.Helper()
	preview, err := p.Preview(s.t.Context(), true)
	if err != nil {
		s.t.Fatal(err)
	}
	return preview
}

// patch changes an object of the stage as somebody else.
func (s *stage) patch(patch string) {
	s.t.Helper()
	_, err := s.client.AppsV1().Deployments(s.namespace).Patch(s.t.Context(), "web", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) replicas() int32 {
	s.t.Helper()
	d, err := s.client.AppsV1().Deployments(s.namespace).Get(context.Background(), "web", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return *d.Spec.Replicas
}

// TestDescribingTries a change on the server, which keeps nothing of it.
func TestDescribingTries(t *testing.T) {
	s := newStage(t)
	p := s.describe("apply -f -", webManifest)
	preview := s.preview(p)
	for _, want := range []string{"+++ deployments/" + s.namespace + "/web", "+  replicas: 2", "+  password: REDACTED", "value: REDACTED"} {
		if !strings.Contains(preview.Diff, want) {
			t.Errorf("the diff lacks %q:\n%s", want, preview.Diff)
		}
	}
	if strings.Contains(preview.Diff, "hunter2") || preview.Objects != 3 || !preview.Measured {
		t.Errorf("%+v", preview)
	}
	if out := s.must("get deploy,cm,secret -o name"); strings.Contains(out, "web") || strings.Contains(out, "db") {
		t.Errorf("describing made %s", out)
	}
	if _, err := s.run(p); err != nil {
		t.Fatal(err)
	}
	if out := s.must("get deploy,cm,secret -o name"); !strings.Contains(out, "deployment.apps/web") || !strings.Contains(out, "secret/db") {
		t.Errorf("running made %s", out)
	}
	for _, e := range s.audit() {
		change := e.Verb == "patch" || e.Verb == "create"
		tried := strings.Contains(e.RequestURI, "dryRun=All")
		if change && !tried && e.ResponseStatus != nil && e.ResponseStatus.Code >= 300 {
			t.Errorf("%+v", e)
		}
	}
}

// TestFactsOfObjects: what a policy asks about is in the facts.
func TestFactsOfObjects(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	f, ok := s.describe("scale deploy/web --replicas=7", "").Action().Facts.(*Facts)
	if !ok || len(f.Requests) != 1 || len(f.Objects) != 1 {
		t.Fatalf("%+v", f)
	}
	r, o := f.Requests[0], f.Objects[0]
	if r.Verb != "patch" || r.Resource != "deployments" || r.Subresource != "scale" || r.Name != "web" || r.Namespace != s.namespace || r.Group != "apps" {
		t.Errorf("%+v", r)
	}
	if o.Kind != "Deployment" || o.Replicas != 7 || o.Labels["app"] != "web" || o.Images[0] != "nginx:1" || o.Changed[0] != "spec.replicas" || o.Privileged || o.HostPath {
		t.Errorf("%+v", o)
	}
	bad := strings.Replace(webManifest, `image: "nginx:1"`, `image: "nginx:2", securityContext: {privileged: true}, volumeMounts: [{name: h, mountPath: /h}]`, 1)
	bad = strings.Replace(bad, "      containers:", "      volumes: [{name: h, hostPath: {path: /}}]\n      containers:", 1)
	f, _ = s.describe("apply -f -", bad).Action().Facts.(*Facts)
	if o := f.Objects[0]; !o.Privileged || !o.HostPath || o.Images[0] != "nginx:2" || len(o.Changed) < 2 {
		t.Errorf("%+v", o)
	}
}

// TestMovedTargets: a change runs on what was looked at, or not at all. What
// controllers do to an object meanwhile is no change of it.
func TestMovedTargets(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	p := s.describe("scale deploy/web --replicas=5", "")
	s.patch(`{"spec":{"replicas":3}}`)
	_, err := s.run(p)
	var r *tools.Refusal
	if !errors.As(err, &r) || r.Rule != "moved" || s.replicas() != 3 {
		t.Errorf("%v, %d replicas", err, s.replicas())
	}
	p = s.describe("scale deploy/web --replicas=5", "")
	_, err = s.client.AppsV1().Deployments(s.namespace).Patch(t.Context(), "web", types.MergePatchType, []byte(`{"status":{"observedGeneration":0}}`), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.run(p); err != nil || s.replicas() != 5 {
		t.Errorf("a status keeps it from running: %v", err)
	}
	p = s.describe("delete deploy web", "")
	s.must("delete deploy web")
	s.must("apply -f -", webManifest)
	if _, err := s.run(p); err == nil || s.replicas() != 2 {
		t.Errorf("another object of the same name was deleted: %v", err)
	}
	// What was to be new and is there now.
	p = s.describe("create configmap fresh --from-literal=a=b", "")
	s.must("create configmap fresh --from-literal=a=c")
	if _, err := s.run(p); err == nil || s.must("get cm fresh -o jsonpath={.data.a}") != "c" {
		t.Errorf("it was overwritten: %v", err)
	}
}

// TestHeldToWhatWasShown: an approval is for the change that was previewed, also
// when the command is rehearsed anew for it.
func TestHeldToWhatWasShown(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	for _, line := range []string{"rollout restart deploy/web", "scale deploy/web --replicas=4", "set image deploy/web web=nginx:9", "label deploy web team=a", "delete cm settings"} {
		shown := s.preview(s.describe(line, ""))
		again := s.describe(line, "")
		if _, err := s.run(again.HoldTo(shown, 0)); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	shown := s.preview(s.describe("scale deploy/web --replicas=8", ""))
	for _, other := range []string{"scale deploy/web --replicas=9", "delete deploy web"} {
		if _, err := s.run(s.describe(other, "").HoldTo(shown, 0)); err == nil {
			t.Errorf("%s ran by the approval of another change", other)
		}
	}
	s.patch(`{"metadata":{"labels":{"moved":"yes"}}}`)
	if _, err := s.run(s.describe("scale deploy/web --replicas=8", "").HoldTo(shown, 0)); err == nil || s.replicas() != 4 {
		t.Errorf("it ran although the object had changed: %v", err)
	}
}

// TestWhatGoesAlong: a deletion names what the garbage collector takes with it.
func TestWhatGoesAlong(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("rollout status deploy/web --timeout=20s")
	preview := s.preview(s.describe("delete deploy web", ""))
	kinds := map[string]int{}
	for _, d := range preview.Dependents {
		kinds[d.Kind]++
	}
	if kinds["replicasets"] != 1 || kinds["pods"] != 2 {
		t.Errorf("%+v", preview.Dependents)
	}
	if p := s.preview(s.describe("delete deploy web --cascade=orphan", "")); len(p.Dependents) != 0 {
		t.Errorf("orphans go along: %+v", p.Dependents)
	}
	// What belongs to something else than a workload is of any kind.
	settings, err := s.client.CoreV1().ConfigMaps(s.namespace).Get(t.Context(), "settings", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	owner := fmt.Sprintf(`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"settings","uid":%q}]}}`, settings.UID)
	s.patch(owner)
	if _, err := s.client.CoreV1().Secrets(s.namespace).Patch(t.Context(), "db", types.MergePatchType, []byte(owner), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	kinds = map[string]int{}
	for _, d := range s.preview(s.describe("delete cm settings", "")).Dependents {
		kinds[d.Kind]++
	}
	if kinds["deployments"] != 1 || kinds["secrets"] != 1 || kinds["pods"] != 2 || kinds["configmaps"] != 0 {
		t.Errorf("%v", kinds)
	}
	if w := s.preview(s.describe("delete namespace "+s.namespace, "")).Warnings; len(w) != 1 || !strings.Contains(w[0], "everything that is in it goes with namespaces/"+s.namespace) {
		t.Errorf("%q", w)
	}
}

// TestWhatMayNotBeListedIsNotNamed: who may delete an object need not be one who may
// list all that could belong to it.
func TestWhatMayNotBeListedIsNotNamed(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("create role deleter --verb=get,delete --resource=configmaps,deployments.apps")
	s.must("create rolebinding deleter --role=deleter --user=deleter@example.com")
	s.caller = tools.Caller{Subject: "deleter@example.com"}
	for _, line := range []string{"delete cm settings", "delete deploy web"} {
		if p := s.preview(s.describe(line, "")); len(p.Dependents) != 0 || p.Objects != 1 {
			t.Errorf("%s: %+v", line, p)
		}
		s.must(line)
	}
}

// TestEvictions: a drain is rehearsed pod by pod.
func TestEvictions(t *testing.T) {
	if testing.Short() {
		t.Skip("kubectl evicts pods side by side, and there races with itself over how it prints that")
	}
	s := newStage(t)
	for _, name := range []string{"one", "two"} { // other tests' pods are on that node, too
		s.must("run " + name + " --image=box --labels=stage=" + s.namespace)
	}
	s.must("wait --for=condition=Ready pod/one pod/two --timeout=20s")
	line := "drain node-1 --ignore-daemonsets --force --pod-selector=stage=" + s.namespace
	p := s.describe(line, "")
	f, _ := p.Action().Facts.(*Facts)
	evicted := 0
	for _, r := range f.Requests {
		if r.Subresource == "eviction" && r.Namespace == s.namespace {
			evicted++
		}
	}
	if evicted != 2 || p.Action().Effect != tools.Destroy {
		t.Errorf("%d pods, effect %s: %+v", evicted, p.Action().Effect, f.Requests)
	}
	// kubectl evicts them side by side: what was approved is the same drain again,
	// whichever comes first.
	state := s.preview(p).State
	for range 8 {
		if again := s.preview(s.describe(line, "")); again.State != state {
			t.Fatalf("the same drain has another state: %s", again.Diff)
		}
	}
}

// TestNewObjectsHaveNames: what is created is told by its name, as the server's
// audit log does, so that rules and approvers know what it will be.
func TestNewObjectsHaveNames(t *testing.T) {
	s := newStage(t)
	for line, want := range map[string]string{
		"create configmap new --from-literal=a=b": s.namespace + "/new ", "create namespace kube-new": "kube-new system",
		"create namespace kubernetes": "kubernetes ", "run box --image=box": s.namespace + "/box ", "create -f -": s.namespace + "/* ",
	} {
		stdin := ""
		if line == "create -f -" {
			stdin = "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: new-}\n"
		}
		s.gate.asked = nil
		a := s.describe(line, stdin).Action()
		f, _ := a.Facts.(*Facts)
		for _, r := range []Request{f.Requests[0], s.gate.asked[len(s.gate.asked)-1]} {
			if got := r.target().Name + " " + strings.Join(r.Classes, " "); got != want || r.Verb != "create" {
				t.Errorf("kubectl %s is to %s: %q, want %q", line, r, got, want)
			}
		}
		if got := a.Targets[0].Name + " "; !strings.HasPrefix(want, got) {
			t.Errorf("kubectl %s is about %s", line, got)
		}
	}
}

// TestNewNamesAreReadOnce: what the server takes for the name is the one that rules see.
func TestNewNamesAreReadOnce(t *testing.T) {
	for body, want := range map[string]string{
		`{"metadata":{"name":"kube-x"},"METADATA":{"name":"harmless"}}`: "kube-x", `{"metadata":{"name":"kube-x","Name":"harmless"}}`: "kube-x",
		`{"metadata":{"generateName":"x-"}}`: "", `{"metadata":{"name":"a/b"}}`: "", `{"metadata":[]}`: "", `[]`: "", ``: "",
	} {
		s := &sent{Request: Request{Verb: "create", Version: "v1", Resource: "namespaces"}, body: []byte(body)}
		if s.nameNew(); s.Name != want {
			t.Errorf("%s makes %q, want %q", body, s.Name, want)
		}
	}
}

// TestExec runs in the container what was judged, once it runs.
func TestExec(t *testing.T) {
	s := newStage(t)
	s.must("run box --image=box")
	s.must("wait --for=condition=Ready pod/box --timeout=20s")
	p := s.describe("exec box -- echo hello there", "")
	if f, _ := p.Action().Facts.(*Facts); strings.Join(f.Argv, " ") != "echo hello there" || f.Requests[0].Verb != "exec" || p.Action().Effect != tools.Destroy {
		t.Errorf("%+v", f)
	}
	if r, err := s.run(p); err != nil || r.Output != "hello there\n" {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := s.call("exec -i box -- cat", "from stdin"); err != nil || r.Output != "from stdin" {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := s.call("exec box -- false", ""); err == nil || !strings.Contains(err.Error(), "exit code 1") {
		t.Error(err)
	}
}

// TestKinds runs what is not repeatable, once each.
func TestKinds(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	for line, want := range map[string]string{
		"expose deploy web --port=80": "service/web exposed", "autoscale deploy web --max=3": "horizontalpodautoscaler.autoscaling/web autoscaled",
		"create configmap new --from-literal=a=b": "configmap/new created", "create role r --verb=get --resource=pods": "role.rbac.authorization.k8s.io/r created",
		"create serviceaccount sa": "serviceaccount/sa created", "create quota q --hard=pods=9": "resourcequota/q created",
		"create service clusterip svc --tcp=80:80": "service/svc created", "create job j --image=x": "job.batch/j created",
		"create deployment other --image=x": "deployment.apps/other created", "delete secret db": `secret "db" deleted from ` + s.namespace + " namespace",
		"rollout pause deploy/web": "deployment.apps/web paused", "set env deploy/web MODE=fast": "deployment.apps/web env updated",
		"set serviceaccount deploy web sa": "deployment.apps/web serviceaccount updated", "taint nodes node-1 test=x:PreferNoSchedule": "node/node-1 tainted",
		"create secret generic g --from-literal=p=q": "secret/g created", "set resources deploy web --limits=cpu=1": "deployment.apps/web resource requirements updated",
	} {
		if out := s.must(line); strings.TrimSpace(out) != want {
			t.Errorf("%s: %s", line, out)
		}
	}
	s.must("taint nodes node-1 test-")
	s.must("rollout resume deploy/web")
	s.must("set image deploy/web web=nginx:4")
	s.refusedBy("masked", "rollout undo deploy/web", "")
}
