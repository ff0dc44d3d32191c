package kubectl

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// careless is the server of an extension API. It never heard of dryRun, and does
// what it is told.
type careless struct {
	group string
	mu    sync.Mutex
	did   []string
}

func (c *careless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	resources := "/apis/" + c.group + "/v1"
	switch {
	case r.URL.Path == resources:
		_, _ = fmt.Fprintf(w, `{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "%s/v1", "resources": [{"name": "trials", "singularName": "trial",
			"namespaced": true, "kind": "Trial", "verbs": ["create", "delete", "get", "list", "patch", "update"]}]}`, c.group)
	case r.URL.Path == "/openapi/v3":
		_, _ = fmt.Fprintf(w, `{"paths": {"apis/%[1]s/v1": {"serverRelativeURL": "/openapi/v3/apis/%[1]s/v1?hash=1"}}}`, c.group)
	case r.URL.Path == "/openapi/v3"+resources:
		_, _ = fmt.Fprintf(w, `{"openapi": "3.0.0", "info": {"title": "trials", "version": "1"}, "paths": {"%s/namespaces/{namespace}/trials/{name}": {"patch": {"responses": {},
			"x-kubernetes-group-version-kind": {"group": "%s", "version": "v1", "kind": "Trial"}}}}}`, resources, c.group)
	case !strings.HasPrefix(r.URL.Path, resources+"/namespaces/"):
		http.NotFound(w, r)
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/trials/new"):
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}`)
	case r.Method == http.MethodGet:
		_, _ = fmt.Fprintf(w, `{"kind": "Trial", "apiVersion": "%s/v1", "metadata": {"name": "old", "resourceVersion": "1"}}`, c.group)
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.did = append(c.did, r.Method+" "+r.URL.RequestURI())
		_, _ = fmt.Fprintf(w, `{"kind": "Trial", "apiVersion": "%s/v1", "metadata": {"name": "new", "resourceVersion": "2"}}`, c.group)
	}
}

// aggregate has the API server hand the group on to a server of its own.
func (s *stage) aggregate(group string, to http.Handler) {
	s.t.Helper()
	server := httptest.NewTLSServer(to)
	s.t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	s.must("apply -f -", fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: outside}, spec: {type: ExternalName, externalName: localhost}}
---
{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.%s}, spec: {group: %s, version: v1, groupPriorityMinimum: 1, versionPriority: 1,
	insecureSkipTLSVerify: true, service: {name: outside, namespace: %s, port: %s}}}`, group, group, s.namespace, at.Port()))
	s.t.Cleanup(func() {
		_ = s.client.Discovery().RESTClient().Delete().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices/v1." + group).Do(context.Background()).Error()
	})
	s.must("wait --for=condition=Available --timeout=20s apiservice/v1." + group)
	for start := time.Now(); ; {
		_, err := s.call("get trials."+group+" old", "")
		if err == nil {
			return
		}
		if time.Since(start) > 20*time.Second {
			s.t.Fatal(err)
		}
	}
}

// TestNoTrialWithoutDryRun: an API that does not say that it knows dryRun would do
// for good what is only to be tried. Its group may be called like one of the API
// server's own.
func TestNoTrialWithoutDryRun(t *testing.T) {
	for _, group := range []string{"trial.example.com", "trial.k8s.io", "trial"} {
		t.Run(group, func(t *testing.T) {
			s, c := newStage(t), &careless{group: group}
			s.aggregate(group, c)
			manifest := fmt.Sprintf("{apiVersion: %s/v1, kind: Trial, metadata: {name: new}}", group)
			s.refusedBy("no-rehearsal", "create -f -", manifest)
			s.refusedBy("no-rehearsal", "apply -f -", manifest)
			s.refusedBy("no-rehearsal", "diff -f -", strings.ReplaceAll(manifest, "new", "old"))
			for _, line := range []string{"delete trials.%s old", "label trials.%s old a=b", "annotate trials.%s old a=b", `patch trials.%s old --type=merge -p '{"spec":{}}'`} {
				s.refusedBy("no-rehearsal", fmt.Sprintf(line, group), "")
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, did := range c.did {
				// The namespaces of other tests go away meanwhile, with all that is in them.
				if strings.Contains(did, "/"+s.namespace+"/") {
					t.Errorf("it was told to %s", did)
				}
			}
		})
	}
}
