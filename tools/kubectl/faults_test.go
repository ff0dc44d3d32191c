package kubectl

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/chaperone-dev/chaperone/tools"
)

// between puts a server between a stage's connection and the API server. It may
// answer by itself, by returning true.
func (s *stage) between(answer func(http.ResponseWriter, *http.Request) bool) {
	s.t.Helper()
	address := s.cluster.Between(s.t, func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		if !answer(w, r) {
			on.ServeHTTP(w, r)
		}
	})
	s.front = address
	s.conn = connect(Config{Impersonate: true, Namespace: s.namespace, Timeout: s.conn.config.Timeout}, false, s.at(address))
}

// at is a server that asks for no credential.
func (s *stage) at(address string) func(context.Context) (*rest.Config, error) {
	return func(context.Context) (*rest.Config, error) { return &rest.Config{Host: address}, nil }
}

// hangUp ends the connection instead of answering.
func hangUp(w http.ResponseWriter) bool {
	if hijacker, ok := w.(http.Hijacker); ok {
		if conn, _, err := hijacker.Hijack(); err == nil {
			_ = conn.Close()
		}
	}
	return true
}

func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && !strings.Contains(r.URL.RawQuery, "dryRun")
}

// TestLostChange: when the connection breaks while a change is under way, nobody
// knows what became of it, and that is said.
func TestLostChange(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.between(func(w http.ResponseWriter, r *http.Request) bool { return changes(r) && hangUp(w) })
	_, err := s.call("scale deploy/web --replicas=5", "")
	var f *tools.Failure
	if !errors.As(err, &f) || !f.Unsure || f.Code != "lost" {
		t.Errorf("%v", err)
	}
	// A read that is lost has done nothing.
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/pods") && hangUp(w)
	})
	if _, err := s.call("get pods", ""); !errors.As(err, &f) || f.Unsure {
		t.Errorf("%v", err)
	}
}

// TestSlowChange: of a change that is not answered before its call ends, nobody
// knows whether it was made.
func TestSlowChange(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Timeout = 3 * time.Second })
	s.must("create configmap a --from-literal=k=v")
	s.between(func(_ http.ResponseWriter, r *http.Request) bool {
		if !changes(r) || strings.Contains(r.URL.Path, "reviews") {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body) // only then it notices that the client leaves
		<-r.Context().Done()
		return true
	})
	_, err := s.call("label cm a team=shop", "")
	var f *tools.Failure
	if !errors.As(err, &f) || !f.Unsure || f.Code != "timeout" {
		t.Errorf("%+v", err)
	}
}

// TestLostExec: when the connection to a command in a container breaks, nobody knows
// what it did; how it ended is known where the server says so.
func TestLostExec(t *testing.T) {
	s := newStage(t)
	s.box()
	var f *tools.Failure
	if _, err := s.call("exec box -- nothing", ""); !errors.As(err, &f) || f.Unsure {
		t.Errorf("a command that is not there: %+v", err)
	}
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/exec") && hangUp(w)
	})
	if _, err := s.call("exec box -- hostname", ""); !errors.As(err, &f) || !f.Unsure {
		t.Errorf("%+v", err)
	}
}

// TestBusyServer: what the API server asks to send later is sent later, and once.
func TestBusyServer(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	var busy, took atomic.Int64
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		if !changes(r) {
			return false
		}
		if busy.Add(1) > 2 {
			took.Add(1)
			return false
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	if _, err := s.call("scale deploy/web --replicas=5", ""); err != nil || s.replicas() != 5 || took.Load() != 1 {
		t.Errorf("%v, %d replicas, taken %d times", err, s.replicas(), took.Load())
	}
}

// TestHostileServer: an API server that is another than it should be gets no
// credential to anywhere else, and nothing of it is believed.
func TestHostileServer(t *testing.T) {
	s := newStage(t)
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect, http.StatusSwitchingProtocols} {
		s.between(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, "/pods") {
				return false
			}
			w.Header().Set("Location", other.URL+r.URL.Path)
			w.WriteHeader(status)
			return true
		})
		if _, err := s.call("get pods", ""); err == nil {
			t.Errorf("%d: it is an answer", status)
		}
	}
	if elsewhere.Load() != 0 {
		t.Error("a redirect was followed")
	}
}
