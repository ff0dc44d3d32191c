package kubectl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/discovery"

	"github.com/chaperone-dev/chaperone/tools"
)

// trouble is why a request did not get to the API server, or not past its door:
// nothing was done.
type trouble struct {
	// rule and reason are for the caller, who learns no host and no account.
	rule, reason string
	// later says that it may pass by itself.
	later bool
	// detail and fix are for the operator. They hold no secret.
	detail, fix string
	cause       error
}

// Error implements error, for the operator.
func (t *trouble) Error() string { return oneLine(t.reason + ": " + t.detail) }

// Unwrap gives the refusal that callers get, and the cause.
func (t *trouble) Unwrap() []error { return []error{t.refusal(), t.cause} }

func (t *trouble) refusal() *tools.Refusal {
	return &tools.Refusal{Rule: t.rule, Reason: t.reason, Hint: "tell the operator to run `chaperone doctor`", Later: t.later}
}

// maxDetail bounds what others wrote.
const maxDetail = 500

// oneLine is a text without breaks and not too long.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[:min(len(text), maxDetail)], "")
}

// troubleOf says what an error means of which it is known that the server did
// not get the request; nil of all others.
func troubleOf(err error) *trouble {
	t := &trouble{rule: "unreachable", reason: "the API server can't be reached", later: true, cause: err, fix: "check the address, the network, and that the server runs"}
	var own *trouble
	var dial *net.OpError
	var groups *discovery.ErrGroupDiscoveryFailed
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return own
	case errors.As(err, new(*tools.Refusal)):
		return nil
	case errors.As(err, &groups):
		return troubleOf(errors.Join(slices.Collect(maps.Values(groups.Groups))...))
	case untrusted(err):
		t.later, t.reason = false, "the API server's certificate is not one that the connection trusts"
		t.fix = "check that the address is the cluster's and the certificate authority its own"
	case errors.As(err, new(*net.DNSError)), errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect"):
	default:
		return nil
	}
	t.detail = err.Error()
	return t
}

// untrusted reports whether the server is not who it should be.
func untrusted(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.UnknownAuthorityError)) ||
		errors.As(err, new(x509.HostnameError)) || errors.As(err, new(x509.CertificateInvalidError)) || errors.As(err, new(tls.RecordHeaderError))
}

// slow is the trouble of a server that says nothing.
func slow(err error) *trouble {
	return &trouble{
		rule: "unreachable", reason: "the API server does not answer in time", later: true, cause: err,
		detail: "nothing came back", fix: "check the network, firewalls on the way, and how busy the server is",
	}
}

// entrance sends requests, and once more with a new credential those that the
// server turned away for their old one: it did nothing then.
type entrance struct {
	next http.RoundTripper
	// renews says that there may be a new credential.
	renews bool
	// last is what kept the last request of any call out, or nil: then the server is
	// to be looked for anew.
	last atomic.Pointer[trouble]
}

// RoundTrip implements http.RoundTripper.
func (e *entrance) RoundTrip(r *http.Request) (*http.Response, error) {
	// What is below may write into it.
	response, err := e.next.RoundTrip(r.Clone(r.Context()))
	if e.renews && turnedAway(response, err) && (r.Body == nil || r.Body == http.NoBody || r.GetBody != nil) {
		finish(response)
		response, err = e.again(r)
	}
	if turnedAway(response, err) {
		finish(response)
		response, err = nil, &trouble{
			rule: "credentials", reason: "the API server does not accept the connection's credentials",
			detail: "it answers 401", fix: "give the connection a credential that is good: it expired, was revoked, or is another cluster's",
		}
	}
	t := troubleOf(err)
	if t != nil {
		e.last.Store(t)
		return nil, t
	}
	if err == nil {
		e.last.Store(nil)
	}
	return response, err
}

func (e *entrance) again(r *http.Request) (*http.Response, error) {
	again := r.Clone(r.Context())
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	return e.next.RoundTrip(again)
}

func turnedAway(response *http.Response, err error) bool {
	return err == nil && response.StatusCode == http.StatusUnauthorized
}

// finish lets the connection be used again.
func finish(response *http.Response) {
	_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
	_ = response.Body.Close()
}

// CloseIdleConnections ends what is kept open.
func (e *entrance) CloseIdleConnections() { utilnet.CloseIdleConnectionsFor(e.next) }

// overtaken reports whether an error is that of a call which took too long or was
// given up.
func overtaken(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
