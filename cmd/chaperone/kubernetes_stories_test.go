package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

// TestKubernetesApply: what is applied is what the approver saw, once.
func TestKubernetesApply(t *testing.T) {
	o := newClusterOffice(t, "hold: 1ms", "", "ann:developers", "ben:ops")
	ann := o.agent("ann")
	id := ann.holds("apply -f -", o.release("web:2"))
	shown := o.shown(id)
	for _, want := range []string{
		"--- deployments/" + o.namespace + "/web", "-      - image: web:1", "+      - image: web:2", "update 1 in " + o.namespace + "/deployments (measured)",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("approvers do not see %q: %s", want, shown)
		}
	}
	if got := ann.image(); got != "web:1" || len(o.changes()) > 0 {
		t.Errorf("it runs %s before anybody agreed, after %s", got, o.changes())
	}
	o.says("ben", "approve", id)
	for range 2 {
		if r := ann.wait(id); r.Status != "ok" || r.Output != "deployment.apps/web serverside-applied\n" {
			t.Errorf("%+v", r)
		}
	}
	if got := ann.image(); got != "web:2" {
		t.Errorf("it runs %s", got)
	}
	if got := o.changes(); !slices.Equal(got, []string{"patch deployments as ann"}) {
		t.Errorf("the API server was asked to %s", got)
	}
	o.proven()
}

// TestKubernetesDrift: an object that changed after people looked at it stays as
// it is, whether the call still waits or is taken up again; also when it has
// changed back.
func TestKubernetesDrift(t *testing.T) {
	for name, hold := range map[string]string{"while it waits": "hold: 1m", "before it is taken up": "hold: 1ms"} {
		t.Run(name, func(t *testing.T) {
			o := newClusterOffice(t, hold, "", "ann:developers", "ben:ops")
			ann, ben := o.agent("ann"), o.person("ben")
			replies := make(chan deskReply, 1)
			go func() {
				args := map[string]any{"args": []string{"apply", "-f", "-"}, "reason": "ticket 9", "stdin": o.release("web:2")}
				r, err := ann.try(context.Background(), "kubectl_write", args)
				if err != nil {
					t.Error(err)
				}
				replies <- r
			}()
			id, err := ben.Waiting(t.Context(), "kubectl apply")
			if err != nil {
				t.Fatal(err)
			}
			var reply deskReply
			if hold == "hold: 1ms" {
				reply = <-replies
				reply.is(t, "pending", "")
			}
			o.applies("colleague", drifted)
			o.says("ben", "approve", id)
			if reply.Status == "pending" {
				reply = ann.wait(id)
			} else {
				reply = <-replies
			}
			reply.is(t, "refused", "moved")
			if !strings.Contains(reply.Message, "changed after the command was rehearsed") && !strings.Contains(reply.Message, "no longer as it was shown") {
				t.Errorf("it does not say why: %s", reply.Message)
			}
			o.applies("colleague", strings.Replace(drifted, ", env: [{name: MODE, value: slow}]", "", 1))
			if again := ann.wait(id); again.Status != "refused" {
				t.Errorf("%+v", again)
			}
			if got := ann.image(); got != "web:1" || len(o.changes()) > 0 {
				t.Errorf("it runs %s, after %s", got, o.changes())
			}
			o.proven()
		})
	}
}

// TestKubernetesDelete: approvers see what the garbage collector takes along, and
// that is what goes.
func TestKubernetesDelete(t *testing.T) {
	o := newClusterOffice(t, "hold: 1ms", "", "ann:developers", "ben:ops")
	ann := o.agent("ann")
	ann.sees("rollout status deploy/web --timeout=30s")
	along := strings.Fields(ann.sees("get pods,rs -o name"))
	if len(along) != 3 {
		t.Fatalf("there are %s", along)
	}
	id := ann.holds("delete deploy web", "")
	shown := o.shown(id)
	for _, name := range along {
		if name = name[strings.Index(name, "/")+1:]; !strings.Contains(shown, o.namespace+"/"+name) {
			t.Errorf("approvers do not see that %s goes along: %s", name, shown)
		}
	}
	if orphans := o.shown(ann.holds("delete deploy web --cascade=orphan", "")); strings.Contains(orphans, "web-") {
		t.Errorf("nothing goes along, and they see %s", orphans)
	}
	o.says("ben", "approve", id)
	ann.wait(id).is(t, "ok", "")
	ann.sees("wait --for=delete pod,rs -l app=web --timeout=30s")
	if left := ann.sees("get deploy,pods,rs -o name"); left != "" {
		t.Errorf("there are still %s", left)
	}
	if got := o.changes(); !slices.Equal(got, []string{"delete deployments as ann"}) {
		t.Errorf("the API server was asked to %s", got)
	}
	o.proven()
}

