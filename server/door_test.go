package server

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestBearer(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	alice := h.connect(t, "alice")
	for name, c := range map[string]struct {
		lines string
		want  int
	}{
		"the header":            {"Authorization: Bearer alice-token\n", 200},
		"another case":          {"authorization: bEaReR   alice-token \n", 200},
		"nothing":               {"", 401},
		"a wrong token":         {"Authorization: Bearer alice-token2\n", 401},
		"no token":              {"Authorization: Bearer \n", 401},
		"no scheme":             {"Authorization: alice-token\n", 401},
		"another scheme":        {"Authorization: Basic alice-token\n", 401},
		"two headers":           {"Authorization: Bearer bob-token\nAuthorization: Bearer alice-token\n", 401},
		"two tokens":            {"Authorization: Bearer alice-token, Bearer bob-token\n", 401},
		"another header":        {"X-Authorization: Bearer alice-token\nProxy-Authorization: Bearer alice-token\n", 401},
		"a cookie":              {"Cookie: token=alice-token; Authorization=Bearer alice-token\n", 401},
		"a folded header":       {"Authorization:\n Bearer alice-token\n", 200},
		"a token of many bytes": {"Authorization: Bearer " + strings.Repeat("x", 20000) + "\n", 401},
	} {
		w := h.dial(t)
		w.say("POST /mcp?access_token=alice-token&token=alice-token HTTP/1.1\nHost: localhost\nContent-Type: application/json\nMcp-Session-Id: %s\n%sContent-Length: %d\n\n%s",
			alice.session, c.lines, len(ping), ping)
		status, header, body := w.hear()
		if status != c.want {
			t.Errorf("%s: %d %s, want %d", name, status, body, c.want)
		}
		if challenge := header.Get("WWW-Authenticate"); (status == 401) != strings.HasPrefix(challenge, "Bearer ") {
			t.Errorf("%s: %d with the challenge %q", name, status, challenge)
		}
		if status == 401 {
			w.ends()
		}
	}
	if n := len(s.calls()); n != 0 {
		t.Errorf("%d calls are on record", n)
	}
}

// TestStrangersBodiesAreNotRead sends no body where one is announced.
func TestStrangersBodiesAreNotRead(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.header, s.edge.times.body = time.Second, time.Hour
	w := s.serveHTTP().dial(t)
	w.say("POST /mcp HTTP/1.1\nHost: localhost\nContent-Length: 100000\n\n")
	if status, _, _ := w.hear(); status != 401 {
		t.Errorf("%d", status)
	}
	w.ends()
}

func TestVerifyIsNeeded(t *testing.T) {
	s := newTestSite(t)
	if err := s.edge.ServeHTTP(t.Context(), nil, HTTP{Hosts: []string{"localhost"}}); err == nil {
		t.Error("an edge that verifies nobody serves")
	}
}

func TestSizes(t *testing.T) {
	s := newTestSite(t)
	s.edge.times.header = time.Second
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	fits := strings.Repeat(" ", maxMessage-len(ping)) + ping
	if r := c.send(http.MethodPost, []byte(fits)); r.status != http.StatusOK {
		t.Errorf("a body of 1 MB: %d %.100s", r.status, r.body)
	}
	if r := c.send(http.MethodPost, []byte(fits+" ")); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 1 MB and one byte: %d", r.status)
	}
	w := h.dial(t)
	w.say(head+"Mcp-Session-Id: %s\nTransfer-Encoding: chunked\n\n", c.session)
	for range 40 {
		w.say("8000\n%s\n", strings.Repeat(" ", 0x8000))
	}
	if status, _, _ := w.hear(); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of chunks without end: %d", status)
	}
	w.ends()
	w = h.dial(t)
	w.say(head+"X-Padding: %s\nContent-Length: 0\n\n", strings.Repeat("x", maxHeader+8192))
	if status, _, _ := w.hear(); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("headers of more than 32 KB: %d", status)
	}
	w.ends()
}

// TestFraming sends requests that two readers could take for different ones.
func TestFraming(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	for name, framing := range map[string]string{
		"two lengths":                 "Content-Length: 5\nContent-Length: 40\n",
		"a negative length":           "Content-Length: -1\n",
		"a signed length":             "Content-Length: +40\n",
		"an unknown coding":           "Transfer-Encoding: gzip\n",
		"chunked twice":               "Transfer-Encoding: chunked, chunked\n",
		"an obfuscated coding":        "Transfer-Encoding: xchunked\n",
		"a space before the colon":    "Transfer-Encoding : chunked\n",
		"a bare carriage return":      "X: a\rContent-Length: 0\n",
		"a coding after identity":     "Transfer-Encoding: identity\nTransfer-Encoding: chunked\n",
		"a newline within a header":   "X: a\nB\n",
		"a null byte within a header": "X: a\x00b\n",
	} {
		w := h.dial(t)
		w.say(head+"Mcp-Session-Id: %s\n%s\n%s", c.session, framing, ping)
		if status, _, body := w.hear(); status < 400 {
			t.Errorf("%s: %d %s", name, status, body)
		}
		w.ends()
	}
	// Where both stand, the coding counts, as RFC 9112 has it, and the
	// connection is not used again.
	w := h.dial(t)
	smuggled := "POST /mcp HTTP/1.1\nHost: localhost\n\n"
	w.say(head+"Mcp-Session-Id: %s\nContent-Length: %d\nTransfer-Encoding: chunked\n\n%x\n%s\n0\n\n%s", c.session, 3, len(ping), ping, smuggled)
	if status, _, body := w.hear(); status != 200 && status != 400 {
		t.Errorf("length and coding: %d %s", status, body)
	}
	w.ends()
}

func TestPipelining(t *testing.T) {
	s := newTestSite(t)
	h := s.serveHTTP()
	c := h.connect(t, "alice")
	w := h.dial(t)
	one := strings.ReplaceAll(head, "\n", "\r\n") + "Mcp-Session-Id: " + c.session + "\r\nContent-Length: 40\r\n\r\n" + ping
	go func() { _, _ = w.Write([]byte(strings.Repeat(one, 50))) }()
	for i := range 50 {
		if status, _, body := w.hear(); status != 200 || !strings.Contains(body, `"result":{}`) {
			t.Fatalf("answer %d: %d %s", i, status, body)
		}
	}
}
