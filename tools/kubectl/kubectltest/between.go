package kubectltest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Between puts a server in front of the API server until the test ends, and returns
// its URL. It asks as the administrator, whoever comes. It may answer a request by
// itself, or hand it on to the handler that it gets.
func (c *Cluster) Between(tb testing.TB, answer func(w http.ResponseWriter, r *http.Request, on http.Handler)) string {
	tb.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig)
	if err != nil {
		tb.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		tb.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	if proxy.Transport, err = rest.TransportFor(config); err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, proxy) }))
	tb.Cleanup(server.Close)
	return server.URL
}
