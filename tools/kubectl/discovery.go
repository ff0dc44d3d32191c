package kubectl

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
)

// ordered is what the server has to offer, in the server's order: of what came in
// one piece, client-go makes a map. kubectl get all prints in that order.
type ordered struct {
	discovery.CachedDiscoveryInterface
}

// ServerGroupsAndResources implements discovery.DiscoveryInterface. ordered does
// not say that it could have all in one piece, so that it is put together in order.
func (o ordered) ServerGroupsAndResources() ([]*metav1.APIGroup, []*metav1.APIResourceList, error) {
	return discovery.ServerGroupsAndResources(o)
}

// renewed is what the server has to offer, for a mapper that renews it when
// something is asked for that is not in it: it may have come since.
type renewed struct {
	discovery.CachedDiscoveryInterface

	mu sync.Mutex
	// renewed says that it was renewed, and that nobody has looked for anything
	// since; looked is when somebody had.
	renewed bool
	looked  time.Time
}

// renewEvery bounds how often it is renewed for what does not come.
const renewEvery = 2 * time.Second

// Invalidate implements discovery.CachedDiscoveryInterface.
func (r *renewed) Invalidate() {
	r.CachedDiscoveryInterface.Invalidate()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.renewed = true
}

// Fresh implements discovery.CachedDiscoveryInterface. What was just renewed is,
// however long that took.
func (r *renewed) Fresh() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.renewed {
		r.renewed, r.looked = false, time.Now()
	}
	return time.Since(r.looked) < renewEvery
}

// offers sends only what asks for what the server has to offer. Where to ask for more
// of that the server says itself, and these requests nobody judges.
type offers struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o offers) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, discovery, err := nameRequest(r); err != nil || !discovery {
		return nil, refused("request", "the API server has kubectl ask for "+r.URL.Path+", which says nothing of what it has to offer", "")
	}
	return o.next.RoundTrip(r)
}

// bounded gives back no more of an answer than fits into memory: client-go reads
// what the server has to offer to its end.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	return boundBody(response), err
}

func boundBody(response *http.Response) *http.Response {
	if response != nil {
		response.Body = &boundedBody{response.Body, maxAnswer}
	}
	return response
}

// errEndless is what a reader gets of an answer that does not end.
var errEndless = errors.New("the server's answer is longer than any should be")

type boundedBody struct {
	io.ReadCloser
	left int
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errEndless
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
