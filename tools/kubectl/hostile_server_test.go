package kubectl

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

// answers has the API server answer all requests for a path in one way; all watches
// where the path is "watch".
func (s *stage) answers(path string, answer func(http.ResponseWriter, *http.Request)) {
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		if path == "watch" && r.URL.Query().Get("watch") == "" || path != "watch" && !strings.HasSuffix(r.URL.Path, path) {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		answer(w, r)
		return true
	})
}

// forever writes the same until the client leaves.
func forever(w io.Writer, begin, again string) {
	_, err := io.WriteString(w, begin)
	block := []byte(strings.Repeat(again, 1+(32<<10)/len(again)))
	for err == nil {
		_, err = w.Write(block)
	}
}

const podsOf = `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":`

// TestSlowServers: a call ends when its time is over, wherever the server keeps it
// waiting.
func TestSlowServers(t *testing.T) {
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	trickle := func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		_, err := io.WriteString(w, podsOf+"[")
		for err == nil {
			_ = http.NewResponseController(w).Flush()
			select {
			case <-tick.C:
				_, err = io.WriteString(w, " ")
			case <-r.Context().Done():
				return
			}
		}
	}
	for _, c := range []struct {
		path, line string
		answer     func(http.ResponseWriter, *http.Request)
	}{
		{"/pods", "get pods", silent}, {"/pods", "get pods", trickle}, {"/pods", "describe pods", silent}, {"/pods", "get pods -o yaml", trickle}, {"/pods", "get pods -w", silent},
		{"/apis", "get pods", silent}, {"/apis", "get pods", trickle}, {"/api", "get pods", silent}, {"/version", "version", silent}, {"/openapi/v3", "explain pods", silent}, {"/openapi/v3", "explain pods", trickle},
		{"/pods/a/log", "logs a", silent}, {"/pods", "wait --for=delete pod/a", trickle},
	} {
		s := newStage(t, func(c *Config) { c.Timeout = 2 * time.Second })
		if strings.Contains(c.line, " a") || strings.Contains(c.line, "pod/a") {
			s.must("run a --image=box")
			s.must("wait --for=condition=Ready pod/a --timeout=20s")
		}
		s.answers(c.path, c.answer)
		r, err := s.call(c.line, "")
		if f := new(tools.Failure); err == nil && !r.Truncated || errors.As(err, &f) && f.Unsure {
			t.Errorf("%s of %s: %+v %v", c.line, c.path, r, err)
		}
	}
}

// hostileTexts are answers that are no good.
func hostileTexts() map[string]string {
	deep := func(begin string, n int, end string) string { return strings.Repeat(begin, n) + strings.Repeat(end, n) }
	table := `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"columnDefinitions":%s,"rows":%s}`
	return map[string]string{
		"no JSON":               "hunter2",
		"deep lists":            podsOf + deep("[", 9000, "]") + "}",
		"deep objects":          fmt.Sprintf(podWith, `,"spec":`+deep(`{"a":`, 9000, "}")[:9000*5]+"1"+strings.Repeat("}", 9000)),
		"very deep":             podsOf + deep("[", 1000000, "]") + "}",
		"a number for a list":   podsOf + "5}",
		"nulls":                 podsOf + "[null,null]}",
		"no metadata":           `{"kind":"Pod","apiVersion":"v1"}`,
		"odd metadata":          `{"kind":"Pod","apiVersion":"v1","metadata":[1,2]}`,
		"odd names":             podsOf + `[{"kind":"Pod","apiVersion":"v1","metadata":{"name":"../../\u001b[2J","namespace":5}}]}`,
		"a kind that is none":   `{"kind":5,"apiVersion":{},"items":[]}`,
		"a huge number":         fmt.Sprintf(podWith, `,"spec":{"priority":`+strings.Repeat("9", 100000)+`}`),
		"cells without columns": fmt.Sprintf(table, "[]", `[{"cells":["a","b",{"c":[]}],"object":null}]`),
		"columns without cells": fmt.Sprintf(table, `[{"name":"A"},{"name":"B"}]`, `[{"cells":[]},{"cells":null},{}]`),
		"odd cells":             fmt.Sprintf(table, `[{"name":"A","type":"integer"},{"name":"B","priority":-1}]`, `[{"cells":[{"a":1},[1]],"object":{"kind":"Pod"}},{"cells":["\u001b[31m","\ud800"]}]`),
		"odd columns":           fmt.Sprintf(table, `[null,5,{"name":{}}]`, `[{"cells":["a"]}]`),
		"odd rows":              fmt.Sprintf(table, `[{"name":"A"}]`, `{"a":1}`),
	}
}

