package kubectl

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// description is one of OpenAPI in which Pod is a schema; more may follow it.
func description(schemas string) string {
	return `{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{"/api/v1/namespaces/{namespace}/pods":{"get":{"x-kubernetes-group-version-kind":{"group":"","version":"v1","kind":"Pod"}}}},
		"components":{"schemas":{"Pod":{"x-kubernetes-group-version-kind":[{"group":"","version":"v1","kind":"Pod"}],` + schemas + `}}}`
}

// TestDescriptionsThatDoNotEnd: kubectl explain writes out what refers to itself, or
// twice to what refers twice, for as long as there is memory.
func TestDescriptionsThatDoNotEnd(t *testing.T) {
	s := newStage(t)
	doubling := `"properties":{"a":{"$ref":"#/components/schemas/L0"}}}`
	for i := range 40 {
		doubling += fmt.Sprintf(`,"L%d":{"properties":{"x":{"$ref":"#/components/schemas/L%d"},"y":{"$ref":"#/components/schemas/L%d"}}}`, i, i+1, i+1)
	}
	before := heap()
	for schemas, ends := range map[string]bool{
		`"properties":{"a":{"$ref":"#/components/schemas/Pod"}}}`: true,
		`"properties":{"a":{"$ref":"#/components/schemas/B"},"b":{"$ref":"#/components/schemas/B"}}},"B":{"properties":{"a":{"$ref":"#/components/schemas/Pod"}}}`: true,
		`"allOf":[{"$ref":"#/components/schemas/Pod"}]}`: false, `"items":{"$ref":"#/components/schemas/Pod"}}`: false, `"additionalProperties":{"$ref":"#/components/schemas/Pod"}}`: false,
		`"properties":{"a":` + strings.Repeat(`{"properties":{"a":`, 2000) + `{}` + strings.Repeat("}}", 2000) + "}}": false, doubling: false,
		`"properties":{"a":{"$ref":"#/components/schemas/Pod/properties/a"}}}`: false, `"properties":{"a":{"$ref":"http://127.0.0.1:1/x"}}}`: false,
	} {
		s.answers("/openapi/v3/api/v1", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, description(schemas)) })
		for _, line := range []string{"explain pods", "explain pods --recursive", "explain pods.a.a --recursive"} {
			r, err := s.call(line, "")
			if refused := err != nil && strings.Contains(err.Error(), "it goes on for too long"); refused == ends {
				t.Errorf("%s of %.80s: %+v %v", line, schemas, r, err)
			}
		}
	}
	if now := heap(); now-before > 256 {
		t.Errorf("it takes %d MB", now-before)
	}
}

// TestWhatThereIsCanBeExplained, to its last field.
func TestWhatThereIsCanBeExplained(t *testing.T) {
	s := newStage(t)
	for kind := range strings.FieldsSeq("pods deployments.apps cronjobs.batch customresourcedefinitions horizontalpodautoscalers ingresses validatingadmissionpolicies persistentvolumes") {
		if r, err := s.call("explain --recursive "+kind, ""); err != nil || r.ExitCode != 0 || strings.Count(r.Output, "\n") < 50 {
			t.Errorf("%s: %+v %v", kind, r, err)
		}
	}
}

// lies are what a server may say that it has to offer, by where it is asked. NS is a
// namespace, HOST another host.
func lies() map[string]string {
	const resources = `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"v1","resources":[%s]}`
	resource := func(name, kind string, namespaced bool) string {
		return fmt.Sprintf(`{"name":%q,"singularName":"","namespaced":%v,"kind":%q,"verbs":["get","list","watch","create","patch","delete"],"shortNames":["po","cm"],"categories":["all"]}`, name, namespaced, kind)
	}
	of := func(all ...string) string { return fmt.Sprintf(resources, strings.Join(all, ",")) }
	var many, groups []string
	for i := range 300 {
		many = append(many, resource(fmt.Sprint("pods", i), "Pod", true))
		groups = append(groups, fmt.Sprintf(`{"name":"g%d.example","versions":[{"groupVersion":"g%d.example/v1","version":"v1"}]}`, i, i))
	}
	group := func(name, version string) string {
		return fmt.Sprintf(`{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":%q,"versions":[{"groupVersion":%q,"version":"v1"}],"preferredVersion":{"groupVersion":%q,"version":"v1"}}]}`, name, version, version)
	}
	return map[string]string{
		"/api/v1 swapped":       of(resource("secrets", "Pod", true), resource("pods", "Secret", true), resource("secrets", "ConfigMap", true)),
		"/api/v1 slashes":       of(resource("pods/../../secrets", "Pod", true), resource("../secrets", "ConfigMap", true), resource("pods/../secrets/db", "Secret", true)),
		"/api/v1 beyond":        of(resource("namespaces/OTHER/configmaps", "Pod", false), resource("nodes", "ConfigMap", false)),
		"/api/v1 in none":       of(resource("pods", "Pod", false), resource("configmaps", "ConfigMap", false)),
		"/api/v1 odd":           of(`null`, `5`, `{"name":"","kind":""}`, resource("pods\u0000", "\u001b[2J", true)),
		"/api/v1 many":          of(many...),
		"/api/v1 others":        `{"kind":"APIResourceList","groupVersion":"../../api/v1","resources":[` + resource("secrets", "Pod", true) + `]}`,
		"/api versions":         `{"kind":"APIVersions","versions":["v1/namespaces/NS/secrets","../apis/apps/v1","v1/namespaces/OTHER/configmaps/hidden"]}`,
		"/apis upwards":         group("x", "../api/v1/namespaces/NS/secrets"),
		"/apis within":          group("apps", "apps/v1/namespaces/NS/deployments"),
		"/apis hosts":           group("x", "//HOST/x"),
		"/apis queries":         group("x", "apps/v1?watch=1#"),
		"/apis many":            `{"kind":"APIGroupList","apiVersion":"v1","groups":[` + strings.Join(groups, ",") + `]}`,
		"/openapi/v3 elsewhere": `{"paths":{"api/v1":{"serverRelativeURL":"/api/v1/namespaces/NS/secrets"},"apis/apps/v1":{"serverRelativeURL":"https://HOST/x"}}}`,
		"/openapi/v3 hosts":     `{"paths":{"api/v1":{"serverRelativeURL":"//HOST/openapi/v3"},"apis/apps/v1":{"serverRelativeURL":"/openapi/v3/../../api/v1/secrets"}}}`,
		"/openapi/v3 exec":      `{"paths":{"api/v1":{"serverRelativeURL":"/api/v1/namespaces/NS/pods/box/exec?command=id&stdout=true"}}}`,
	}
}

