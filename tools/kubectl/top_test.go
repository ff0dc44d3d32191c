package kubectl

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// The metrics API that a cluster has when a metrics server runs in it, in front of
// the API server: its discovery, and what it says.
const (
	metricsGroup   = `{"name":"metrics.k8s.io","versions":[{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}],"preferredVersion":{"groupVersion":"metrics.k8s.io/v1beta1","version":"v1beta1"}}`
	metricsKinds   = `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"metrics.k8s.io/v1beta1","resources":[{"name":"nodes","singularName":"","namespaced":false,"kind":"NodeMetrics","verbs":["get","list"]},{"name":"pods","singularName":"","namespaced":true,"kind":"PodMetrics","verbs":["get","list"]}]}`
	metricsOfNodes = `{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[{"metadata":{"name":"node-1","labels":{"kubernetes.io/hostname":"node-1"}},"timestamp":"2026-01-01T00:00:00Z","window":"10s","usage":{"cpu":"1250m","memory":"3Gi"}}]}`
	metricsOfPod   = `{"metadata":{"name":%q,"namespace":%q,"labels":{"app":%q}},"timestamp":"2026-01-01T00:00:00Z","window":"10s","containers":[{"name":"main","usage":{"cpu":"%dm","memory":"%dMi"}},{"name":"side","usage":{"cpu":"5m","memory":"20Mi"}}]}`
)

// metrics answers for the metrics API.
func (s *stage) metrics(w http.ResponseWriter, r *http.Request) bool {
	pods := func(namespaces ...string) string {
		var items []string
		for i, namespace := range namespaces {
			for j, name := range []string{"web-a", "web-b", "db"} {
				if app := strings.Split(name, "-")[0]; r.URL.Query().Get("labelSelector") == "" || r.URL.Query().Get("labelSelector") == "app="+app {
					items = append(items, fmt.Sprintf(metricsOfPod, name, namespace, app, 100*(3-j)+i, 10+50*j))
				}
			}
		}
		return `{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[` + strings.Join(items, ",") + `]}`
	}
	body := ""
	switch r.URL.Path {
	case "/api":
		body = `{"kind":"APIVersions","versions":["v1"]}`
	case "/apis":
		body = `{"kind":"APIGroupList","apiVersion":"v1","groups":[` + metricsGroup + `]}`
	case "/apis/metrics.k8s.io/v1beta1":
		body = metricsKinds
	case "/apis/metrics.k8s.io/v1beta1/nodes":
		body = metricsOfNodes
	case "/apis/metrics.k8s.io/v1beta1/pods":
		body = pods("apart", s.namespace)
	case "/apis/metrics.k8s.io/v1beta1/namespaces/" + s.namespace + "/pods":
		body = pods(s.namespace)
	case "/apis/metrics.k8s.io/v1beta1/namespaces/" + s.namespace + "/pods/db":
		body = fmt.Sprintf(`{"kind":"PodMetrics","apiVersion":"metrics.k8s.io/v1beta1",`+metricsOfPod[1:], "db", s.namespace, "db", 7, 70)
	default:
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(body))
	return true
}

// TestTopIsKubectls where there are metrics.
func TestTopIsKubectls(t *testing.T) {
	s := newStage(t)
	s.between(s.metrics)
	for _, line := range []string{
		"top nodes", "top node node-1", "top nodes --no-headers", "top nodes --show-capacity", "top nodes --sort-by=cpu", "top nodes -l a=b",
		"top pods", "top pods --containers", "top pods --sum", "top pods --containers --sum", "top pods --sort-by=cpu", "top pods --sort-by=memory", "top pods --no-headers",
		"top pods -l app=web", "top pods -l app=none", "top pod db", "top pod db --containers", "top pods -A", "top pods -A --sum", "top pods --sort-by=name", "top pod none", "top pods --field-selector=metadata.name=db",
	} {
		want, wantErr, code := s.kubectl(s.namespace, line, "")
		got, gotErr := "", ""
		switch r, err := s.call(line, ""); {
		case err != nil:
			gotErr = err.Error()
		default:
			got, gotErr = r.Output, r.Errors
		}
		if got != want || strings.TrimSpace(gotErr) != strings.TrimSpace(wantErr) || code == 0 && want == "" && wantErr == "" {
			t.Errorf("%s (%d) prints\n%s%s\nand here\n%s%s", line, code, want, wantErr, got, gotErr)
		}
	}
	// A rule sees what is read.
	for line, resource := range map[string]string{"top pods": "pods", "top nodes": "nodes"} {
		plan, err := s.conn.Describe(t.Context(), s.request(line, ""))
		if err != nil {
			t.Fatal(err)
		}
		f, ok := plan.Action().Facts.(*Facts)
		if !ok || len(f.Requests) != 1 || f.Requests[0].Group != "metrics.k8s.io" || f.Requests[0].Resource != resource || f.Requests[0].Verb != "list" {
			t.Errorf("%s: %+v", line, plan.Action().Facts)
		}
	}
}
