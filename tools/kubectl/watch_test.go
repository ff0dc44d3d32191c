package kubectl

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// changing lets a watch through, makes some changes meanwhile, and ends it after so
// many events.
func (s *stage) changing(events *int) func(http.ResponseWriter, *http.Request) bool {
	transport, err := rest.TransportFor(s.admin)
	if err != nil {
		s.t.Fatal(err)
	}
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("watch") == "" {
			return false
		}
		out, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.admin.Host+r.URL.RequestURI(), nil)
		if err != nil {
			s.t.Error(err)
			return hangUp(w)
		}
		out.Header = r.Header.Clone()
		if strings.Contains(out.Header.Get("Accept"), "protobuf") {
			out.Header.Set("Accept", "application/json") // which has its events in lines
		}
		answer, err := transport.RoundTrip(out)
		if err != nil {
			s.t.Error(err)
			return hangUp(w)
		}
		defer answer.Body.Close()
		w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
		lines, left := bufio.NewReader(answer.Body), *events
		pass := func(n int) {
			for ; n > 0; n-- {
				line, err := lines.ReadBytes('\n')
				if err != nil {
					return
				}
				_, _ = w.Write(line)
				left--
			}
		}
		if r.URL.Query().Get("resourceVersion") == "" {
			pass(min(left, 1)) // it begins with what there is, which is to be as it was
		}
		for i := range 3 {
			patch := fmt.Sprintf(`{"metadata":{"annotations":{"step":"%d"}},"data":{"step":"%d"}}`, i, i)
			if _, err := s.client.CoreV1().ConfigMaps(s.namespace).Patch(r.Context(), "a", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
				s.t.Error(err)
			}
			if _, err := s.client.CoreV1().Events(s.namespace).Patch(r.Context(), "a", types.MergePatchType, []byte(fmt.Sprintf(`{"message":"step %d"}`, i)), metav1.PatchOptions{}); err != nil {
				s.t.Error(err)
			}
		}
		pass(left)
		return true
	}
}

var versionText = regexp.MustCompile(`(resourceVersion|time)"?: "[^"]*"`)

// TestWatchesAreKubectls: our own watches print what kubectl's do, and end as they
// do when the server ends them.
func TestWatchesAreKubectls(t *testing.T) {
	s := newStage(t)
	s.must("create configmap a --from-literal=step=none")
	const event = "apiVersion: v1\nkind: Event\nmetadata: {name: %s}\ntype: %s\nmessage: step none\nreason: Test\ninvolvedObject: {kind: ConfigMap, apiVersion: v1, name: %s, namespace: %s}\n"
	s.must("create -f -", fmt.Sprintf(event, "a", "Normal", "a", s.namespace))
	s.must("create -f -", fmt.Sprintf(event, "b", "Warning", "other", s.namespace))
	events := 0
	s.between(s.changing(&events))
	// These filter on the server.
	fewer := map[string]int{"get cm -w -l a=b": 0, "events -w --for=cm/other": 1, "get events -w --field-selector=type=Warning": 0}
	for _, line := range []string{
		"get cm -w", "get cm a -w", "get cm a -w --no-headers", "get cm -w -o yaml", "get cm a -w -o json", "get cm -w -o name", "get cm --watch-only", "get cm a --watch-only -o jsonpath={.data.step}",
		"get cm -w --output-watch-events", "get cm -w --output-watch-events -o jsonpath={.type}", "get cm -w -o wide --show-labels", "get cm -w -L step --sort-by=.data.step", "get cm none -w", "get cm none -w --ignore-not-found",
		"get cm -w -o custom-columns=N:.metadata.name,S:.data.step", "get cm -w --server-print=false", "get cm,svc -w", "get cm -w -l a=b", "get -w", "get cm a -w --field-selector=metadata.name=b",
		"events -w", "events -w --no-headers", "events -w -o json", "events -w --for=cm/a", "events -w --for=cm/other", "events -w --types=Warning", "events -w --for=cm", "events -w --for=nothing/a", "events -w --types=Other",
		"get events -w --field-selector=type=Warning",
	} {
		events = 3
		if n, ok := fewer[line]; ok {
			events = n
		}
		want, wantErr, code := s.kubectl(s.namespace, line, "")
		got, gotErr, failed := "", "", false
		r, err := s.call(line, "")
		if err == nil {
			got, gotErr, failed = r.Output, r.Errors, r.ExitCode != 0
		} else {
			gotErr, failed = err.Error(), true
		}
		plain := func(text string) string { return normal(versionText.ReplaceAllString(text, "$1")) }
		if plain(got) != plain(want) || plain(gotErr) != plain(wantErr) || failed != (code != 0) {
			t.Errorf("kubectl %s ends with %d and prints\n%s%s\nand here\n%s%s", line, code, want, wantErr, got, gotErr)
		}
	}
}

// TestKubectlsLogIsNotOurs: what kubectl's code logs stays out of what we say.
func TestKubectlsLogIsNotOurs(t *testing.T) {
	catch()
	own := capture(t)
	klog.Warning("from somewhere")
	klog.ErrorS(errors.New("from somewhere"), "said")
	klog.Flush()
	s := newStage(t)
	s.must("create configmap a --from-literal=k=v")
	_, _ = s.call("get cm -o name --sort-by={.metadata}", "")
	// What the server warns of is the caller's to know.
	s.between(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Warning", `299 - "it will be gone"`)
		return false
	})
	if r, err := s.call("get cm -o name", ""); err != nil || !strings.Contains(r.Errors, "Warning: it will be gone") {
		t.Errorf("%+v %v", r, err)
	}
	if text := own(); strings.TrimSpace(text) != "" {
		t.Errorf("it says %s", text)
	}
}
