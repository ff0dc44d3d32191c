package kubectl

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
)

// TestConflictInRehearsal: a rehearsal that meets a controller is tried again by
// kubectl, and what the server turned down is no change of the call's.
func TestConflictInRehearsal(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	var met atomic.Bool
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || met.Swap(true) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","message":"it was changed meanwhile","code":409}`)
		return true
	})
	p := s.describe("scale deploy web --replicas=3 --current-replicas=2", "")
	facts, ok := p.Action().Facts.(*Facts)
	if !ok || !met.Load() || len(facts.Requests) != 1 || len(facts.Objects) != 1 {
		t.Fatalf("met %v: %+v", met.Load(), facts)
	}
	if r, err := s.run(p); err != nil || r.ExitCode != 0 {
		t.Fatalf("%+v %v", r, err)
	}
	if out := s.must("get deploy web -o jsonpath={.spec.replicas}"); out != "3" {
		t.Errorf("it has %s replicas", out)
	}
}
