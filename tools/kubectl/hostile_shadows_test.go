package kubectl

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/chaperone-dev/chaperone/tools"
)

const shadow = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: PLURAL.shadow.example.com}, spec: {group: shadow.example.com, scope: SCOPE,
	names: {plural: PLURAL, singular: SINGULAR, kind: KIND, shortNames: [SHORT]}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}`

// shadows has the cluster know kinds that are called as those are that a team may work
// on, and as Secrets, until the test ends.
func (s *stage) shadows() {
	s.t.Helper()
	for _, k := range [][]string{{"pods", "pod", "Pod", "po", "Namespaced"}, {"configmaps", "configmap", "ConfigMap", "cm", "Cluster"}, {"secrets", "secret", "Secret", "deploy", "Namespaced"}} {
		manifest := strings.NewReplacer("PLURAL", k[0], "SINGULAR", k[1], "KIND", k[2], "SHORT", k[3], "SCOPE", k[4]).Replace(shadow)
		s.must("apply -f -", manifest)
		name := k[0] + ".shadow.example.com"
		s.t.Cleanup(func() {
			crds := dynamic.NewForConfigOrDie(s.admin).Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
			_ = crds.Delete(context.Background(), name, metav1.DeleteOptions{})
		})
		s.established(name)
	}
	s.cast("pods", "Pod")
	s.cast("secrets", "Secret")
}

// cast makes an object of such a kind, once the API server takes it.
func (s *stage) cast(resource, kind string) {
	s.t.Helper()
	shadows := dynamic.NewForConfigOrDie(s.admin).Resource(schema.GroupVersionResource{Group: "shadow.example.com", Version: "v1", Resource: resource}).Namespace(s.namespace)
	one := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "shadow.example.com/v1", "kind": kind, "metadata": map[string]any{"name": "mine"}, "data": map[string]any{"a": elsewhere},
	}}
	for end := time.Now().Add(20 * time.Second); ; {
		_, err := shadows.Create(s.t.Context(), one, metav1.CreateOptions{})
		if err == nil {
			return
		}
		if time.Now().After(end) {
			s.t.Fatal(err)
		}
	}
}

// TestShadows: kinds that are called like others are judged, and asked for, as what
// they are.
func TestShadows(t *testing.T) {
	h := newHostile(t)
	h.shadows()
	h.begin()
	for _, a := range []attempt{
		{"get po -o name", "", "ends"}, {"get pods", "", "ends"}, {"get cm settings", "", "ends"}, {"get deploy", "", "ends"}, {"get po,cm,deploy -o name", "", "ends"}, {"get pods.shadow.example.com", "", "policy"}, {"get pods.v1.shadow.example.com -o yaml", "", "policy"},
		{"get po.shadow.example.com", "", "policy"}, {"get pod.shadow.example.com/mine", "", "policy"}, {"get secrets.shadow.example.com mine -o yaml", "", "policy"}, {"get deploy.shadow.example.com", "", "policy"}, {"get secrets", "", "policy"}, {"get cm.shadow.example.com", "", "policy"},
		{"describe pods.shadow.example.com mine", "", "policy"}, {"delete pods.shadow.example.com mine", "", "policy"}, {"label pods.shadow.example.com mine a=b", "", "policy"}, {"wait pods.shadow.example.com/mine --for=delete --timeout=1s", "", "policy"}, {"get pods.v1./box -o name", "", "ends"},
		{"apply -f -", "{apiVersion: shadow.example.com/v1, kind: Pod, metadata: {name: mine}}", "policy"}, {"apply -f -", "{apiVersion: shadow.example.com/v1, kind: ConfigMap, metadata: {name: settings}}", "policy"}, {"apply -f -", "{apiVersion: shadow.example.com/v1, kind: Secret, metadata: {name: mine}}", "policy"},
		{"create -f -", "{apiVersion: shadow.example.com/v1, kind: Pod, metadata: {generateName: mine}}", "policy"}, {"replace -f -", "{apiVersion: shadow.example.com/v1, kind: Pod, metadata: {name: box}}", "policy"}, {"delete -f -", "{apiVersion: shadow.example.com/v1, kind: Pod, metadata: {name: mine}}", "policy"},
		{"apply -f -", "{apiVersion: shadow.example.com/v2, kind: Pod, metadata: {name: mine}}", "policy"}, {"diff -f -", "{apiVersion: shadow.example.com/v1, kind: Pod, metadata: {name: mine}}", "policy"}, {"explain pods.shadow.example.com", "", "ends"}, {"logs pods.shadow.example.com/mine", "", "policy"},
		{"exec pods.shadow.example.com/mine -- id", "", "policy"}, {"create -f -", strings.NewReplacer("PLURAL", "nodes", "SINGULAR", "node", "KIND", "Node", "SHORT", "no", "SCOPE", "Cluster").Replace(shadow), "policy"},
		{"create -f -", "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: secrets.evil.example}}", "policy"}, {"create -f -", "{apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}", "policy"},
	} {
		if o := h.try(a); o.ended() != a.want {
			t.Errorf("kubectl %s: %s, want %s: %.300s", a.short(), o.ended(), a.want, o.said)
		}
	}
	h.check()
}

// TestExecGoesNowhereElse: neither way of running a command in a container follows the
// server to another host.
func TestExecGoesNowhereElse(t *testing.T) {
	s := newStage(t)
	s.box()
	b := &bait{}
	b.listen(t)
	for _, code := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect, http.StatusUseProxy, http.StatusSwitchingProtocols} {
		s.between(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/exec") {
				return false
			}
			w.Header().Set("Location", "http://"+b.host+r.URL.RequestURI())
			w.WriteHeader(code)
			return true
		})
		if _, err := s.call("exec box -- hostname", ""); err == nil {
			t.Errorf("%d: it ran", code)
		}
	}
	if n := b.connected.Load(); n > 0 {
		t.Errorf("%d connected to another host", n)
	}
}

// TestFloodsOfEscapes: what a command in a container writes without end is cut, and
// what it holds comes as it is, for whoever shows it to see to.
func TestFloodsOfEscapes(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Bytes = 100 << 10 })
	s.box()
	flood := strings.Repeat("\x1b[2J\x1b]0;owned\a\u009b31m\r", 40<<10)
	plan, err := s.conn.Describe(t.Context(), s.request("exec -i box -- cat", flood))
	if err != nil {
		t.Fatal(err)
	}
	got, err := plan.Run(t.Context(), s.gate, tools.Limits{})
	r, ok := got.(*result)
	if err != nil || !ok || !r.Truncated || len(r.Output) > 100<<10 || !strings.HasPrefix(flood, r.Output) || len(r.Output) < 50<<10 {
		t.Errorf("%v %v", ok, err)
	}
}

// TestApplyThatCreates is judged as a creation, too: who may only change what is there
// makes nothing new by it.
func TestApplyThatCreates(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.gate.allows = func(r Request) bool { return r.Verb != "create" }
	s.must("apply -f -", configMap("settings", "data: {new: x}"))
	s.refusedBy("policy", "apply -f -", configMap("fresh", "data: {a: b}"))
	// What may not be read may not be there.
	s.gate.allows = func(r Request) bool { return r.Verb == "patch" }
	s.refusedBy("policy", "apply -f -", configMap("settings", "data: {new: y}"))
	s.gate.allows = nil
	f, ok := s.describe("apply -f -", configMap("fresh", "data: {a: b}")+"\n---\n"+configMap("settings", "data: {new: z}")).Action().Facts.(*Facts)
	if !ok || len(f.Requests) != 3 || f.Requests[0].Verb != "patch" || f.Requests[1].Verb != "create" || f.Requests[1].Name != "fresh" || f.Requests[2].Name != "settings" {
		t.Errorf("%+v", f)
	}
}
