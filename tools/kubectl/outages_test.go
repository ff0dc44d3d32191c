package kubectl

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

// TestServerThatEnds while calls have it send for as long as they last: each ends
// with what it has, or with an error that says something.
func TestServerThatEnds(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a cluster of its own")
	}
	var own kubectltest.Host
	t.Cleanup(own.Stop)
	s := newStageOn(t, own.Start(t), func(c *Config) { c.Timeout = 15 * time.Second })
	s.must("run box --image=box")
	s.must("wait --for=condition=Ready pod/box --timeout=20s")
	var streams atomic.Int64
	s.between(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("watch") != "" || r.URL.Query().Get("follow") != "" {
			streams.Add(1)
		}
		return false
	})
	lines := []string{"get pods -w", "events -w", "logs box -f", "wait --for=condition=Never pod/box --timeout=10s"}
	var calls sync.WaitGroup
	for _, line := range lines {
		calls.Go(func() {
			r, err := s.call(line, "")
			var f *tools.Failure
			if err != nil && errors.As(err, &f) && f.Unsure || err == nil && r.Output == "" && r.Errors == "" {
				t.Errorf("%s: %+v %v", line, r, err)
			}
			if err != nil && (strings.Contains(err.Error(), "panicked") || strings.TrimSpace(err.Error()) == "") {
				t.Errorf("%s: %v", line, err)
			}
		})
	}
	for streams.Load() < int64(len(lines)) {
		if t.Context().Err() != nil {
			t.Fatal("they don't begin")
		}
	}
	own.Stop()
	calls.Wait()
}

// TestServerThatIsBack: what waits goes on when the API server was away for a
// moment, as kubectl does.
func TestServerThatIsBack(t *testing.T) {
	s := newStage(t)
	s.must("create configmap a --from-literal=k=v")
	var away atomic.Int64
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Query().Get("watch") == "":
			return false
		case away.Add(1) > 3:
			patch := []byte(`{"data":{"k":"new"}}`)
			if _, err := s.client.CoreV1().ConfigMaps(s.namespace).Patch(r.Context(), "a", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				t.Error(err)
			}
			return false
		}
		return hangUp(w)
	})
	if out := s.must("wait --for=jsonpath={.data.k}=new cm/a --timeout=25s"); out != "configmap/a condition met\n" || away.Load() < 4 {
		t.Errorf("after %d times: %s", away.Load(), out)
	}
}

// TestListsThatBreakOff: half an answer is none.
func TestListsThatBreakOff(t *testing.T) {
	s := newStage(t)
	s.must("create configmap a --from-literal=k=v")
	for _, chunked := range []bool{false, true} {
		s.between(func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/configmaps") {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			if !chunked {
				w.Header().Set("Content-Length", "1000")
			}
			_, _ = io.WriteString(w, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"half"}},`)
			_ = http.NewResponseController(w).Flush()
			return hangUp(w)
		})
		r, err := s.call("get cm -o name", "")
		var f *tools.Failure
		if !errors.As(err, &f) || f.Unsure || !strings.Contains(err.Error(), "breaks off") || r != nil {
			t.Errorf("%+v %T %+v", r, err, err)
		}
	}
}

// TestChangesAreMadeOnce: whatever becomes of the answer to a change, it is not sent
// again, and nobody says that it was not made.
func TestChangesAreMadeOnce(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"no answer":       func(w http.ResponseWriter) { hangUp(w) },
		"gateway timeout": func(w http.ResponseWriter) { w.WriteHeader(http.StatusGatewayTimeout) },
		"bad gateway":     func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) },
		"later, unavailable": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"later, gone wrong": func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusInternalServerError)
		},
		"no object": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{")
		},
		"of another type": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<p>")
		},
		"answer that breaks off": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"kind":`)
		},
	} {
		t.Run(name, func(t *testing.T) { madeOnce(t, answer) })
	}
}

// answered has changes made, and answered otherwise than the server does. It counts
// them.
func (s *stage) answered(answer func(http.ResponseWriter)) (sent *atomic.Int64) {
	s.t.Helper()
	sent = new(atomic.Int64)
	address := s.cluster.Between(s.t, func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		if !changes(r) || strings.Contains(r.URL.Path, "reviews") {
			on.ServeHTTP(w, r)
			return
		}
		sent.Add(1)
		on.ServeHTTP(nowhereWriter{http.Header{}}, r)
		answer(w)
	})
	s.conn = connect(Config{Impersonate: true, Namespace: s.namespace, Timeout: s.conn.config.Timeout}, false, s.at(address))
	return sent
}

