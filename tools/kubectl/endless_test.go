package kubectl

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

// TestEndlessAnswers are not read to their end: a log whose one line has none, and an
// error.
func TestEndlessAnswers(t *testing.T) {
	s := newStage(t)
	s.must("run box --image=box")
	s.must("wait --for=condition=Ready pod/box --timeout=20s")
	var status, written atomic.Int64
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/log") && !strings.HasSuffix(r.URL.Path, "/configmaps") {
			return false
		}
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(int(status.Load()))
		for piece := []byte(strings.Repeat("x", 1<<20)); written.Load() < 256; written.Add(1) {
			if _, err := w.Write(piece); err != nil {
				break
			}
		}
		return true
	})
	status.Store(http.StatusOK)
	for _, line := range []string{"logs box", "logs -f box", "logs -l run=box --prefix"} {
		written.Store(0)
		if r, err := s.call(line, ""); err != nil || !r.Truncated || written.Load() >= 128 {
			t.Errorf("%s: %.200v, after %d MB", line, err, written.Load())
		}
	}
	status.Store(http.StatusInternalServerError)
	for _, line := range []string{"logs box", "get configmaps"} {
		written.Store(0)
		if _, err := s.call(line, ""); err == nil || written.Load() >= 128 {
			t.Errorf("%s: %.200v, after %d MB", line, err, written.Load())
		}
	}
}

// TestListsWithoutEnd: the server says again and again that there is more.
func TestListsWithoutEnd(t *testing.T) {
	s := newStage(t)
	var pages atomic.Int64
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/configmaps") || pages.Add(1) > 20 {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"continue":"x"},"items":[{"metadata":{"name":"a"},"data":{"x":"`+strings.Repeat("x", 10<<20)+`"}}]}`)
		return true
	})
	for _, line := range []string{"describe configmaps", "get configmaps --watch", "label configmaps --all x=y"} {
		pages.Store(0)
		if r, err := s.call(line, ""); pages.Load() > 10 {
			t.Errorf("%s: %d pages, %.200v %v", line, pages.Load(), err, r != nil)
		}
	}
}
