package kubectl

import (
	"errors"
	"io"
	"net/http"

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