// TestLyingOffers: wherever the server's word on what it has to offer leads kubectl,
// what it asks for is judged as what it is, and by the API server's own log nothing
// else is asked.
func TestLyingOffers(t *testing.T) {
	s, other := newStage(t, func(c *Config) { c.Timeout = 5 * time.Second }), newStage(t)
	other.must("create configmap hidden --from-literal=a=" + elsewhere)
	s.must("apply -f -", webManifest)
	s.box()
	h := &hostile{stage: s, other: other, bait: &bait{}}
	h.bait.listen(t)
	h.begin()
	in := strings.NewReplacer("NS", s.namespace, "OTHER", other.namespace, "HOST", h.bait.host)
	for where, lie := range lies() {
		path, _, _ := strings.Cut(where, " ")
		s.between(func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, in.Replace(lie))
			return true
		})
		for _, a := range []attempt{
			{line: "get pods -o yaml"}, {line: "get po,cm"}, {line: "get secrets -o json"}, {line: "get all"}, {line: "describe pod box"}, {line: "explain pods"}, {line: "api-resources"}, {line: "exec box -- id"},
			{line: "delete pods --all"}, {line: "get pods0 x"}, {line: "apply -f -", stdin: configMap("lied", "data: {a: b}")}, {line: "label pod box a=b"}, {line: "get secrets.v1.x"}, {line: "logs box"},
		} {
			if o := h.try(a); o.err != nil && strings.Contains(o.err.Error(), "panicked") {
				t.Errorf("%s: %s: %v", where, a.line, o.err)
			}
		}
	}
	h.checkLies()
	if n := h.bait.connected.Load(); n > 0 {
		t.Errorf("%d connected to another host", n)
	}
}

// checkLies is check where all come as the administrator.
func (h *hostile) checkLies() {
	h.t.Helper()
	callers := map[string]*outcome{}
	for _, o := range h.tried {
		callers[o.caller.Subject] = o
		for _, leak := range []string{elsewhere, "hunter2", "aHVudGVyMg"} {
			if strings.Contains(o.said, leak) {
				h.t.Errorf("kubectl %s shows what is hidden: %.300s", o.short(), o.said)
			}
		}
	}
	heard := 0
	for _, e := range h.cluster.Audit(h.t) {
		if !h.before[e.AuditID] && (e.ImpersonatedUser != nil || !strings.Contains(e.UserAgent, " kubernetes/")) { // clients of others say that
			heard++
			h.compare(e, callers)
		}
	}
	if heard < leastHeard {
		h.t.Errorf("the API server heard of %d requests only", heard)
	}
}

// TestKindsThatAreDescribedLater: the server tells of a kind before it describes it.
func TestKindsThatAreDescribedLater(t *testing.T) {
	s := newStage(t)
	kind := "told" + strings.ReplaceAll(s.namespace, "-", "")
	s.ownKind(kind)
	var asked atomic.Int64
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/openapi/v3" || asked.Add(1) > 1 {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"paths":{}}`)
		return true
	})
	manifest := "{apiVersion: own.example.com/v1, kind: " + kind + ", metadata: {name: a}}"
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		// The server itself needs a moment to describe it.
		if _, err = s.call("create --validate=false -f -", manifest); err == nil {
			return
		}
	}
	t.Error(err)
}
