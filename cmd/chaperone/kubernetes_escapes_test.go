package main

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

// escapes are what a terminal would act on: sequences that begin with ESC or with its
// C1 form, that set a title, clear, or turn the direction of writing, and a bare bell,
// backspace and carriage return.
const escapes = "\x1b[2Jsneaky\x1b]0;owned\x07 \u009b31m\b\b\r\u202etxt"

// escaping is a manifest that holds them wherever the API server takes them.
func escaping() string {
	text, _ := json.Marshal(escapes)
	return strings.ReplaceAll(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"escapes","annotations":{"note":TEXT},"labels":{"app":"escapes"}},"data":{"text":TEXT}}`, "TEXT", string(text))
}

// acts is what of a text a terminal would act on, but for the ends of lines.
func acts(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !tools.Hides(r) {
			return -1
		}
		return r
	}, text)
}

// TestEscapesStayOffTheTerminal: what is in objects of a cluster, in the output of
// commands in containers and in what callers say can't act on the terminal of who
// looks on.
func TestEscapesStayOffTheTerminal(t *testing.T) {
	s := newClusterSite(t)
	if got := s.call("kubectl_write", escaping(), "because "+escapes, "create", "-f", "-"); !strings.Contains(got, "created") {
		t.Fatal(got)
	}
	s.call("kubectl_write", "", "ticket 9", "run", "escapes", "--image=box", "--env=A="+escapes)
	s.call("kubectl_read", "", "", "wait", "--for=condition=Ready", "pod/escapes", "--timeout=20s")
	flat := func(words ...string) string {
		t.Helper()
		out, stderr, _ := chaperone(t, words...)
		if bad := acts(out + stderr); bad != "" {
			t.Errorf("chaperone %q prints %q:\n%.400q", words, bad, out+stderr)
		}
		return out
	}
	for _, line := range []string{
		"get cm escapes -o yaml", "get cm escapes -o json", "get cm escapes -o kyaml", "get cm escapes -o jsonpath={.data.text}", "get cm escapes -o jsonpath-as-json={.data}", "get cm escapes -o go-template={{.data.text}}",
		"get cm escapes -o custom-columns=A:.data.text", "get cm -L app", "describe cm escapes", "describe pod escapes", "get pod escapes -o yaml", "get cm escapes --sort-by=.data.text", "get cm \x1b[2J", "get \x1b]0;x\x07\u009b", "logs escapes", "events",
	} {
		for _, how := range [][]string{{"--config", s.config}, {"--json", "--config", s.config}} {
			flat(slices.Concat([]string{"call", "kubectl_read"}, how, []string{"--"}, strings.Split(line, " "))...)
		}
	}
	var reply struct{ Output string }
	out := flat("call", "kubectl_read", "--json", "--config", s.config, "--", "get", "cm", "escapes", "-o", "jsonpath={.data.text}")
	if err := json.Unmarshal([]byte(out), &reply); err != nil || reply.Output != escapes {
		t.Errorf("as JSON it is %q: %v", reply.Output, err)
	}
	s.heldWithEscapes(func(id string) {
		for _, words := range [][]string{{"approvals", "list"}, {"approvals", "show", id}} {
			flat(append(words, "--config", s.config)...)
			flat(append(words, "--json", "--config", s.config)...)
		}
	})
	for _, words := range [][]string{{"replay"}, {"replay", "--plain"}, {"sessions", "list"}, {"sessions", "list", "--json"}, {"sessions", "search", "sneaky"}, {"sessions", "search", "--json", "sneaky"}} {
		flat(append(words, "--config", s.config)...)
	}
	var sessions []struct{ Session, ID string }
	if err := json.Unmarshal([]byte(flat("sessions", "list", "--json", "--config", s.config)), &sessions); err != nil || len(sessions) == 0 {
		t.Fatalf("%v", err)
	}
	for _, one := range sessions {
		flat("sessions", "show", cmp.Or(one.Session, one.ID), "--config", s.config)
	}
}

// heldWithEscapes has a change wait that is full of them.
func (s *clusterSite) heldWithEscapes(while func(id string)) {
	s.t.Helper()
	manifest := strings.NewReplacer(`"ConfigMap"`, `"Deployment"`, `"v1"`, `"apps/v1"`, `,"data":{`, `,"spec":{"replicas":9,"selector":{"matchLabels":{"app":"escapes"}},"template":{"metadata":{"labels":{"app":"escapes"}},"spec":{"containers":[{"name":"a","image":"box"}]}}},"x":{`).Replace(escaping())
	done := make(chan string, 1)
	go func() {
		done <- s.call("kubectl_write", manifest, "because "+escapes, "create", "--validate=false", "-f", "-")
	}()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	id, err := s.person.Waiting(ctx, "kubectl create --validate=false -f -")
	if err != nil {
		s.t.Fatalf("%v: %s", err, <-done)
	}
	while(id)
	if err := s.person.Answer(ctx, id, "deny", escapes); err != nil {
		s.t.Errorf("%v: %s", err, <-done)
	}
}
