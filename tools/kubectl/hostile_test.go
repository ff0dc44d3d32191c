package kubectl

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/chaperone-dev/chaperone/tools"
)

// TestRedirectsStayOnTheServer: what the API server points to elsewhere gets
// neither the request nor the credential, and neither does discovery.
func TestRedirectsStayOnTheServer(t *testing.T) {
	var reached atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	k, err := newCluster(&rest.Config{Host: server.URL, BearerToken: "hunter2"}, &Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.discovery.ServerVersion()
	if r := new(*tools.Refusal); !errors.As(err, r) || reached.Load() != 0 {
		t.Errorf("discovery: %v, and the other server got %d requests", err, reached.Load())
	}
	client := &http.Client{Transport: k.credential}
	if response, err := client.Get(server.URL + "/api/v1/pods"); err == nil {
		_ = response.Body.Close()
		t.Error("it was sent on")
	}
	if reached.Load() != 0 {
		t.Errorf("the other server got %d requests", reached.Load())
	}
}

// TestSortingDoesNotEndTheProcess: kubectl leaves by its log where values have no
// order.
func TestSortingDoesNotEndTheProcess(t *testing.T) {
	s := newStage(t)
	s.must("create configmap a --from-literal=k=v")
	s.must("create configmap b --from-literal=k=v")
	for _, path := range []string{"{.metadata}", "{.data}", "{.metadata.labels}"} {
		if r, err := s.call("get cm -o name --sort-by="+path, ""); err == nil && r.ExitCode == 0 && !strings.Contains(r.Output, "configmap/a") {
			t.Errorf("%s: %+v", path, r)
		}
	}
}
