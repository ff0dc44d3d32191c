package kubectl

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/chaperone-dev/chaperone/tools"
)

// newMortal is a stage on a cluster that may be killed and started again.
func newMortal(t *testing.T, set ...func(*Config)) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a cluster of its own")
	}
	return newStageOn(t, mortal.Start(t), set...)
}

// reached waits until the API server is at so many requests in the stage's namespace
// that last, and whose addresses hold a text.
func (s *stage) reached(text string, want int) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		lasting := map[string]bool{}
		for _, e := range s.audit() {
			if e.ObjectRef.Namespace == s.namespace && strings.Contains(e.RequestURI, text) {
				lasting[e.AuditID] = e.Stage == "ResponseStarted"
			}
		}
		maps.DeleteFunc(lasting, func(_ string, lasts bool) bool { return !lasts })
		if len(lasting) == want {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("the API server is at %d requests with %q, want %d", len(lasting), text, want)
		}
	}
}

// under is a call under way.
type under struct {
	line string
	// done gets what comes of it, and err says why nothing did.
	done chan result
	err  error
}

// begin makes a call.
func (s *stage) begin(line string) *under {
	u := &under{line: line, done: make(chan result, 1)}
	go func() {
		r, err := s.call(line, "")
		if err != nil {
			r = &result{Errors: err.Error(), ExitCode: 1}
		}
		u.err = err
		u.done <- *r
	}()
	return u
}

// beside has kubectl do the same.
func (s *stage) beside(line string) *under {
	u := &under{line: line, done: make(chan result, 1)}
	go func() {
		out, stderr, code := s.kubectl(s.namespace, line, "")
		u.done <- result{Output: out, Errors: stderr, ExitCode: code}
	}()
	return u
}

// kind makes a kind of somebody's own as its administrator does, whose objects have a
// field, and waits until the API server describes it so.
func (s *stage) kind(group, kind, field string) {
	s.t.Helper()
	s.applies(strings.NewReplacer("GROUP", group, "KIND", kind, "FIELD", field).Replace(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: KINDs.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: KINDs, singular: KIND, kind: KIND}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {FIELD: {type: string}}}}}
