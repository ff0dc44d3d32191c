package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	for host, want := range map[string]int{
		"localhost": 404, "localhost:1": 404, "LOCALHOST:7777": 404, "127.0.0.1:9": 404, "[::1]": 404, "[::1]:7777": 404,
		"gateway.example:8443": 404, "Gateway.Example:8443": 404, "localhost:": 404, "::1": 404,
		"": 403, "evil.example": 403, "localhost.evil.example": 403, "localhost.": 403, "gateway.example": 403, "gateway.example:1": 403,
		"localhost:7777.evil.example": 403, "localhost:x": 403, "127.0.0.1.evil.example": 403, "127.1": 403, "0x7f.1": 403, "2130706433": 403,
		"[::ffff:127.0.0.1]": 403, "0.0.0.0": 403, "x@localhost": 403, "localhost/x": 403, "localhost?": 403, "localhost#": 403, "local%68ost": 403,
	} {
		w := h.dial(t)
		w.say("GET / HTTP/1.1\nHost: %s\nX-Forwarded-Host: localhost\nForwarded: host=localhost\nX-Host: localhost\n\n", host)
		// net/http itself refuses what can't be a host.
		if status, _, _ := w.hear(); status != want && (want != 403 || status != 400) {
			t.Errorf("Host %q: %d, want %d", host, status, want)
		}
	}
}

// TestHostsOfOddRequests are requests whose host does not stand in Host alone.
func TestHostsOfOddRequests(t *testing.T) {
	h := newTestSite(t).serveHTTP()
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"an absolute target":            {"GET http://evil.example/mcp HTTP/1.1\nHost: localhost\n\n", 403},
		"an absolute target of ours":    {"GET http://localhost/x HTTP/1.1\nHost: localhost\n\n", 404},
		"no Host, HTTP/1.0":             {"GET /mcp HTTP/1.0\n\n", 403},
		"no Host, HTTP/1.1":             {"GET /mcp HTTP/1.1\n\n", 400},
		"two Hosts":                     {"GET /mcp HTTP/1.1\nHost: localhost\nHost: evil.example\n\n", 400},
		"a host in the target's place":  {"CONNECT evil.example:443 HTTP/1.1\nHost: localhost\n\n", 403},
		"the whole server":              {"OPTIONS * HTTP/1.1\nHost: evil.example\n\n", 403},
		"the whole server, by our name": {"OPTIONS * HTTP/1.1\nHost: localhost\n\n", 404},
	} {
		w := h.dial(t)
		w.say("%s", c.request)
		if status, _, _ := w.hear(); status != c.want {
			t.Errorf("%s: %d, want %d", name, status, c.want)
		}
	}
}

func TestOrigins(t *testing.T) {
	h := newTestSite(t).serveHTTP()
	for origins, want := range map[string]int{
		"": 404, "Origin: http://localhost:6274\n": 404, "Origin: https://gateway.example:8443\n": 404, "Origin: http://[::1]:3000\n": 404,
		"Origin: http://evil.example\n": 403, "Origin: null\n": 403, "Origin: \n": 403, "Origin: localhost\n": 403, "Origin: file://\n": 403,
		"Origin: http://localhost.evil.example\n": 403, "Origin: http://evil.example://localhost\n": 403, "Origin: http://localhost@evil.example\n": 403,
		"Origin: http://localhost:7777.evil.example\n":                        403,
		"Origin: http://localhost\nOrigin: http://evil.example\n":             403,
		"Origin: https://gateway.example\n":                                   403,
		"Origin: chrome-extension://abcdefghijklmnop\n":                       403,
		"Origin: http://evil.example\nX-Forwarded-Origin: http://localhost\n": 403,
	} {
		w := h.dial(t)
		w.say("GET / HTTP/1.1\nHost: localhost\n%s\n", origins)
		if status, _, _ := w.hear(); status != want {
			t.Errorf("%q: %d, want %d", origins, status, want)
		}
	}
}

// TestNoCORS looks for a header that would let a page read what we say.
func TestNoCORS(t *testing.T) {
	h := newTestSite(t).serveHTTP()
	for _, method := range []string{"OPTIONS", "GET", "POST", "DELETE"} {
		for _, who := range []string{"", "Authorization: Bearer alice-token\n"} {
			w := h.dial(t)
			w.say("%s /mcp HTTP/1.1\nHost: localhost\nOrigin: http://localhost:3000\nAccess-Control-Request-Method: POST\n"+
				"Access-Control-Request-Headers: authorization\n%sContent-Length: 0\n\n", method, who)
			status, header, _ := w.hear()
			for name := range header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s: %s", method, name)
				}
			}
			if method == "OPTIONS" && status < 400 {
				t.Errorf("OPTIONS is answered with %d", status)
			}
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	h := newTestSite(t).serveHTTP()
	for request, want := range map[string]int{
		"PUT /mcp": 405, "PATCH /mcp": 405, "HEAD /mcp": 405, "OPTIONS /mcp": 405, "TRACE /mcp": 405, "BREW /mcp": 405,
		"GET /healthz": 200, "POST /healthz": 200, "GET //mcp": 404, "GET /x/../mcp": 404, "GET /mcp/": 404, "GET /MCP": 404, "POST /mcp/x": 404, "GET /sse": 404, "POST /register": 404,
		"GET /.well-known/oauth-protected-resource": 404, "GET /.well-known/oauth-protected-resource/mcp": 404,
		"GET /.well-known/oauth-authorization-server": 404, "GET /.well-known/openid-configuration": 404,
		"POST /.well-known/oauth-authorization-server": 404, "OPTIONS /.well-known/oauth-authorization-server": 404,
	} {
		w := h.dial(t)
		w.say("%s HTTP/1.1\nHost: localhost\nAuthorization: Bearer alice-token\nContent-Length: 0\nConnection: close\n\n", request)
		line, err := w.r.ReadString('\n')
		if err != nil || !strings.Contains(line, fmt.Sprint(" ", want, " ")) {
			t.Errorf("%s: %q %v, want %d", request, line, err, want)
			continue
		}
		rest := new(strings.Builder)
		_, _ = w.r.WriteTo(rest)
		if !strings.Contains(rest.String(), "Content-Type: application/json") {
			t.Errorf("%s is not answered with JSON: %s", request, rest)
		}
		if !strings.HasPrefix(request, "HEAD") && !strings.HasSuffix(strings.TrimSpace(rest.String()), "}") {
			t.Errorf("%s has no JSON body: %s", request, rest)
		}
	}
}

// TestPanicBehindTheDoor panics where neither the gateway nor mcp-go would see it.
func TestPanicBehindTheDoor(t *testing.T) {
	s := newTestSite(t)
	h := s.edge.guard(HTTP{Hosts: []string{"localhost"}}, func(w *patientWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			w.WriteHeader(http.StatusOK)
		}
		panic(secretOfPanic)
	})
	for path, want := range map[string]int{"/early": 500, "/late": 0} {
		func() {
			w := httptest.NewRecorder()
			defer func() {
				if cause := recover(); (cause != nil) != (want == 0) {
					t.Errorf("%s: panics with %v", path, cause)
				}
				if strings.Contains(w.Body.String(), "hunter2") || want != 0 && (w.Code != want || !strings.Contains(w.Body.String(), "fault id")) {
					t.Errorf("%s: %d %s", path, w.Code, w.Body)
				}
			}()
			r, _ := http.NewRequest(http.MethodGet, "http://localhost"+path, nil)
			h.ServeHTTP(w, r)
		}()
	}
}
