package kubectl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"text/template"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/chaperone-dev/chaperone/tools"
)

// TestRedirectsStayOnTheServer: what the API server points to elsewhere gets
// neither the request nor the credential, and neither does discovery.
func TestRedirectsStayOnTheServer(t *testing.T) {
	var reached atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	k, err := newCluster(&rest.Config{Host: server.URL, BearerToken: "hunter2"}, &Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.discovery.ServerVersion()
	if r := new(*tools.Refusal); !errors.As(err, r) || reached.Load() != 0 {
		t.Errorf("discovery: %v, and the other server got %d requests", err, reached.Load())
	}
	client := &http.Client{Transport: k.credential}
	if response, err := client.Get(server.URL + "/api/v1/pods"); err == nil {
		_ = response.Body.Close()
		t.Error("it was sent on")
	}
	if reached.Load() != 0 {
		t.Errorf("the other server got %d requests", reached.Load())
	}
}

// TestSortingDoesNotEndTheProcess: kubectl leaves by its log where values have no
// order.
func TestSortingDoesNotEndTheProcess(t *testing.T) {
	s := newStage(t)
	s.must("create configmap a --from-literal=k=v")
	s.must("create configmap b --from-literal=k=v")
	for _, path := range []string{"{.metadata}", "{.data}", "{.metadata.labels}"} {
		if r, err := s.call("get cm -o name --sort-by="+path, ""); err == nil && r.ExitCode == 0 && !strings.Contains(r.Output, "configmap/a") {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

// TestPatchesBringNothingOut of what is masked, by the preview or by what the
// server says against them.
func TestPatchesBringNothingOut(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("run box --image=box --env=DB_PASSWORD=hunter2")
	s.must("wait --for=condition=Ready pod/box --timeout=20s")
	for _, line := range []string{
		`patch secret db --type=json -p '[{"op":"copy","from":"/data/password","path":"/metadata/labels"}]'`,
		`patch secret db --type=json -p '[{"op":"move","from":"/data/password","path":"/type"}]'`,
		`patch secret db --type=json -p '[{"op":"test","path":"/data/password","value":"aHVudGVyMg=="}]'`,
		`patch deploy web --type=json -p '[{"op":"replace","path":"/spec/template/spec/containers/0/env/0/name","value":"X"}]'`,
		`patch deploy web --type=json -p '[{"OP":"add","op":"test","path":"/metadata/labels/app","value":"web"}]'`,
	} {
		s.refusedBy("patch", line, "")
	}
	s.must(`patch deploy web --type=json -p '[{"op":"add","path":"/metadata/labels/x","value":"y"}]'`)
	_, err := s.call(`patch pod box -p '{"spec":{"containers":[{"name":"box","env":[{"name":"DB_PASSWORD","value":"x"}]}]}}'`, "")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

// TestWarningsQuoteNothing: a rule of the cluster may warn with what is in an object.
func TestWarningsQuoteNothing(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("apply -f -", strings.ReplaceAll(`{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: STAGE}, spec: {
		matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [UPDATE], resources: [secrets, configmaps]}]},
		validations: [{expression: 'false', messageExpression: "'it holds ' + object.data.map(k, k + '=' + object.data[k]).join(',')"}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: STAGE}, spec: {policyName: STAGE,
		validationActions: [Warn], matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: STAGE}}}}}`, "STAGE", s.namespace))
	t.Cleanup(func() {
		admission := kubernetes.NewForConfigOrDie(s.admin).AdmissionregistrationV1()
		_ = admission.ValidatingAdmissionPolicyBindings().Delete(context.Background(), s.namespace, metav1.DeleteOptions{})
		_ = admission.ValidatingAdmissionPolicies().Delete(context.Background(), s.namespace, metav1.DeleteOptions{})
	})
	// Of what is not masked it is shown, once the server knows the rule.
	for n := 0; ; n++ {
		r, err := s.call(fmt.Sprintf("label cm settings n=%d --overwrite", n), "")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(r.Errors, "host=db.internal") {
			break
		}
	}
	r, err := s.call("label secret db x=y", "")
	if err != nil || strings.Contains(r.Errors, "aHVudGVyMg") || !strings.Contains(r.Errors, "Warning: the API server warns of something that is not shown") {
		t.Errorf("%+v %v", r, err)
	}
}

// TestWhatMayNotBeReadIsNotShown in a preview either.
func TestWhatMayNotBeReadIsNotShown(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.gate.allows = func(r Request) bool { return r.Resource != "configmaps" || r.Verb == "patch" || r.Verb == "create" }
	preview := s.preview(s.describe("apply -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {more: x}}"))
	if strings.Contains(preview.Diff, "db.internal") || len(preview.Warnings) != 1 {
		t.Errorf("%+v", preview)
	}
}

// TestWhatMayNotBeReadIsNotPrinted by what changes it.
func TestWhatMayNotBeReadIsNotPrinted(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.gate.allows = func(r Request) bool { return r.Verb != "get" }
	const manifest = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {more: x}}"
	for _, format := range []string{"-o yaml", "-o json", "-o jsonpath={.data}", "-o 'go-template={{.data}}'", "--template={{.data}}", "-o go-template --template={{.data}}"} {
		s.refusedBy("policy", "apply -f - "+format, manifest)
	}
	for _, format := range []string{"", " -o name"} {
		if out := s.must("apply -f -"+format, manifest); strings.Contains(out, "more") {
			t.Errorf("%s: %s", format, out)
		}
	}
	// The rest reads before it writes.
	for _, line := range []string{"patch cm settings -p '{\"data\":{\"more\":\"x\"}}'", "label cm settings a=b", "replace -f -", "scale deploy/web --replicas=3", "set image deploy/web web=x"} {
		s.refusedBy("policy", line+" -o yaml", map[bool]string{true: manifest}[line == "replace -f -"])
	}
}

// TestHiddenTextsStayHidden where a change takes them.
func TestHiddenTextsStayHidden(t *testing.T) {
	object, err := decode([]byte(`{"kind":"X","spec":{"auth":{"name":"PASSWORD","value":"hunter2"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	seen, hidden, err := masked("x", maskOf{}, object)
	if err != nil || !hidden["hunter2"] || len(hidden) != 1 || strings.Contains(text(seen), "hunter2") {
		t.Fatalf("%v %v %v", seen, hidden, err)
	}
	after, err := decode([]byte(`{"kind":"X","spec":{"auth":{"name":"x","value":"hunter2"}}}`))
	if hideAgain(after, hidden); err != nil || strings.Contains(text(after), "hunter2") {
		t.Errorf("%v", after)
	}
}

// TestHiddenTextsHideNothingElse: who puts a text into a variable whose value is not
// shown can't have it hidden from rules and people elsewhere, or learn of another that
// it is right.
func TestHiddenTextsHideNothingElse(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("set env deploy/web A_TOKEN=Deployment B_TOKEN=apps/v1 C_TOKEN=" + s.namespace + " D_TOKEN=evil.example/miner")
	p := s.describe("set image deploy/web web=evil.example/miner", "")
	facts, ok := p.Action().Facts.(*Facts)
	if !ok || len(facts.Objects) != 1 {
		t.Fatalf("%+v", facts)
	}
	if o := facts.Objects[0]; o.Kind != "Deployment" || o.Group != "apps" || o.Namespace != s.namespace || !slices.Equal(o.Images, []string{"evil.example/miner"}) ||
		!slices.Equal(o.Changed, []string{"spec.template.spec.containers.image"}) {
		t.Errorf("%+v", o)
	}
	if diff := s.preview(p).Diff; !strings.Contains(diff, "+        image: evil.example/miner") || strings.Contains(diff, "-kind") {
		t.Errorf("%s", diff)
	}
	for _, guess := range []string{"hunter2", "hunter3"} {
		if diff := s.preview(s.describe("annotate deploy web x="+guess, "")).Diff; !strings.Contains(diff, "x: "+guess) {
			t.Errorf("%s:\n%s", guess, diff)
		}
	}
}

// TestFormatsThatDoNotEnd, or that fill the memory, are refused; of the rest every
// loop ends with the call.
func TestFormatsThatDoNotEnd(t *testing.T) {
	for _, format := range []string{
		`go-template={{range 1000000000000}}{{end}}`, `go-template={{$x := "a"}}{{range .items}}{{$x = printf "%s%s" $x $x}}{{end}}`,
		`go-template={{$x := print . .}}{{$y := print $x $x}}`, `go-template={{"a" | printf "%[1]s%[1]s"}}`, `go-template={{. | js | js | js}}`,
		`go-template={{print (print . .) (print . .)}}`, `go-template={{if (len (print (html .)))}}{{end}}`, `go-template={{print . . . . . . . . . . .}}`,
		`go-template={{define "a"}}{{end}}`, `go-template={{template "a"}}`, `go-template={{range (1000000000)}}{{end}}`,
		`jsonpath={..*..*..*}`, `jsonpath={.items[0,0,0,0,0,0,0,0,0,0][0]}`, `jsonpath={"a"}{['{"', 'x','x','x','x','x','x','x','x','x', '"}']}`,
		`custom-columns=A:..*..*`, `custom-columns=` + strings.Repeat("A:.data,", 60) + "A:.data",
		`go-template={{with print . .}}{{with print . .}}{{len .}}{{end}}{{end}}`, `go-template={{with (js .)}}{{print . .}}{{end}}`,
	} {
		_, err := parse([]string{"get", "pods", "-o", format}, "", "default")
		if r := new(tools.Refusal); !errors.As(err, &r) || r.Rule != "output" {
			t.Errorf("%s: %v", format, err)
		}
	}
	s := newStage(t)
	s.must("create configmap a --from-literal=k=v")
	if out := s.must(`get cm a -o 'go-template={{range $k, $v := .data}}{{$k}}={{$v | printf "%5s"}};{{- end}} {{with .data}}{{.k}}{{else}}-{{end}}{{"{{"}}'`); out != "k=    v; v{{" {
		t.Errorf("%q", out)
	}
	if out := s.must(`get cm a '--template={{range .data}}{{.}}{{else}}none{{end}}'`); out != "v" {
		t.Errorf("%q", out)
	}
	if out := s.must(`get cm -o 'jsonpath={range .items[?(@.metadata.name=="a")]}{.data.k}{", "}{..k}{end}'`); out != "v, v" {
		t.Errorf("%q", out)
	}
}

// TestLoopsEndWithTheCall although they print nothing.
func TestLoopsEndWithTheCall(t *testing.T) {
	text, err := interruptible(`{{range .}}{{range $}}{{end}}{{end}}`)
	if err != nil {
		t.Fatal(err)
	}
	out := newOutput(1 << 20)
	out.close()
	err = template.Must(template.New("").Parse(text)).Execute(out.normal(), []int{1, 2})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}

// TestMasksAreNotWritten: a command that copies what it reads would put masks in
// the place of values.
func TestMasksAreNotWritten(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("rollout status deploy/web --timeout=20s")
	s.must("set image deploy/web web=nginx:4")
	s.must("rollout status deploy/web --timeout=20s")
	s.refusedBy("masked", "rollout undo deploy/web", "")
	const cron = `{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {schedule: "0 0 1 1 *", jobTemplate: {spec: {template: {spec: {
		restartPolicy: Never, containers: [{name: c, image: x, env: [{name: DB_PASSWORD, value: hunter2}]}]}}}}}}`
	s.must("apply -f -", cron)
	s.refusedBy("masked", "create job j --from=cronjob/c", "")
	s.must("apply -f -", strings.Replace(cron, "DB_PASSWORD", "MODE", 1))
	s.must("create job j --from=cronjob/c")
	s.must("create deployment plain --image=nginx:1")
	s.must("set image deploy/plain nginx=nginx:2")
	s.must("rollout status deploy/plain --timeout=20s")
	s.must("rollout undo deploy/plain")
}

// TestObjectsThatLookLikeLists, or like events, are masked as the objects that
// they are, and so is text within text.
func TestObjectsThatLookLikeLists(t *testing.T) {
	for _, body := range []string{
		`{"kind":"X","items":[],"spec":{"pin":"1234"}}`, `{"kind":"X","type":"a","object":{},"spec":{"pin":"1234"}}`,
	} {
		got, err := through(t, Request{Verb: "get", Resource: "x"}, maskOf{"x.spec.pin": true}, "application/json", body)
		if err != nil || strings.Contains(got, "1234") {
			t.Errorf("%v %s", err, got)
		}
	}
	body := `{"kind":"Pod","metadata":{"annotations":{"` + lastApplied + `":"{\"env\":[{\"name\":\"PASSWORD\",\"value\":\"hunter2\"}]}"}}}`
	got, err := through(t, Request{Verb: "get", Resource: "pods"}, maskOf{}, "application/json", body)
	if err != nil || strings.Contains(got, "hunter2") {
		t.Errorf("%v %s", err, got)
	}
}

// TestManagersQuoteNothing that is masked: whose a field is stands under a name that
// holds the items of sets, and what items are told apart by.
func TestManagersQuoteNothing(t *testing.T) {
	s := newStage(t)
	group := s.tickets(`{type: object, properties: {spec: {type: object, properties: {pins: {type: array, x-kubernetes-list-type: set, items: {type: string}},
		codes: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [code], items: {type: object, required: [code], properties: {code: {type: string}, use: {type: string}}}}}}}}`, "")
	s.must("apply -f -", "{apiVersion: "+group+"/v1, kind: Ticket, metadata: {name: a}, spec: {pins: ['hunter2'], codes: [{code: hunter3, use: front}]}}")
	if out := s.must("get ticket a -o yaml --show-managed-fields"); !strings.Contains(out, `v:"hunter2"`) || !strings.Contains(out, `k:{"code":"hunter3"}`) {
		t.Errorf("%s", out)
	}
	s.gate.masks = maskOf{"tickets.spec.pins": true, "tickets.spec.codes.code": true}
	for _, line := range []string{
		"get ticket a -o yaml --show-managed-fields", "get tickets -o jsonpath={.items[*].metadata.managedFields}", "label ticket a x=y -o json --show-managed-fields",
	} {
		if out := s.must(line); strings.Contains(out, "hunter") || !strings.Contains(out, "f:use") {
			t.Errorf("%s: %s", line, out)
		}
	}
}

// TestNothingIsSelectedByWhatIsMasked.
func TestNothingIsSelectedByWhatIsMasked(t *testing.T) {
	s := newStage(t)
	s.gate.masks = maskOf{"pods.status.podIP": true, "pods.metadata.labels.pin": true}
	s.refusedBy("masked", "get pods --field-selector=status.podIP=10.0.0.1", "")
	s.refusedBy("masked", "get pods -l pin=1234", "")
	s.refusedBy("masked", "get pods -l 'pin in (1,2)'", "")
	s.refusedBy("masked", "delete pods -l '!pin'", "")
	s.must("get pods -l app=web --field-selector=spec.nodeName=node-1")
	// Two fields go by more names than one.
	s.gate.masks = maskOf{"pods.spec.nodeName": true, "pods.status.podIPs.ip": true, "events.source.component": true}
	s.refusedBy("masked", "get pods --field-selector=spec.host=node-1", "")
	s.refusedBy("masked", "get pods --field-selector=status.podIPs=10.0.0.1", "")
	s.refusedBy("masked", "get events --field-selector=source=kubelet", "")
}

// TestPolicySeesEveryChange: there is no end of a list to hide behind.
func TestPolicySeesEveryChange(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	noted := func(n int) string {
		notes := make([]string, n)
		for i := range notes {
			notes[i] = fmt.Sprintf("a%04d: x", i)
		}
		return strings.Replace(webManifest, "{name: web, labels: {app: web}}", "{name: web, labels: {app: web}, annotations: {"+strings.Join(notes, ", ")+"}}", 1)
	}
	if f, _ := s.describe("apply -f -", strings.Replace(noted(300), "replicas: 2", "replicas: 9", 1)).Action().Facts.(*Facts); !slices.Contains(f.Objects[0].Changed, "spec.replicas") {
		t.Errorf("%v", f.Objects[0].Changed)
	}
	s.must("annotate deploy web first=x")
	s.refusedBy("size", "apply -f -", noted(1100))
}

// TestPeopleSeeWhatAShellWouldRead.
func TestPeopleSeeWhatAShellWouldRead(t *testing.T) {
	c, err := parse([]string{"exec", "-i", "x", "--", "sh"}, "rm -rf /data", "default")
	if a := c.action(nil, nil); err != nil || !strings.Contains(a.Display, "rm -rf /data") || strings.Contains(a.Blank, "rm") {
		t.Errorf("%v %+v", err, a)
	}
	// echo -n 'rm -rf /data' | sha256sum
	const digest = "1395f2a4509dc412"
	if f := c.facts(nil, nil); f.Stdin.Bytes != 12 || !strings.HasPrefix(f.Stdin.SHA256, digest) {
		t.Errorf("%+v", f.Stdin)
	}
	for _, line := range []string{"apply -f -", "exec x -- sh"} {
		stdin := ""
		if strings.HasPrefix(line, "apply") {
			stdin = "kind: Secret"
		}
		c, err := parse(strings.Fields(line), stdin, "default")
		if f := c.facts(nil, nil); err != nil || f.Stdin != (Stdin{}) {
			t.Errorf("%s: %v %+v", line, err, f.Stdin)
		}
	}
}

// TestLongTextsAreNotCompared line by line, which would take hours.
func TestLongTextsAreNotCompared(t *testing.T) {
	long := func(modulus int) map[string]any {
		var text strings.Builder
		for i := range 1 << 17 {
			fmt.Fprintln(&text, i*7919%modulus+i%3*1000)
		}
		return map[string]any{"data": map[string]any{"long": text.String(), "same": "x"}}
	}
	c := &change{Request: Request{Verb: "patch", Resource: "configmaps"}, method: http.MethodPatch, before: long(150), after: long(151)}
	if out := c.diff(); !strings.Contains(out, "these change: data.long)") {
		t.Errorf("%.200s", out)
	}
}

// TestCellsOfKnownTables: a column that prints what policy masks is hidden.
func TestCellsOfKnownTables(t *testing.T) {
	table := `{"kind":"Table","columnDefinitions":[{"name":"Name","format":"name"},{"name":"Reason"},{"name":"Message"}],
		"rows":[{"cells":["a","Failed","pin 1234"],"object":{"apiVersion":"v1","kind":"Event"}}]}`
	got, err := through(t, Request{Verb: "list", Resource: "events"}, maskOf{"events.message": true}, "application/json", table)
	if err != nil || strings.Contains(got, "1234") || !strings.Contains(got, "Failed") {
		t.Errorf("%v %s", err, got)
	}
}

// TestWatchedTablesKeepTheirColumns: only the first event of a watch has them.
func TestWatchedTablesKeepTheirColumns(t *testing.T) {
	row := `"rows":[{"cells":["pod-a","10.0.0.1"],"object":{"apiVersion":"v1","kind":"Pod"}}]}}`
	first := `{"type":"ADDED","object":{"kind":"Table","columnDefinitions":[{"name":"Name","format":"name"},{"name":"IP"}],` + row
	next := `{"type":"MODIFIED","object":{"kind":"Table","columnDefinitions":null,` + row
	got, err := through(t, Request{Verb: "watch", Resource: "pods"}, maskOf{"pods.status.podIP": true}, "application/json", first+next+next)
	if err != nil || strings.Contains(got, "10.0.0.1") || strings.Count(got, "pod-a") != 3 || strings.Count(got, "columnDefinitions") != 1 {
		t.Errorf("%v %s", err, got)
	}
}
