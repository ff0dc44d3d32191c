package kubectl

import (
	"context"
	"net/http"
	"path"
	"regexp"
)

// passing are times and versions that kubectl writes into what it sends, and that
// differ from one rehearsal to the next.
var passing = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"|"resourceVersion": *"\d+"`)

// owned lists the objects of a kind with their owners; none where policy does not
// let them be read.
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
	list, err := w.object(ctx, at)
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
