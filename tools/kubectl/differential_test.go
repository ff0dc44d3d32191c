package kubectl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/kubectl/pkg/cmd"
)

// asKubectl makes the test's own binary kubectl, a process of its own, with all
// that kubectl has: files, kubeconfigs, every command.
const asKubectl = "CHAPERONE_TEST_AS_KUBECTL"

func kubectlMain() int {
	if err := cmd.NewDefaultKubectlCommand().Execute(); err != nil {
		return 1
	}
	return 0
}

// kubectl runs the real kubectl as the stage's caller, in a namespace.
func (s *stage) kubectl(namespace, line, stdin string) (out, stderr string, code int) {
	s.t.Helper()
	words := append(splitLine(line), "--kubeconfig", s.kubeconfig(), "--as", s.caller.Subject, "--as-group", s.caller.Groups[0])
	if at := indexOf(words, "--"); at >= 0 {
		tail := append([]string{}, words[at:len(words)-6]...)
		words = append(append(append([]string{}, words[:at]...), words[len(words)-6:]...), tail...)
	}
	c := exec.CommandContext(s.t.Context(), os.Args[0], append([]string{"-n", namespace}, words...)...)
	c.Env = []string{asKubectl + "=1", "HOME=" + s.t.TempDir(), "PATH=" + os.Getenv("PATH"), "KUBECTL_KUBERC=false"}
	c.Stdin = strings.NewReader(stdin)
	var stdout, errors bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &errors
	_ = c.Run()
	return stdout.String(), errors.String(), c.ProcessState.ExitCode()
}

