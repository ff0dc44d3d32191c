package kubectl

import (
	"context"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/openapi"
)

// rehearses refuses a change that the server might carry out although it was told
// to try it: one of an API that another server stands behind, and that does not
// say that it knows dryRun.
func (k *cluster) rehearses(ctx context.Context, r Request) error {
	if !custom(r.Group + "/" + r.Version) {
		return nil
	}
	kind, err := k.mapper.KindFor(schema.GroupVersionResource{Group: r.Group, Version: r.Version, Resource: r.Resource})
	if err == nil && (k.dryRunOf(kind, k.discovery.OpenAPIV3()) == nil || k.describesSoon(ctx, kind)) {
		return nil
	}
	return refused("no-rehearsal", "the API "+r.Group+" does not say that it can try a change without making it", "")
}

// dryRunOf looks for dryRun in the server's description of a kind.
func (k *cluster) dryRunOf(kind schema.GroupVersionKind, described openapi.Client) error {
	return resource.NewQueryParamVerifierV3(dynamic.NewForConfigOrDie(k.clientConfig(cutOff{})), described, "dryRun").HasSupport(kind)
}

const (
	// describedIn is how long a server may take to describe a kind that it serves
	// already.
	describedIn = 2 * time.Second
	// askedEvery is how often it is asked meanwhile.
	askedEvery = 100 * time.Millisecond
)

// describesSoon looks for dryRun of a kind that may be a new one: what is remembered is
// from before it, and the server describes it a moment after it serves it.
func (k *cluster) describesSoon(ctx context.Context, kind schema.GroupVersionKind) bool {
	ctx, cancel := context.WithTimeout(ctx, describedIn)
	defer cancel()
	again := time.NewTicker(askedEvery)
	defer again.Stop()
	for {
		described := k.described()
		err := k.dryRunOf(kind, described)
		if err == nil {
			k.discovery.Invalidate()
			return true
		}
		// Of what is not described at all it says the same.
		all, _ := described.Paths()
		if _, listed := all["apis/"+kind.GroupVersion().String()]; listed && resource.IsParamUnsupportedError(err) {
			return false
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return false
		}
	}
}

// cutOff sends nothing: what is not in the server's description is not looked for
// elsewhere.
type cutOff struct{}

// RoundTrip implements http.RoundTripper.
func (cutOff) RoundTrip(*http.Request) (*http.Response, error) { return nil, errCut }