// madeOnce makes a change whose answer is another than the server gave.
func madeOnce(t *testing.T, answer func(http.ResponseWriter)) {
	s := newStage(t)
	s.must("create configmap a --from-literal=k=v")
	sent := s.answered(answer)
	_, err := s.call("label cm a made=yes", "")
	object, getErr := s.client.CoreV1().ConfigMaps(s.namespace).Get(t.Context(), "a", metav1.GetOptions{})
	if getErr != nil {
		t.Fatal(getErr)
	}
	var f *tools.Failure
	if !errors.As(err, &f) || !f.Unsure || sent.Load() != 1 || object.Labels["made"] != "yes" {
		t.Errorf("sent %d times, with the labels %v: %+v", sent.Load(), object.Labels, err)
	}
}

// nowhereWriter takes an answer that nobody gets.
type nowhereWriter struct{ header http.Header }

func (n nowhereWriter) Header() http.Header         { return n.header }
func (n nowhereWriter) Write(p []byte) (int, error) { return len(p), nil }
func (n nowhereWriter) WriteHeader(int)             {}

const expired = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old","reason":"Expired","code":410}`

// forgets has the API server say that it has forgotten a version: for the pages of
// lists, and for the first watch that it counts.
func (s *stage) forgets() *atomic.Int64 {
	watches := &atomic.Int64{}
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		switch q := r.URL.Query(); {
		case q.Get("continue") != "":
			w.WriteHeader(http.StatusGone)
			_, _ = io.WriteString(w, expired)
		case q.Get("watch") != "" && watches.Add(1) == 1:
			_, _ = io.WriteString(w, `{"type":"ERROR","object":`+expired+"}\n")
		default:
			w.Header().Del("Content-Type")
			return false
		}
		return true
	})
	return watches
}

// TestVersionsThatAreGone: a page of a list or a watch whose version the server has
// forgotten ends as it does for kubectl; what waits begins anew.
func TestVersionsThatAreGone(t *testing.T) {
	s := newStage(t)
	for i := range 3 {
		s.must(fmt.Sprintf("create configmap a%d --from-literal=k=v", i))
	}
	watches := s.forgets()
	for _, line := range []string{"get cm --chunk-size=1", "get cm --chunk-size=1 -o yaml", "get cm --chunk-size=1 -o name", "describe cm --chunk-size=1", "get cm -w", "get cm a0 -w -o name", "events -w"} {
		watches.Store(0)
		want, wantErr, code := s.kubectl(s.namespace, line, "")
		watches.Store(0)
		got, gotErr, failed := "", "", false
		r, err := s.call(line, "")
		if err == nil {
			got, gotErr, failed = r.Output, r.Errors, r.ExitCode != 0
		} else {
			gotErr, failed = err.Error(), true
		}
		if normal(got) != normal(want) || normal(gotErr) != normal(wantErr) || failed != (code != 0) {
			t.Errorf("kubectl %s ends with %d and prints\n%s%s\nand here\n%s%s", line, code, want, wantErr, got, gotErr)
		}
	}
}

// TestWaitingBeginsAnew where the version that it watched from is gone.
func TestWaitingBeginsAnew(t *testing.T) {
	s := newStage(t)
	s.must("create configmap a1 --from-literal=k=v")
	watches := s.forgets()
	done := make(chan error, 1)
	go func() {
		r, err := s.call("wait --for=jsonpath={.data.k}=new cm/a1 --timeout=25s", "")
		if err == nil && !strings.Contains(r.Output, "condition met") {
			err = errors.New(r.Output + r.Errors)
		}
		done <- err
	}()
	for watches.Load() < 2 {
		select {
		case err := <-done:
			t.Fatalf("it does not wait on: %v", err)
		default:
		}
	}
	patch := []byte(`{"data":{"k":"new"}}`)
	if _, err := s.client.CoreV1().ConfigMaps(s.namespace).Patch(t.Context(), "a1", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
