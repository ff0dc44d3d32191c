package kubectl

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/toolstest"
)

// kept are the resources that a digest of the stage's namespace is of.
var kept = []schema.GroupVersionResource{
	{Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "services"},
	{Group: "apps", Version: "v1", Resource: "deployments"}, {Group: "batch", Version: "v1", Resource: "cronjobs"},
	{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}, {Group: "policy", Version: "v1", Resource: "poddisruptionbudgets"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"}, {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	{Version: "v1", Resource: "serviceaccounts"}, {Version: "v1", Resource: "resourcequotas"}, {Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"},
}

// digest is of all that was asked for in the stage's namespace.
func (s *stage) digest(t *testing.T) string {
	t.Helper()
	client := dynamic.NewForConfigOrDie(s.admin)
	sum := sha256.New()
	for _, resource := range kept {
		list, err := client.Resource(resource).Namespace(s.namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			data, err := json.Marshal(plainObject(item.Object))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(sum, "%s %s %s\n", resource.Resource, item.GetUID(), data)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func TestSuite(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	request := func(tool, line, stdin string) tools.Request {
		r := s.request(line, stdin)
		r.Tool = tool
		return r
	}
	toolstest.Run(t, toolstest.Suite{
		Family: Family{}, Connection: s.conn, State: s.digest,
		Reads: []tools.Request{
			request(toolRead, "get pods", ""), request(toolRead, "describe deploy web", ""), request(toolRead, "get deploy,cm,secret -o yaml", ""),
			request(toolRead, "auth can-i list pods", ""), request(toolRead, "explain pods.spec", ""), request(toolRead, "version", ""),
			request(toolRead, "events", ""), request(toolRead, "api-resources", ""), request(toolRead, "rollout history deploy/web", ""),
		},
		Changes: []tools.Request{
			request(toolWrite, "scale deploy/web --replicas=1", ""), request(toolWrite, "label cm settings team=a", ""),
			request(toolWrite, "annotate cm settings note=x", ""), request(toolWrite, "set image deploy/web web=nginx:3", ""),
			request(toolWrite, "patch cm settings -p '{\"data\":{\"mode\":\"slow\"}}'", ""),
			request(toolWrite, "replace -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {mode: new}\n"),
			request(toolWrite, "apply -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: b}\n"),
		},
		Refused: []tools.Request{
			request(toolRead, "delete deploy web", ""), request(toolRead, "get --raw /api", ""), request(toolWrite, "get pods", ""),
			request(toolWrite, "apply -f /etc/passwd", ""), request(toolWrite, "config view", ""), request(toolRead, "proxy", ""),
			request(toolWrite, "create configmap settings --from-literal=a=b", ""), request(toolWrite, "delete pod nothing", ""),
		},
	})
}