// TestKubernetesImpersonation: the API server hears who calls, in their groups,
// whatever the caller says and whoever agrees; and judges by their rights.
func TestKubernetesImpersonation(t *testing.T) {
	o := newClusterOffice(t, "hold: 1ms", "", "ann:developers", "eve:visitors", "ben:ops")
	ann := o.agent("ann")
	for _, flag := range []string{
		"--as=ben", "--as-group=system:masters", "--as-uid=1", "--as-user-extra=a=b", "--context=other", "--cluster=other", "--server=https://127.0.0.1:1", "-shttps://127.0.0.1:1",
		"--token=x", "--kubeconfig=/etc/hosts", "--user=admin", "--username=admin", "--password=x", "--client-certificate=x", "--certificate-authority=x", "--insecure-skip-tls-verify", "--tls-server-name=x",
	} {
		for tool, line := range map[string]string{"kubectl_read": "get pods", "kubectl_write": "label deploy web a=b"} {
			ann.kubectl(tool, line+" "+flag, "").is(t, "refused", "flag")
			ann.kubectl(tool, flag+" "+line, "").is(t, "refused", "flag")
		}
	}
	if got := o.asked(); len(got) > 0 {
		t.Errorf("the API server was asked to %s", got[0].RequestURI)
	}
	ann.sees("get pods")
	ann.kubectl("kubectl_write", "label deploy web team=shop", "").is(t, "ok", "")
	id := ann.holds("scale deploy/web --replicas=3", "")
	o.says("ben", "approve", id)
	ann.wait(id).is(t, "ok", "")
	seen := map[string]bool{}
	for _, e := range o.asked() {
		if e.ImpersonatedUser == nil || e.ImpersonatedUser.Username != "ann" || !slices.Contains(e.ImpersonatedUser.Groups, "developers") || slices.Contains(e.ImpersonatedUser.Groups, "ops") {
			t.Errorf("%s in the name of %+v", e.RequestURI, e.ImpersonatedUser)
		}
		seen[strings.TrimSuffix(e.Verb+" "+e.ObjectRef.Resource+"/"+e.ObjectRef.Subresource, "/")] = true
	}
	for _, want := range []string{"list pods", "patch deployments", "patch deployments/scale"} {
		if !seen[want] {
			t.Errorf("nobody asked to %s: %v", want, seen)
		}
	}
	if got := o.changes(); !slices.Equal(got, []string{"patch deployments as ann", "patch deployments as ann"}) {
		t.Errorf("the API server was asked to %s", got)
	}
	// Policy lets anybody read; the cluster does not.
	eve := o.agent("eve").kubectl("kubectl_read", "get pods", "")
	if eve.Status == "ok" || !strings.Contains(eve.Message, `User "eve" cannot list resource "pods"`) {
		t.Errorf("eve: %+v", eve)
	}
	o.proven()
}

// stalled is a gate in front of the API server that the first change gets stuck in.
type stalled struct {
	// applied says that the API server gets it, and only its answer is stuck.
	applied bool
	// reached is closed when it is stuck, and release lets it go.
	reached, release chan struct{}
	changes          atomic.Int64
}

func (s *stalled) answer(w http.ResponseWriter, r *http.Request, on http.Handler) {
	if r.Method == http.MethodGet || strings.Contains(r.URL.RawQuery, "dryRun") || s.changes.Add(1) > 1 {
		on.ServeHTTP(w, r)
		return
	}
	if s.applied {
		on.ServeHTTP(httptest.NewRecorder(), r)
	}
	close(s.reached)
	<-s.release
}

// TestKubernetesKilledWhileItRuns: of an apply under way at kill -9 nobody knows
// whether the API server did it, and it is never sent again. What was to be applied
// is not left on the disk.
func TestKubernetesKilledWhileItRuns(t *testing.T) {
	for want, applied := range map[string]bool{"web:1": false, "web:2": true} {
		t.Run(fmt.Sprintf("applied=%v", applied), func(t *testing.T) {
			gate := &stalled{applied: applied, reached: make(chan struct{}), release: make(chan struct{})}
			kubeconfig, temp := stalledKubeconfig(t, sharedCluster.Start(t), gate), t.TempDir()
			t.Setenv("TMPDIR", temp)
			o := newClusterOffice(t, "hold: 1ms", kubeconfig, "ann:developers", "ben:ops")
			release := sync.OnceFunc(func() { close(gate.release) })
			t.Cleanup(release)
			ann := o.agent("ann")
			id := ann.holds("apply -f -", o.release("web:2"))
			o.says("ben", "approve", id)
			var calling sync.WaitGroup
			calling.Go(func() {
				if r, err := ann.try(context.Background(), "approval_wait", map[string]any{"approval_id": id}); err == nil {
					t.Errorf("a dead gateway answers: %+v", r)
				}
			})
			<-gate.reached
			o.crash()
			if left, err := os.ReadDir(temp); runtime.GOOS == "linux" && (len(left) > 0 || err != nil) {
				t.Errorf("it leaves %v, and the manifest may be in it: %v", left, err)
			}
			calling.Wait()
			release()
			o.start()
			back := o.agent("ann")
			for range 2 {
				back.wait(id).is(t, "ambiguous", "", "look at the target to see whether it took effect")
			}
			if got := o.phase(id); got != approval.Spent {
				t.Errorf("it is %s", got)
			}
			if got := back.image(); got != want || gate.changes.Load() != 1 {
				t.Errorf("it runs %s, and was sent %d times", got, gate.changes.Load())
			}
			// The same call once more is another request.
			if again := back.holds("apply -f -", o.release("web:3")); again == id {
				t.Error("a spent approval holds for another call")
			}
			o.proven()
		})
	}
}

// stalledKubeconfig leads to the gate.
func stalledKubeconfig(t *testing.T, cluster *kubectltest.Cluster, gate *stalled) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: %q}}]\ncontexts: [{name: c, context: {cluster: c}}]\ncurrent-context: c\n",
		cluster.Between(t, gate.answer))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
