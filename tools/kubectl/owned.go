package kubectl

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"regexp"

	"github.com/chaperone-dev/chaperone/tools"
)

// passing are times and versions that kubectl writes into what it sends, and that
// differ from one rehearsal to the next.
var passing = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"|"resourceVersion": *"\d+"`)

// goesAlong is what goes with an object that is deleted, and nobody lists.
var goesAlong = map[string]string{
	"namespaces": "everything that is in it", "customresourcedefinitions": "every object of that kind", "nodes": "every pod on it",
}

// owned are the kinds that the garbage collector takes along with workloads, whose
// controllers make them.
var owned = []string{
	"/api/v1/namespaces/%s/pods", "/apis/apps/v1/namespaces/%s/replicasets", "/apis/batch/v1/namespaces/%s/jobs",
	"/apis/apps/v1/namespaces/%s/controllerrevisions", "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices",
}

// ownedByOthers are more kinds, which may belong to an object of any other kind.
var ownedByOthers = append([]string{
	"/api/v1/namespaces/%s/configmaps", "/api/v1/namespaces/%s/secrets", "/api/v1/namespaces/%s/services", "/api/v1/namespaces/%s/serviceaccounts",
	"/api/v1/namespaces/%s/persistentvolumeclaims", "/apis/apps/v1/namespaces/%s/deployments", "/apis/apps/v1/namespaces/%s/statefulsets",
	"/apis/apps/v1/namespaces/%s/daemonsets", "/apis/batch/v1/namespaces/%s/cronjobs", "/apis/networking.k8s.io/v1/namespaces/%s/ingresses",
	"/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies", "/apis/policy/v1/namespaces/%s/poddisruptionbudgets",
	"/apis/autoscaling/v2/namespaces/%s/horizontalpodautoscalers", "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/roles",
	"/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings",
}, owned...)

// ownedBy are the kinds among which to look for what belongs to an object.
func ownedBy(r Request) []string {
	if r.Group == "apps" || r.Group == "batch" || r.Group == "" && (r.Resource == "pods" || r.Resource == "services") {
		return owned
	}
	return ownedByOthers
}

// metadataOnly is how to ask for a list without what its objects are made of.
const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

type ownedObject struct {
	kind, name, uid string
	owners          []string
	taken           bool
}

// owned lists the objects of a kind with their owners; none where policy, or the
// cluster, does not let them be read.
func (p *writePlan) owned(ctx context.Context, w *wire, at string) ([]ownedObject, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.cluster.address(at), nil)
	if err != nil {
		return nil, err
	}
	named, _, err := nameRequest(r)
	if err != nil {
		return nil, err
	}
	if _, err := ask(ctx, p.gate, p.command, named); err != nil {
		return nil, nil //nolint:nilerr // what may not be read is not named
	}
	list, err := w.read(ctx, at, metadataOnly)
	var f *tools.Failure
	if errors.As(err, &f) && f.Code == fmt.Sprint(http.StatusForbidden) {
		return nil, nil
	}
	if err != nil || list == nil {
		return nil, err
	}
	var out []ownedObject
	items, _ := list["items"].([]any)
	for _, item := range items {
		object, _ := item.(map[string]any)
		o := ownedObject{kind: path.Base(at), name: field(object, "metadata", "name"), uid: field(object, "metadata", "uid")}
		meta, _ := object["metadata"].(map[string]any)
		refs, _ := meta["ownerReferences"].([]any)
		for _, ref := range refs {
			owner, _ := ref.(map[string]any)
			o.owners = append(o.owners, field(owner, "uid"))
		}
		out = append(out, o)
	}
	return out, nil
}
