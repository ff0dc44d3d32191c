package kubectl

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// front is a server before the test cluster that takes bearer tokens of a test's
// own. What gets past it is the administrator's.
type front struct {
	*httptest.Server
	t testing.TB

	mu     sync.Mutex
	accept map[string]bool
	// turnedAway counts requests without a token that is accepted; changed are
	// the paths of changes that got past.
	turnedAway int
	changed    []string
}

func newFront(s *stage) *front {
	s.t.Helper()
	target, err := url.Parse(s.admin.Host)
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	if proxy.Transport, err = rest.TransportFor(s.admin); err != nil {
		s.t.Fatal(err)
	}
	f := &front{t: s.t, accept: map[string]bool{}}
	f.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.admits(r) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Unauthorized","code":401,"message":"Unauthorized"}`)
			return
		}
		r.Header.Del("Authorization")
		proxy.ServeHTTP(w, r)
	}))
	s.t.Cleanup(f.Close)
	return f
}

func (f *front) admits(r *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !f.accept[token]:
		f.turnedAway++
		return false
	case changes(r) && !strings.Contains(r.URL.Path, "reviews"):
		f.changed = append(f.changed, r.Method+" "+r.URL.Path)
	}
	return true
}

// takes makes it take these tokens and no others.
func (f *front) takes(tokens ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.accept = map[string]bool{}
	for _, token := range tokens {
		f.accept[token] = true
	}
}

// counts are how many requests it turned away, and how many changes got past.
func (f *front) counts() (turnedAway, changed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.turnedAway, len(f.changed)
}

// authority is its certificate.
func (f *front) authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
}

// through is a stage whose connection goes through the front, by a kubeconfig
// whose user is as given.
func (s *stage) through(f *front, user string, set ...func(*Config)) {
	s.t.Helper()
	dir := s.t.TempDir()
	path := filepath.Join(dir, "kubeconfig")
	writeFile(s.t, filepath.Join(dir, "ca.pem"), string(f.authority()))
	writeFile(s.t, path, fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q, certificate-authority: ca.pem}}]
users: [{name: u, user: %s}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, f.URL, user))
	c := Config{Kubeconfig: path, Namespace: s.namespace}
	for _, change := range set {
		change(&c)
	}
	find, err := c.finder()
	if err != nil {
		s.t.Fatal(err)
	}
	s.conn = connect(c, false, find)
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
