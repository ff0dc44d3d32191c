package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wire is a connection on which a test writes HTTP by hand.
type wire struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (h *served) dial(t testing.TB) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &wire{conn, t, bufio.NewReader(conn)}
}

// say writes text as it is, with \n as \r\n.
func (w *wire) say(format string, args ...any) {
	w.t.Helper()
	// A server that has had enough may have hung up already.
	_, _ = io.WriteString(w, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n"))
}

// hear reads one response.
func (w *wire) hear() (status int, header http.Header, body string) {
	w.t.Helper()
	response, err := http.ReadResponse(w.r, nil)
	if err != nil {
		w.t.Fatalf("there is no response: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatalf("the response breaks off: %v", err)
	}
	return response.StatusCode, response.Header, string(data)
}

// ends waits until the server hangs up.
func (w *wire) ends() {
	w.t.Helper()
	if _, err := io.Copy(io.Discard, w.r); isTimeout(err) {
		w.t.Fatal("the server does not hang up")
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(interface{ Timeout() bool })
	return ok && timeout.Timeout()
}

// head is the head of a POST by alice, up to what a test adds.
const head = "POST /mcp HTTP/1.1\nHost: localhost\nAuthorization: Bearer alice-token\nContent-Type: application/json\n"

const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