`))
	s.described(group, `"`+field+`"`)
}

// described waits until the API server's description of a group has a text.
func (s *stage) described(group, want string) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		text, err := s.client.CoreV1().RESTClient().Get().AbsPath("/openapi/v3/apis/" + group + "/v1").Do(s.t.Context()).Raw()
		if err == nil && strings.Contains(string(text), want) {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("the API server does not describe %s: %v", group, err)
		}
	}
}

// TestRestartOfAWarmConnection: the first call is as any other, and what the API server
// offers is known as it is now.
func TestRestartOfAWarmConnection(t *testing.T) {
	s := newMortal(t)
	group := s.namespace + ".example.com"
	s.kind(group, "first", "before")
	s.must("create -f -", "{apiVersion: "+group+"/v1, kind: first, metadata: {name: one}, before: a}")
	s.explained("first.before")
	s.cluster.Kill()
	s.cluster.Again(t)
	s.must("label first one team=shop")
	s.kind("new."+group, "second", "before")
	s.must("create -f -", "{apiVersion: new."+group+"/v1, kind: second, metadata: {name: two}, before: a}")
	s.kind(group, "first", "after")
	s.explained("first.after")
}

// explained waits until a field is known, which it is soon after it came.
func (s *stage) explained(field string) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		_, err := s.call("explain "+field, "")
		if err == nil {
			return
		}
		if time.Now().After(end) {
			s.t.Fatal(err)
		}
	}
}

// amend changes an object as somebody does who does not come through the connection.
func (s *stage) amend(path, patch string) {
	s.t.Helper()
	err := s.client.CoreV1().RESTClient().Patch(types.MergePatchType).AbsPath(path).Body([]byte(patch)).Do(s.t.Context()).Error()
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestRestartWhileCallsLast: what the API server sent for as long as it lasted ends as
// it does for kubectl, and what waits goes on.
func TestRestartWhileCallsLast(t *testing.T) {
	s := newMortal(t)
	s.box()
	s.must("create configmap a --from-literal=k=v")
	s.must("apply -f -", pendingManifest)
	s.must("wait --for=create pod -l app=slow --timeout=20s")
	rollout, wait := s.begin("rollout status deploy/slow"), s.begin("wait --for=jsonpath={.data.k}=new cm/a --timeout=1m")
	s.reached("/deployments?", 1)
	s.reached("/configmaps?", 1)
	var streams []*under
	for _, line := range []string{"get cm -w", "events -w", "logs box -f"} {
		streams = append(streams, s.begin(line), s.beside(line))
	}
	s.reached("/configmaps?", 3)
	s.reached("/events?", 2)
	s.reached("follow=true", 2)
	s.cluster.Kill()
	for i := 0; i < len(streams); i += 2 {
		ours, theirs := <-streams[i].done, <-streams[i+1].done
		if ours.Output == "" || ours.Errors != theirs.Errors || ours.ExitCode != theirs.ExitCode {
			t.Errorf("%s: kubectl ends with %+v\nand here\n%+v", streams[i].line, theirs, ours)
		}
	}
	s.turnedAway()
	s.cluster.Again(t)
	s.amend("/apis/apps/v1/namespaces/"+s.namespace+"/deployments/slow", `{"spec":{"template":{"metadata":{"annotations":{"testcluster/state":null}}}}}`)
	s.amend("/api/v1/namespaces/"+s.namespace+"/configmaps/a", `{"data":{"k":"new"}}`)
	if got := <-rollout.done; !strings.HasSuffix(got.Output, "successfully rolled out\n") || got.ExitCode != 0 {
		t.Errorf("%+v", got)
	}
	if got := <-wait.done; got.Output != "configmap/a condition met\n" || got.ExitCode != 0 {
		t.Errorf("%+v", got)
	}
}

// turnedAway waits until a call has found that nobody is there.
func (s *stage) turnedAway() {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); s.conn.open.entrance.last.Load() == nil; {
		if time.Now().After(end) {
			s.t.Fatal("nobody tries again")
		}
	}
}

const pendingManifest = `apiVersion: apps/v1
kind: Deployment
metadata: {name: slow}
spec:
  selector: {matchLabels: {app: slow}}
  template:
    metadata: {labels: {app: slow}, annotations: {testcluster/state: pending}}
    spec: {containers: [{name: a, image: box}]}
`

// TestRestartBeforeAChange: what was rehearsed before is done after, while the object is
// as it was, and not while nobody is there to do it.
func TestRestartBeforeAChange(t *testing.T) {
	s := newMortal(t)
	s.must("apply -f -", webManifest)
	scale, label := s.describe("scale deploy/web --replicas=5", ""), s.describe("label cm settings team=shop", "")
	s.cluster.Kill()
	var refusal *tools.Refusal
	if _, err := s.run(scale); !errors.As(err, &refusal) || refusal.Rule != "unreachable" || !refusal.Later {
		t.Errorf("%+v", err)
	}
	s.cluster.Again(t)
	s.amend("/api/v1/namespaces/"+s.namespace+"/configmaps/settings", `{"data":{"mode":"slow"}}`)
	if _, err := s.run(label); !errors.As(err, &refusal) || refusal.Rule != "moved" {
		t.Errorf("%+v", err)
	}
	if r, err := s.run(scale); err != nil || s.replicas() != 5 {
		t.Errorf("%d replicas: %+v %v", s.replicas(), r, err)
	}
}

// lost fails unless a change's end is one of which nobody knows.
func (s *stage) lost(err error) {
	s.t.Helper()
	var f *tools.Failure
	if !errors.As(err, &f) || !f.Unsure {
		s.t.Errorf("%+v", err)
	}
}

// TestRestartWhileACommandRuns in a container: nobody knows what it did.
func TestRestartWhileACommandRuns(t *testing.T) {
	s := newMortal(t)
	s.box()
	u := s.begin("exec box -- hang")
	s.reached("/exec", 1)
	s.cluster.Kill()
	<-u.done
	s.lost(u.err)
	s.cluster.Again(t)
	if out := s.must("exec box -- hostname"); out != "box\n" {
		t.Error(out)
	}
}
