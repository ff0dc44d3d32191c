package kubectl

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/chaperone-dev/chaperone/tools"
)

// folders and times are what a diff of kubectl's says of its files, which are in
// folders of their own; what is tried gets another uid each time.
var folders, times = regexp.MustCompile(`\S*/(LIVE|MERGED)-\d+/`), regexp.MustCompile(`\t\d{4}-.*|uid: .*`)

func plainDiff(text string) string {
	return times.ReplaceAllString(folders.ReplaceAllString(text, "$1/"), "")
}

// TestDiffIsKubectls: the same lines and the same exit codes.
func TestDiffIsKubectls(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", seed)
	s.must("rollout status deploy/web --timeout=30s")
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(seed) }
	for name, c := range map[string]struct{ line, stdin string }{
		"nothing":      {"diff --server-side -f -", seed},
		"one field":    {"diff --server-side -f -", change("replicas: 3", "replicas: 5")},
		"several":      {"diff --server-side -f -", change("nginx:1", "nginx:2", "mode: fast", "mode: slow", `"0 3 * * *"`, `"0 4 * * *"`, "pods: 50", "pods: 60")},
		"new objects":  {"diff --server-side -f -", change("name: settings", "name: other", "{name: robot}", "{name: second}")},
		"long text":    {"diff --server-side -f -", change(`line one\nline two\n`, `line one\nline 1.5\nline two\nline three\n`)},
		"gone fields":  {"diff --server-side -f -", change(", tier: front", "", ", env: [{name: MODE, value: fast}]", "")},
		"more fields":  {"diff --server-side -f -", change("tier: front", "tier: front, team: a, zone: b", "value: fast}", "value: fast}, {name: EXTRA, value: more}")},
		"selected":     {"diff --server-side -f - -l tier=front", change("replicas: 3", "replicas: 5", "mode: fast", "mode: slow")},
		"managed":      {"diff --server-side -f - --show-managed-fields", change("mode: fast", "mode: slow")},
		"a conflict":   {"diff --server-side -f - --field-manager=else", change("replicas: 3", "replicas: 5")},
		"forced":       {"diff --server-side -f - --field-manager=else --force-conflicts", change("replicas: 3", "replicas: 5")},
		"wrong values": {"diff --server-side -f -", change("replicas: 3", "replicas: -3")},
		"wrong fields": {"diff --server-side -f -", change("replicas: 3", "replica: 3")},
		"no kind":      {"diff --server-side -f -", "apiVersion: v1\nmetadata: {name: x}\n"},
	} {
		want, wantErr, code := s.kubectl(s.namespace, c.line, c.stdin)
		r, err := s.call(strings.Replace(c.line, " --server-side", "", 1), c.stdin)
		switch {
		case err != nil && (code <= 1 || want != ""):
			t.Errorf("%s: %v; kubectl ends with %d and says %s%s", name, err, code, want, wantErr)
		case err != nil:
			if !strings.Contains(normal(wantErr), normal(strings.SplitN(err.Error(), "\n", 2)[0])) {
				t.Errorf("%s: %v\nand kubectl says %s", name, err, wantErr)
			}
		case r.ExitCode != code || normal(plainDiff(r.Output)) != normal(plainDiff(want)) || r.Errors != wantErr:
			t.Errorf("%s ends with %d and prints\n%s%s\nand kubectl with %d\n%s%s", name, r.ExitCode, r.Output, r.Errors, code, want, wantErr)
		}
	}
	if out := s.must("get deploy web -o jsonpath={.spec.replicas}"); out != "3" {
		t.Errorf("it changed something: %s", out)
	}
}

// TestDiffIsATrial: what goes out is told as one, has the effect of a read, and is
// judged; and no file is left or program run for it.
func TestDiffIsATrial(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", seed)
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("KUBECTL_EXTERNAL_DIFF", "touch "+filepath.Join(os.TempDir(), "ran"))
	s.gate.asked = nil
	manifest := strings.Replace(seed, "replicas: 3", "replicas: 5", 1)
	plan, err := s.conn.Describe(t.Context(), s.request("diff -f -", manifest))
	if err != nil {
		t.Fatal(err)
	}
	if a := plan.Action(); a.Effect != tools.Read {
		t.Errorf("%+v", a)
	}
	r, err := s.run(plan)
	if err != nil || r.ExitCode != 1 || !strings.Contains(r.Output, "+  replicas: 5") {
		t.Fatalf("%+v %v", r, err)
	}
	tries := 0
	for _, asked := range s.gate.asked {
		if asked.effect() != tools.Read || asked.DryRun != (asked.Verb == "patch") {
			t.Errorf("%+v is a %s", asked, asked.effect())
		}
		if asked.DryRun {
			tries++
		}
	}
	if tries != strings.Count(seed, "kind: ") {
		t.Errorf("%d objects were tried", tries)
	}
	for _, e := range s.audit() {
		if e.Verb == "patch" && !strings.Contains(e.RequestURI, "dryRun=All") && strings.Contains(e.UserAgent, "diff") {
			t.Errorf("%+v", e)
		}
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v %v", left, err)
	}
	// What policy does not let be tried is not, and what may not be read is not
	// shown by it.
	for _, verb := range []string{"patch", "get"} {
		s.gate.allows = func(r Request) bool { return r.Verb != verb || r.Resource != "configmaps" }
		s.refusedBy("policy", "diff -f -", seed)
	}
}

