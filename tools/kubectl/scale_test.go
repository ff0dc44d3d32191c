package kubectl

import (
	"strings"
	"testing"
)

// TestScaleIsWhatTheServerMakesOfIt: how a command states a scale is of many kinds,
// and none at all is not stated.
func TestScaleIsWhatTheServerMakesOfIt(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	for line, want := range map[string]struct {
		replicas int64
		diff     string
	}{
		"scale deploy web --replicas=0":                      {0, "-  replicas: 2\n+  replicas: 0\n"},
		"scale deploy web --replicas=0 --current-replicas=2": {0, "-  replicas: 2\n+  replicas: 0\n"},
		`patch deploy web --subresource=scale --type=json -p '[{"op":"replace","path":"/spec/replicas","value":50}]'`: {50, "-  replicas: 2\n+  replicas: 50\n"},
		`patch deploy web --subresource=scale --type=merge -p '{"spec":null}'`:                                        {0, "-  replicas: 2\n+  replicas: 0\n"},
	} {
		p := s.describe(line, "")
		facts, ok := p.Action().Facts.(*Facts)
		if !ok || len(facts.Objects) != 1 || facts.Objects[0].Replicas != want.replicas {
			t.Errorf("%s: %+v", line, facts)
		}
		if diff := s.preview(p).Diff; !strings.Contains(diff, want.diff) {
			t.Errorf("%s:\n%s", line, diff)
		}
	}
}
