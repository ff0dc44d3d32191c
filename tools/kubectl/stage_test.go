package kubectl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

// stage is a namespace of its own on the test cluster, and a connection that
// tells the API server a caller of its own.
type stage struct {
	t         testing.TB
	namespace string
	cluster   *kubectltest.Cluster
	conn      *connection
	// front is the address of a server that stands before the API server, or "".
	front string
	// admin is the cluster's administrator, beside the connection, whose own right
	// is to say who calls.
	admin  *rest.Config
	client kubernetes.Interface
	gate   *gate
	caller tools.Caller
}

var stages atomic.Int64

func newStage(t testing.TB, set ...func(*Config)) *stage {
	t.Helper()
	return newStageOn(t, host.Start(t), set...)
}

func newStageOn(t testing.TB, cluster *kubectltest.Cluster, set ...func(*Config)) *stage {
	t.Helper()
	s := &stage{t: t, cluster: cluster, namespace: fmt.Sprintf("stage-%d", stages.Add(1)), gate: &gate{}}
	c := &Config{Kubeconfig: s.cluster.Impersonator, Impersonate: true, Namespace: s.namespace}
	for _, f := range set {
		f(c)
	}
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	find, err := c.finder()
	if err != nil {
		t.Fatal(err)
	}
	s.conn = connect(*c, false, find)
	if s.admin, err = (&Config{Kubeconfig: s.cluster.Kubeconfig}).rest(); err != nil {
		t.Fatal(err)
	}
	s.admin.QPS = -1
	s.client = kubernetes.NewForConfigOrDie(s.admin)
	s.caller = tools.Caller{Subject: s.namespace + "@example.com", Groups: []string{admins}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace}}
	if _, err := s.client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.bindAdmins()
	t.Cleanup(func() {
		_ = s.client.CoreV1().Namespaces().Delete(context.Background(), s.namespace, metav1.DeleteOptions{})
	})
	return s
}

// admins is a group that may do anything on the test cluster.
const admins = "stage-admins"

func (s *stage) bindAdmins() {
	s.t.Helper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: admins}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "Group", Name: admins}},
	}
	_, err := s.client.RbacV1().ClusterRoleBindings().Create(s.t.Context(), binding, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		s.t.Fatal(err)
	}
}

// request is a call of a command line; words are split at blanks, but for what
// stands in single quotes.
func (s *stage) request(line, stdin string) tools.Request {
	s.t.Helper()
	words := splitLine(line)
	tool := toolWrite
	if c, err := parse(words, stdin, s.namespace); err == nil && c.effect == tools.Read || err != nil && reads[firstWords(words)] != nil {
		tool = toolRead
	}
	data, err := json.Marshal(args{Args: words, Stdin: stdin})
	if err != nil {
		s.t.Fatal(err)
	}
	return tools.Request{Tool: tool, Args: data, Caller: s.caller, Gate: s.gate}
}

// firstWords is the name of the command that a line begins with.
func firstWords(words []string) string {
	if len(words) > 1 {
		if _, ok := reads[words[0]+" "+words[1]]; ok {
			return words[0] + " " + words[1]
		}
	}
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

func splitLine(line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}

// call describes and runs a command.
func (s *stage) call(line, stdin string) (*result, error) {
	s.t.Helper()
	plan, err := s.conn.Describe(s.t.Context(), s.request(line, stdin))
	if err != nil {
		return nil, err
	}
	return s.run(plan)
}

func (s *stage) run(plan tools.Plan) (*result, error) {
	s.t.Helper()
	r, err := plan.Run(s.t.Context(), s.gate, tools.Limits{})
	if err != nil {
		return nil, err
	}
	out, ok := r.(*result)
	if !ok {
		s.t.Fatalf("%T", r)
	}
	return out, nil
}

// must is a command that succeeds, and its output.
func (s *stage) must(line string, stdin ...string) string {
	s.t.Helper()
	r, err := s.call(line, strings.Join(stdin, ""))
	if err != nil {
		s.t.Fatalf("kubectl %s: %v", line, err)
	}
	if r.ExitCode != 0 {
		s.t.Fatalf("kubectl %s: %d\n%s%s", line, r.ExitCode, r.Output, r.Errors)
	}
	return r.Output
}

// refusedBy fails unless a command is refused by a rule.
func (s *stage) refusedBy(rule, line, stdin string) {
	s.t.Helper()
	_, err := s.call(line, stdin)
	var r *tools.Refusal
	if !errors.As(err, &r) || r.Rule != rule {
		s.t.Errorf("kubectl %s: %v, want a refusal by %s", line, err, rule)
	}
}

// gate is a policy that allows what a test says, and all where it says nothing.
type gate struct {
	mu     sync.Mutex
	allows func(Request) bool
	// says is what the rules say of what is not allowed, or nil.
	says  *tools.Refusal
	masks maskOf
	asked []Request
	// heard is told what is streamed; nil is not.
	heard func(stream, lines string) error
}

func (g *gate) Judge(_ context.Context, actions []tools.Action) ([]tools.Verdict, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	verdicts := make([]tools.Verdict, len(actions))
	for i, a := range actions {
		facts, ok := a.Facts.(*Facts)
		if !ok || len(facts.Requests) != 1 {
			return nil, fmt.Errorf("an action without its one request: %+v", a)
		}
		r := facts.Requests[0]
		g.asked = append(g.asked, r)
		verdicts[i] = tools.Verdict{Allowed: g.allows == nil || g.allows(r), Masker: g.masks, Refusal: g.says}
	}
	return verdicts, nil
}

func (g *gate) Masker() tools.Masker { return g.masks }

func (g *gate) Stream(stream, lines string) error {
	if g.heard == nil {
		return nil
	}
	return g.heard(stream, lines)
}

// audit is what the API server was asked by this stage's caller, as it says.
func (s *stage) audit() []kubectltest.AuditEvent {
	s.t.Helper()
	var own []kubectltest.AuditEvent
	for _, e := range s.cluster.Audit(s.t) {
		if e.ImpersonatedUser != nil && e.ImpersonatedUser.Username == s.caller.Subject {
			own = append(own, e)
		}
	}
	return own
}

const webManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:1", env: [{name: DB_PASSWORD, value: hunter2}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {mode: fast, host: db.internal}
---
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {password: hunter2}
`

var patchOptions = metav1.PatchOptions{}

// ownKind makes a kind of somebody's own, in the group own.example.com.
func (s *stage) ownKind(kind string) {
	s.t.Helper()
	s.must("apply -f -", strings.ReplaceAll(`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: KINDs.own.example.com}, spec: {group: own.example.com, scope: Namespaced,
		names: {plural: KINDs, singular: KIND, kind: KIND}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`, "KIND", kind))
	s.established(kind + "s.own.example.com")
}

// established waits until the API server serves a kind.
func (s *stage) established(name string) {
	s.t.Helper()
	for wait := "wait --for=condition=Established --timeout=5s crd/" + name; ; {
		// kubectl fails where there is no condition at all yet.
		if _, err := s.call(wait, ""); err == nil || !strings.Contains(err.Error(), "accessor error") {
			break
		}
	}
}