// TestOnlyDiffTries: no other command may pass a change off as a trial.
func TestOnlyDiffTries(t *testing.T) {
	s := newStage(t)
	r := Request{Verb: "patch", Version: "v1", Resource: "configmaps", Namespace: s.namespace, Name: "x", DryRun: true}
	for _, name := range []string{"get", "apply", "patch"} {
		if _, err := ask(t.Context(), s.gate, command{name: name}, r); err == nil {
			t.Errorf("%s may", name)
		}
	}
	for uri, want := range map[string]bool{
		"?dryRun=All": true, "": false, "?dryRun=": false, "?dryRun=all": false, "?dryRun=All&dryRun=": false, "?dryRun=All&dryRun=All": false,
		"/scale?dryRun=All": false,
	} {
		path, query, _ := strings.Cut("/apis/apps/v1/namespaces/a/deployments/b"+uri, "?")
		if got := requestOf(t, "PATCH", path, query); got.DryRun != want || (got.effect() == tools.Read) != want {
			t.Errorf("%s: %+v", uri, got)
		}
	}
	if got := requestOf(t, "DELETE", "/api/v1/namespaces/a/pods/b", "dryRun=All"); got.effect() != tools.Destroy {
		t.Errorf("%+v", got)
	}
}

// TestDiffIsNoOracle: no manifest finds out what is masked by guessing.
func TestDiffIsNoOracle(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.gate.masks = maskOf{"configmaps.data.host": true}
	right, wrong := "hunter2", "hunter3"
	for _, manifest := range []string{
		"apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: %}\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {password: aHVudGVyMg==}\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata: {password: REDACTED}\n",
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {host: %}\n",
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {host: '***'}}\n",
		strings.Replace(webManifest, "hunter2", "%", 1),
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{\"kind\":\"ConfigMap\",\"data\":{\"host\":\"x\"}}'}}\n",
	} {
		for _, guess := range []string{right, wrong} {
			for _, flags := range []string{"", " --force-conflicts", " --field-manager=else", " --show-managed-fields"} {
				s.refusedBy("masked", "diff -f -"+flags, strings.ReplaceAll(manifest, "%", guess))
			}
		}
	}
	// What does not state it may be compared, and shows nothing.
	r, err := s.call("diff -f -", "apiVersion: v1\nkind: Secret\nmetadata: {name: db, labels: {x: hunter2}}\n")
	if err != nil || r.ExitCode != 1 || strings.Contains(r.Output, "aHVudGVyMg") || !strings.Contains(r.Output, "+    x: hunter2") {
		t.Errorf("%+v %v", r, err)
	}
	r, err = s.call("diff -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {mode: slow}\n")
	if err != nil || strings.Contains(r.Output, "db.internal") || !strings.Contains(r.Output, "-  host: '***'") {
		t.Errorf("%+v %v", r, err)
	}
	// An error may quote the object: of one with something masked it is not shown.
	s.must("run box --image=box --env=DB_PASSWORD=hunter2")
	_, err = s.call("diff -f - --force-conflicts", "apiVersion: v1\nkind: Pod\nmetadata: {name: box}\nspec: {nodeName: other, containers: [{name: box, image: box}]}\n")
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("%v", err)
	}
}

// TestDiffOfOwnKinds: what a kind of somebody's own makes of names is not known, so
// that a value that is masked by its name could get another.
func TestDiffOfOwnKinds(t *testing.T) {
	s := newStage(t)
	kind := "thing" + strings.ReplaceAll(s.namespace, "-", "")
	s.ownKind(kind)
	s.conn.open.discovery.Invalidate()
	thing := func(name, value string) string {
		return "{apiVersion: own.example.com/v1, kind: " + kind + ", metadata: {name: a}, spec: {auth: {name: " + name + value + "}}}"
	}
	client := dynamic.NewForConfigOrDie(s.admin).Resource(schema.GroupVersionResource{Group: "own.example.com", Version: "v1", Resource: kind + "s"}).Namespace(s.namespace)
	create := func(name string) {
		o := map[string]any{"apiVersion": "own.example.com/v1", "kind": kind, "metadata": map[string]any{"name": "a"}, "spec": map[string]any{"auth": map[string]any{"name": name, "value": "hunter2"}}}
		if _, err := client.Create(t.Context(), &unstructured.Unstructured{Object: o}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	create("PASSWORD")
	s.refusedBy("masked", "diff -f - --force-conflicts", thing("x", ""))
	if err := client.Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	create("MODE")
	if r, err := s.call("diff -f - --force-conflicts", thing("x", "")); err != nil || !strings.Contains(r.Output, "+    name: x") {
		t.Errorf("%+v %v", r, err)
	}
}

// TestStated finds what a manifest says of what is masked, whatever that is.
func TestStated(t *testing.T) {
	m := maskOf{"configmaps.data.pin": true}
	for text, want := range map[string]string{
		`{"kind":"ConfigMap","data":{"pin":"1"}}`: "data.pin", `{"kind":"ConfigMap","data":{"pin":"***"}}`: "data.pin", `{"kind":"ConfigMap","data":{"pin":1}}`: "data.pin",
		`{"kind":"ConfigMap","data":{"pin":null}}`: "", `{"kind":"ConfigMap","data":{"mode":"***","x":"REDACTED"}}`: "",
		`{"apiVersion":"v1","kind":"Secret","data":{"a":"REDACTED"}}`: "data.a", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}`: "",
		`{"kind":"X","env":[{"name":"A","value":"b"},{"name":"TOKEN","value":"REDACTED"}]}`: "env.value", `{"kind":"X","env":[{"name":"TOKEN","valueFrom":{}}]}`: "",
	} {
		object, err := decode([]byte(text))
		if got := strings.Join(stated("configmaps", m, object), " "); err != nil || got != want {
			t.Errorf("%s: %q %v", text, got, err)
		}
	}
}

// requestOf is a request as the API server names it.
func requestOf(t *testing.T, method, path, query string) Request {
	t.Helper()
	got, _, err := nameRequest(&http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}})
	if err != nil {
		t.Fatal(err)
	}
	return got
}