const podWith = `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"x"}%s}`

// hostileServers are ways to answer that are no good.
func hostileServers() map[string]func(http.ResponseWriter, *http.Request) {
	headers := func(code int, set ...string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(set); i += 2 {
				w.Header().Set(set[i], set[i+1])
			}
			w.WriteHeader(code)
		}
	}
	return map[string]func(http.ResponseWriter, *http.Request){
		"an endless list": func(w http.ResponseWriter, _ *http.Request) {
			forever(w, podsOf+"["+fmt.Sprintf(podWith, ""), ","+fmt.Sprintf(podWith, ""))
		},
		"an endless text": func(w http.ResponseWriter, _ *http.Request) { forever(w, `{"kind":"`, "a") },
		"an endless object": func(w http.ResponseWriter, _ *http.Request) {
			forever(w, `{"kind":"Pod","apiVersion":"v1","metadata":{"annotations":{"a":"b"`, `,"a":"b"`)
		},
		"endless space": func(w http.ResponseWriter, _ *http.Request) { forever(w, "", " ") },
		"endless zeros": func(w http.ResponseWriter, _ *http.Request) { forever(w, podsOf+"[0", ",0") },
		"endless depth": func(w http.ResponseWriter, _ *http.Request) { forever(w, podsOf, "[") },
		"endless table": func(w http.ResponseWriter, _ *http.Request) {
			forever(w, `{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[{"name":"Name","type":"string","format":"name"}],"rows":[{"cells":["a"]}`, `,{"cells":["a"]}`)
		},
		"a gzip bomb": bomb,
		"another type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<p>hunter2")
		},
		"protobuf": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
			_, _ = io.WriteString(w, "k8s\x00hunter2")
		},
		"a status that is odd": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":5,"details":[],"code":"x"}`)
		},
		"a list that goes on": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"kind":"PodList","apiVersion":"v1","metadata":{"continue":"again"},"items":[`+fmt.Sprintf(podWith, "")+`]}`)
		},
		"nothing":                headers(http.StatusOK),
		"no content":             headers(http.StatusNoContent),
		"a code that is none":    headers(999),
		"later, and much later":  headers(http.StatusTooManyRequests, "Retry-After", "1000000000"),
		"later, and never":       headers(http.StatusServiceUnavailable, "Retry-After", "1"),
		"a body that is shorter": headers(http.StatusOK, "Content-Length", "100"),
		"endless warnings": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Warning"] = slicesOf(`299 - "`+strings.Repeat("w", 500)+`"`, 1000)
			_, _ = io.WriteString(w, podsOf+"[]}")
		},
	}
}

// TestHostileAnswers: whatever a server answers, the call ends with an error or with
// what can be printed of it, the program goes on, and its memory is bounded.
func TestHostileAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	s := newStage(t, func(c *Config) { c.Timeout = 2 * time.Second })
	before := heap()
	answers := hostileServers()
	for name, text := range hostileTexts() {
		answers[name] = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	for name, answer := range answers {
		for _, c := range []struct{ path, line string }{{"/pods", "get pods"}, {"/pods", "get pods -o yaml"}, {"/apis", "get pods"}, {"watch", "get pods -w"}, {"/openapi/v3", "explain pods"}} {
			s.answers(c.path, answer)
			r, err := s.call(c.line, "")
			switch {
			case err != nil && strings.Contains(err.Error(), "hunter2"), err == nil && strings.Contains(r.Output+r.Errors, "hunter2"):
				t.Errorf("%s, %s: it quotes what nobody could mask: %+v %v", name, c.line, r, err)
			case err != nil && strings.Contains(err.Error(), "panicked"):
				t.Errorf("%s, %s: %v", name, c.line, err)
			}
		}
		if now := heap(); now-before > 1<<10 {
			t.Fatalf("%s takes %d MB", name, now-before)
		}
	}
	s.answers("/nowhere", nil)
	s.must("get pods")
}

// heap is how many megabytes the heap took at its largest, as far as it is still
// ours.
func heap() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapSys >> 20)
}

func slicesOf(text string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = text
	}
	return out
}

// bomb is a small answer that is a very large one.
func bomb(w http.ResponseWriter, _ *http.Request) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, podsOf+`["`)
	block := bytes.Repeat([]byte("a"), 1<<20)
	for range 512 {
		_, _ = z.Write(block)
	}
	_, _ = io.WriteString(z, `"]}`)
	_ = z.Close()
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(packed.Bytes())
}
