package kubectl

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

// hook is a webhook of the API server's, which never answers the first request that
// it counts.
type hook struct {
	*httptest.Server
	// counts says which it counts, and answers what it says to the others.
	counts  func(request map[string]any) bool
	answers func(request map[string]any) map[string]any
	asked   atomic.Int64
	// stuck is closed when one waits for its answer.
	stuck chan struct{}
}

func newHook(t *testing.T, counts func(map[string]any) bool, answers func(map[string]any) map[string]any) *hook {
	t.Helper()
	h := &hook{counts: counts, answers: answers, stuck: make(chan struct{})}
	h.Server = httptest.NewTLSServer(h)
	t.Cleanup(h.Close)
	return h
}

// ServeHTTP implements http.Handler.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review map[string]any
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	request, _ := review["request"].(map[string]any)
	if h.counts(request) && h.asked.Add(1) == 1 {
		close(h.stuck)
		<-r.Context().Done()
		return
	}
	response := h.answers(request)
	response["uid"] = request["uid"]
	delete(review, "request")
	review["response"] = response
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review)
}

// where is how the API server finds it.
func (h *hook) where() string {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw})
	return `{url: "` + h.URL + `", caBundle: ` + base64.StdEncoding.EncodeToString(ca) + "}"
}

// applies applies manifests as the administrator, with the stage's namespace in them.
func (s *stage) applies(manifests string) {
	s.t.Helper()
	if err := s.cluster.Apply(s.t.Context(), "kubectl", strings.ReplaceAll(manifests, "NAMESPACE", s.namespace)); err != nil {
		s.t.Fatal(err)
	}
}

const asksHook = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAMESPACE}
webhooks:
- name: changes.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 30
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
  rules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [UPDATE]}]
  clientConfig: HOOK
`

// TestRestartWhileAChangeIsMade: of a change that the API server was at when it was
// killed nobody knows whether it was made, and it is not sent again.
func TestRestartWhileAChangeIsMade(t *testing.T) {
	s := newMortal(t)
	s.must("create configmap a --from-literal=k=v")
	h := newHook(t, func(request map[string]any) bool { return request["dryRun"] != true },
		func(map[string]any) map[string]any { return map[string]any{"allowed": true} })
	s.applies(strings.ReplaceAll(asksHook, "HOOK", h.where()))
	u := s.begin("label cm a made=yes")
	<-h.stuck
	s.cluster.Kill()
	<-u.done
	s.lost(u.err)
	s.cluster.Again(t)
	if out := s.must("get cm a -o jsonpath={.metadata.labels}"); out != "" || h.asked.Load() != 1 {
		t.Errorf("it came %d times, and the labels are %q", h.asked.Load(), out)
	}
	s.must("label cm a made=later")
}

// TestRestartBeforeTheAnswer: the same where the change was made, and its answer lost.
func TestRestartBeforeTheAnswer(t *testing.T) {
	s := newMortal(t)
	s.must("create configmap a --from-literal=k=v")
	straight := s.conn
	sent := s.answered(func(w http.ResponseWriter) {
		s.cluster.Kill()
		hangUp(w)
	})
	_, err := s.call("label cm a made=yes", "")
	s.lost(err)
	s.cluster.Again(t)
	s.conn = straight
	if out := s.must("get cm a -o jsonpath={.metadata.labels.made}"); out != "yes" || sent.Load() != 1 {
		t.Errorf("it was sent %d times, and made is %q", sent.Load(), out)
	}
}

const convertedKind = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.hooked.example.com}
spec:
  group: hooked.example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing}
  conversion: {strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: HOOK}}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

// convert is the answer of a webhook that makes v2 of v1, and back.
func convert(request map[string]any) map[string]any {
	objects, _ := request["objects"].([]any)
	for _, o := range objects {
		if object, ok := o.(map[string]any); ok {
			object["apiVersion"] = request["desiredAPIVersion"]
		}
	}
	return map[string]any{"result": map[string]any{"status": "Success"}, "convertedObjects": objects}
}

// TestRestartWhileItReads: a read that the API server was at when it was killed has
// done nothing, and that it can't be reached is what its caller learns.
func TestRestartWhileItReads(t *testing.T) {
	s := newMortal(t)
	h := newHook(t, func(map[string]any) bool { return true }, convert)
	s.applies(strings.ReplaceAll(convertedKind, "HOOK", h.where()))
	s.described("hooked.example.com", "Thing")
	s.must("create -f -", "{apiVersion: hooked.example.com/v1, kind: Thing, metadata: {name: one}}")
	u := s.begin("get things.v2.hooked.example.com -o name")
	<-h.stuck
	s.cluster.Kill()
	<-u.done
	var refusal *tools.Refusal
	if !errors.As(u.err, &refusal) || refusal.Rule != "unreachable" || !refusal.Later {
		t.Errorf("%+v", u.err)
	}
	s.cluster.Again(t)
	if out := s.must("get things.v2.hooked.example.com -o name"); out != "thing.hooked.example.com/one\n" {
		t.Error(out)
	}
}
