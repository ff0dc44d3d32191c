package kubectl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/transport"

	"github.com/chaperone-dev/chaperone/tools"
)

// cluster is an API server and what we know of it. It is shared by all calls of
// a connection.
type cluster struct {
	host       string
	namespace  string
	namespaces []string
	// wide says that what is in no namespace may be read nevertheless.
	wide        bool
	impersonate bool
	// credential sends requests as us.
	credential http.RoundTripper
	entrance   *entrance
	config     *rest.Config
	discovery  discovery.CachedDiscoveryInterface
	// described is what the server says of its kinds now.
	described func() openapi.Client
	mapper    meta.RESTMapper
}

// newCluster prepares to reach a server. Nothing is sent.
func newCluster(config *rest.Config, c *Config) (*cluster, error) {
	catch()
	config = rest.CopyConfig(config)
	config.Impersonate = rest.ImpersonationConfig{}
	config.QPS = -1
	renews := config.WrapTransport != nil || config.BearerTokenFile != "" || config.ExecProvider != nil
	followFile(config)
	next, err := rest.TransportFor(config)
	if err != nil {
		return nil, fmt.Errorf("kubectl: the credentials can't be used: %w", err)
	}
	// Whoever gets a redirect from the server sends the request again, to where it
	// points, and by the same transport: the credential is for one host.
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("kubectl: the server's address can't be used: %w", err)
	}
	entrance := &entrance{next: next, renews: renews}
	credential := oneHost{base, entrance}
	k := &cluster{
		host: config.Host, namespace: c.namespace(), namespaces: c.Namespaces, wide: c.ClusterScoped, impersonate: c.Impersonate,
		credential: credential, entrance: entrance, config: config,
	}
	// Whoever asks what the server has to offer has no context that ends.
	timed := &http.Client{Transport: bounded{offers{credential}}, Timeout: c.limits().Timeout}
	client, err := discovery.NewDiscoveryClientForConfigAndClient(k.clientConfig(credential), timed)
	if err != nil {
		return nil, err
	}
	k.described = client.OpenAPIV3
	k.discovery = ordered{memory.NewMemCacheClient(client)}
	k.mapper = restmapper.NewDeferredDiscoveryRESTMapper(&renewed{CachedDiscoveryInterface: k.discovery})
	return k, nil
}

// followFile reads a file with a token again when the server does not take what
// it held; client-go by itself does that by the minute only.
func followFile(config *rest.Config) {
	if config.BearerTokenFile == "" {
		return
	}
	config.Wrap(transport.ResettableTokenSourceWrapTransport(transport.NewCachedFileTokenSource(config.BearerTokenFile)))
	config.BearerToken, config.BearerTokenFile = "", ""
}

// clientConfig is for clients that send by a transport of ours. They speak JSON,
// which we can read.
func (k *cluster) clientConfig(transport http.RoundTripper) *rest.Config {
	return &rest.Config{
		Host: k.host, Transport: transport, QPS: -1, UserAgent: "chaperone",
		ContentConfig: rest.ContentConfig{ContentType: "application/json", AcceptContentTypes: "application/json"},
	}
}

// oneHost sends to one server, and to nobody else.
type oneHost struct {
	base *url.URL
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (o oneHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != o.base.Scheme || r.URL.Host != o.base.Host || r.Host != "" && r.Host != o.base.Host {
		return nil, refused("request", "the API server sends kubectl on to "+r.URL.Host+", which is another server", "")
	}
	return o.next.RoundTrip(r)
}

// CloseIdleConnections ends what is kept open.
func (o oneHost) CloseIdleConnections() { utilnet.CloseIdleConnectionsFor(o.next) }

// identity are the headers by which a client says who it is. They are ours to
// set.
func identity(name string) bool {
	return name == "Authorization" || strings.HasPrefix(name, "Impersonate-") || strings.HasPrefix(name, "X-Remote-")
}

// send sends a request with our credential, for a caller.
func (k *cluster) send(ctx context.Context, caller tools.Caller, r *http.Request, body []byte) (*http.Response, error) {
	out := r.Clone(ctx)
	for name := range out.Header {
		if identity(http.CanonicalHeaderKey(name)) {
			delete(out.Header, name)
		}
	}
	if k.impersonate {
		who, err := impersonated(caller)
		if err != nil {
			return nil, err
		}
		out.Header.Set("Impersonate-User", who.UserName)
		for _, group := range who.Groups {
			out.Header.Add("Impersonate-Group", group)
		}
	}
	if body != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return k.credential.RoundTrip(out)
}

// within refuses what reaches beyond the namespaces of the connection.
func (k *cluster) within(r Request) error {
	reads := r.effect() == tools.Read
	own := r.Group == "" && r.Resource == "namespaces"
	named := r.Namespace
	if own {
		named = r.Name
	}
	switch {
	case len(k.namespaces) == 0 || slices.Contains(k.namespaces, named):
		return nil
	case r.AllNamespaces:
		return k.beyond("all namespaces at once")
	case named != "" && (!own || !k.wide):
		return k.beyond("the namespace " + named)
	case reads && (k.wide || r.reviews()):
		return nil
	}
	hint := "ask for what is in " + strings.Join(k.namespaces, ", ")
	if reads {
		hint += "; the operator can let such things be read, by kubectl.cluster_scoped"
	}
	return refused("namespace", "this connection does not reach "+r.Resource+", which are in no namespace", hint)
}

func (k *cluster) beyond(what string) error {
	return refused("namespace", "this connection does not reach "+what, "it reaches "+strings.Join(k.namespaces, ", ")+"; name one with -n")
}

// complete adds what the server knows and the path does not say.
func (k *cluster) complete(r Request) Request {
	if r.Namespace == "" && r.Verb != "create" {
		r.AllNamespaces = k.namespaced(r)
	}
	return r
}

// namespaced reports whether a resource is one that lives in namespaces. What is
// not known counts as such.
func (k *cluster) namespaced(r Request) bool {
	gvr := schema.GroupVersionResource{Group: r.Group, Version: r.Version, Resource: r.Resource}
	kind, err := k.mapper.KindFor(gvr)
	if err != nil {
		return true
	}
	mapping, err := k.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	return err != nil || mapping.Scope.Name() == meta.RESTScopeNameNamespace
}

// hasStatus reports whether the status of a resource is changed by requests of their
// own.
func (k *cluster) hasStatus(r Request) bool {
	list, err := k.discovery.ServerResourcesForGroupVersion(schema.GroupVersion{Group: r.Group, Version: r.Version}.String())
	return err == nil && slices.ContainsFunc(list.APIResources, func(a metav1.APIResource) bool { return a.Name == r.Resource+"/status" })
}

// address is the address of a path on the server.
func (k *cluster) address(path string) string { return strings.TrimSuffix(k.host, "/") + path }

// errNowhere is what a command gets that is only read.
var errNowhere = errors.New("there is no server while a command is read")
