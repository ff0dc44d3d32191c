package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestKubernetesStream follows a log: by hand, as an agent that wants to hear of
// progress, and in the replay.
func TestKubernetesStream(t *testing.T) {
	s := newClusterSite(t)
	if out := s.call("kubectl_write", "", "ticket 9", "run", "stream", "--image=box"); !strings.Contains(out, "created") {
		t.Fatal(out)
	}
	s.call("kubectl_read", "", "", "wait", "--for=condition=Ready", "pod/stream", "--timeout=20s")
	out, stderr, code := chaperone(t, "call", "kubectl_read", "--config", s.config, "--", "logs", "stream", "-f", "--limit-bytes=400")
	if code != exitOK || len(out) != 400 || strings.Contains(out, `"output"`) {
		t.Fatalf("it ends with %d: %q\n%s", code, out, stderr)
	}
	told, _, _ := chaperone(t, "replay", "--config", s.config)
	// Lines come every tenth of a second, and what comes is shown once.
	pieces := regexp.MustCompile(`(?m)^ +\+\d+\.\d{3} │ `).FindAllString(told, -1)
	if first := strings.SplitAfter(out, "\n")[0]; len(pieces) < 2 || strings.Count(told, first) != 1 {
		t.Errorf("%d pieces:\n%s", len(pieces), told)
	}
	if again, _, code := chaperone(t, "replay", "--speed", "100", "--config", s.config); code != exitOK || again != told {
		t.Errorf("at another speed it is\n%s", again)
	}
}