// kubeconfig is that of the cluster's administrator, or of the server before it.
func (s *stage) kubeconfig() string {
	s.t.Helper()
	if s.front == "" {
		return s.cluster.Kubeconfig
	}
	path := filepath.Join(s.t.TempDir(), "config")
	text := fmt.Sprintf("{apiVersion: v1, kind: Config, clusters: [{name: a, cluster: {server: %q}}], contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a}], current-context: a}", s.front)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func indexOf(words []string, word string) int {
	for i, w := range words {
		if w == word {
			return i
		}
	}
	return -1
}

// seed is what both look at. It holds no secret, since these differ by intent.
const seed = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web, tier: front}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1", ports: [{containerPort: 80}], env: [{name: MODE, value: fast}], resources: {limits: {cpu: 1, memory: 64Mi}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, annotations: {note: "a: b"}}
data: {mode: fast, long: "line one\nline two\n"}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: j, image: j}]}}}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: bound}
spec: {hard: {pods: 50}}
`

// comparedReads are the commands whose output is compared.
func comparedReads() []string {
	kinds := []string{"pods", "deploy", "rs", "svc", "cm", "cronjob", "sa", "ingress", "pdb", "role", "quota", "deploy,svc,cm", "deploy/web svc/web", "endpointslices"}
	formats := []string{"", "-o wide", "-o yaml", "-o json", "-o name", "--show-labels", "--no-headers", "-o kyaml", "--show-kind",
		"-o jsonpath={.items[*].metadata.name}", "-o 'go-template={{range .items}}{{.metadata.name}} {{end}}'", "-o custom-columns=N:.metadata.name,K:.kind", "--sort-by=.metadata.name", "-o yaml --show-managed-fields"}
	var lines []string
	for _, kind := range kinds {
		for _, format := range formats {
			lines = append(lines, strings.TrimSpace("get "+kind+" "+format))
		}
		if !strings.Contains(kind, "/") && !strings.Contains(kind, ",") {
			lines = append(lines, "describe "+kind)
		}
	}
	return append(lines, "get all", "get pods -l app=web", "get pods -l app=none", "get pods --field-selector=status.phase=Running", "get nothing", "get pod nothing",
		"get deploy web --subresource=scale", "get pods -L app", "get pods,svc", "get pods,svc -o wide --show-kind -L app", "get deploy --server-print=false", "get pods -o jsonpath={.items[*].spec.containers[*].image}", "get pods -o 'jsonpath={range .items[*]}{.metadata.name}{\"\\t\"}{.status.phase}{\"\\n\"}{end}'",
		"get deploy web -o jsonpath={.metadata.labels.app}", "get deploy web -o jsonpath={.items[*].metadata.name}", "get cm settings -o jsonpath={.metadata.annotations.note} --ignore-not-found", "get deploy,svc -o custom-columns=K:.kind,N:.metadata.name,R:.spec.replicas,NO:.nothing.here,L:.metadata.labels",
		"get pods -o custom-columns=N:.metadata.name,C:.spec.containers[*].name,S:status.phase", "get svc -o jsonpath={.items[*].metadata.name[*]}", "get deploy web -o json --chunk-size=1", "get deploy,svc -o name --chunk-size=1", "get nodes -o wide", "describe node node-1", "get ns -o name", "logs deploy/web --tail=1", "logs -l app=web --prefix=false --tail=2",
		"rollout status deploy/web", "rollout history deploy/web", "rollout history deploy/web --revision=1", "explain pods.spec.containers", "explain deploy --recursive", "explain nothing",
		"api-resources -o name", "api-resources --namespaced=false", "api-versions", "auth can-i create pods", "auth can-i --list", "auth whoami", "version -o json", "cluster-info",
		"wait --for=condition=Available deploy/web --timeout=5s", "get cm settings -o jsonpath={.data.long}", "get pods --chunk-size=1 -o name", "get --raw", "top pods", "events --types=Normal --no-headers -o name")
}

// passing are ages, and what of a stage is its own.
var passingText = regexp.MustCompile(`\b(\d+d)?(\d+h)?(\d+m)?\d+(\.\d+)?(s|m|h|d)\b( ago)?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ| {2,}|-{2,}`)

func normal(text string) string { return strings.TrimSpace(passingText.ReplaceAllString(text, " ")) }

// TestReadsAreKubectls compares what commands print with what kubectl prints.
func TestReadsAreKubectls(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts kubectl some hundred times")
	}
	s := newStage(t)
	s.must("apply -f -", seed)
	s.must("rollout status deploy/web --timeout=30s")
	lines := comparedReads()
	if len(lines) < 150 {
		t.Fatalf("there are only %d", len(lines))
	}
	for _, line := range lines {
		want, wantErr, code := s.kubectl(s.namespace, line, "")
		got, gotErr := "", ""
		switch r, err := s.call(line, ""); {
		case err != nil:
			gotErr = err.Error()
		default:
			got, gotErr = r.Output, r.Errors
		}
		if strings.HasPrefix(line, "get --raw") {
			continue // refused here
		}
		if normal(got) != normal(want) {
			t.Errorf("kubectl %s (%d) prints\n%s%s\nand here\n%s%s", line, code, want, wantErr, got, gotErr)
		}
		if (code != 0) != (gotErr != "" && got == "" && want == "") && code != 0 && gotErr == "" {
			t.Errorf("kubectl %s ends with %d: %s", line, code, wantErr)
		}
	}
}

// comparedWrites are changes one after the other.
var comparedWrites = []string{
	"apply --server-side -f -", "scale deploy/web --replicas=2", "set image deploy/web web=nginx:2", "set env deploy/web MODE=slow EXTRA=1", "set env deploy/web EXTRA-",
	"set resources deploy web --limits=cpu=2", "set serviceaccount deploy web robot", "label deploy web team=a", "label deploy web team=b --overwrite", "label deploy web team-",
	"label cm settings a=b c=d", "annotate cm settings note=x --overwrite", "annotate cm settings more=y", "annotate cm settings more-",
	"patch cm settings -p '{\"data\":{\"mode\":\"slow\"}}'", "patch cm settings --type=merge -p '{\"data\":{\"new\":\"1\"}}'",
	"patch cm settings --type=json -p '[{\"op\":\"remove\",\"path\":\"/data/new\"}]'", "patch svc web -p '{\"spec\":{\"ports\":[{\"port\":80,\"targetPort\":8080}]}}'",
	"patch deploy web --subresource=scale --type=merge -p '{\"spec\":{\"replicas\":1}}'", "create configmap one --from-literal=a=b", "create configmap two --from-literal=a=b --from-literal=c=d",
	"create deployment extra --image=nginx --replicas=2 --port=80", "create deployment cmd --image=nginx -- sleep 10", "create job once --image=j -- run", "create job from --from=cronjob/nightly", "create cronjob hourly --image=j '--schedule=0 * * * *'",
	"create serviceaccount helper", "create role writer --verb=create,delete --resource=pods", "create rolebinding rb --role=writer --serviceaccount=default:default",
	"create quota q2 --hard=services=9", "create service clusterip s1 --tcp=80:8080", "create service nodeport s2 --tcp=80", "create service externalname s3 --external-name=example.com",
	"create service loadbalancer s4 --tcp=80", "create ingress i2 --rule=b.example.com/=web:80", "create poddisruptionbudget p2 --selector=app=extra --min-available=1",
	"create secret generic s --from-literal=a=b", "expose deploy extra --port=80 --name=extra", "autoscale deploy extra --min=1 --max=4", "run pod1 --image=box --labels=x=y", "run pod2 --image=box --port=80 --expose",
	"set selector svc extra app=extra", "set subject rolebinding rb --user=ann", "rollout restart deploy/cmd", "rollout pause deploy/extra", "rollout resume deploy/extra", "rollout undo deploy/web",
	"label pod pod1 seen=yes", "label deploy --all all=yes", "annotate svc web a=b", "scale deploy/web deploy/extra --replicas=2", "scale deploy/web --current-replicas=2 --replicas=3",
	"delete cm one", "delete cm/two svc/s1", "delete svc -l none=none", "delete pod pod1 --grace-period=0 --force", "delete job once --cascade=orphan", "delete deploy extra cmd", "delete ingress i2 --ignore-not-found",
	"delete cm nothing --ignore-not-found", "delete role writer", "delete rolebinding rb", "replace -f -", "delete -f -",
}

const replacement = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {all: new}\n"

func stdinOf(line string) string {
	switch {
	case strings.HasPrefix(line, "apply"):
		return seed
	case strings.Contains(line, "-f -"):
		return replacement
	}
	return ""
}

// TestWritesAreKubectls makes the same changes with kubectl in a namespace beside,
// and compares what is printed and what is there afterwards.
func TestWritesAreKubectls(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts kubectl some hundred times")
	}
	if len(comparedWrites) < 60 {
		t.Fatalf("there are only %d", len(comparedWrites))
	}
	ours, theirs := newStage(t), newStage(t)
	for _, line := range comparedWrites {
		want, wantErr, code := theirs.kubectl(theirs.namespace, line, stdinOf(line))
		r, err := ours.call(strings.Replace(line, "apply --server-side", "apply", 1), stdinOf(line))
		switch {
		case err != nil:
			t.Errorf("%s: %v; kubectl says %s%s", line, err, want, wantErr)
		case code != 0:
			t.Errorf("%s: kubectl fails: %s", line, wantErr)
		case normal(r.Output) != normal(strings.ReplaceAll(want, theirs.namespace, ours.namespace)):
			t.Errorf("%s: kubectl prints\n%s\nand here\n%s", line, want, r.Output)
		}
		if a, b := ours.objects(t), strings.ReplaceAll(theirs.objects(t), theirs.namespace, ours.namespace); a != b {
			t.Fatalf("after %s there is\n%s\nand with kubectl\n%s", line, a, b)
		}
	}
}

// own are fields that differ between two clusters' worth of the same objects.
var own = regexp.MustCompile(`"(uid|clusterIP|nodePort|kubectl.kubernetes.io/restartedAt|controller-uid|batch.kubernetes.io/controller-uid)": ?("[^"]*"|\d+),?|"clusterIPs": ?\[[^\]]*\],?|"deletionTimestamp":"[^"]*",?`)

// objects are those of the stage's namespace that were asked for.
func (s *stage) objects(t *testing.T) string {
	t.Helper()
	client := dynamic.NewForConfigOrDie(s.admin)
	var out strings.Builder
	for _, resource := range kept {
		list, err := client.Resource(resource).Namespace(s.namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			if item.GetDeletionTimestamp() != nil {
				continue
			}
			data, err := json.Marshal(plainObject(item.Object))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s %s\n", resource.Resource, own.ReplaceAll(data, nil))
		}
	}
	return out.String()
}
