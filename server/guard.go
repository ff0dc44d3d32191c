package server

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// guard is the outermost handler. It refuses what a browser was tricked into,
// puts time limits on slow clients, and keeps a panic's text from them.
func (e *Edge) guard(o HTTP, route func(*patientWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patientWriter{ResponseWriter: w, control: http.NewResponseController(w), times: e.times}
		p.header()
		// Whatever the client has yet to send, or to take, has its time too.
		p.patience()
		defer p.patience()
		defer e.excuse(p)
		switch {
		case !o.knows(r.Host):
			reply(p, http.StatusForbidden, "forbidden_host", "this server does not go by that name; see server.url")
		case !o.trusts(r.Header.Values("Origin")):
			reply(p, http.StatusForbidden, "forbidden_origin", "pages of other sites may not call this server")
		default:
			route(p, r)
		}
	})
}

// excuse makes an answer out of a panic: an id, by which the operator finds the
// rest in the log. An answer that was begun is broken off.
func (e *Edge) excuse(w *patientWriter) {
	cause := recover()
	if cause == nil {
		return
	}
	id := e.fault("a request panicked", cause, debug.Stack())
	if w.begun {
		panic(http.ErrAbortHandler) //nolint:forbidigo // net/http takes it as the order to hang up
	}
	reply(w, http.StatusInternalServerError, "internal_error", faultText(id))
}

// fault logs a panic, and returns the id that the client is told.
func (e *Edge) fault(what string, cause any, stack []byte) string {
	id := ulid.Make().String()
	e.log.Error(what, "fault", id, "panic", fmt.Sprint(cause), "stack", string(stack))
	return id
}

func faultText(id string) string {
	return fmt.Sprintf("the gateway failed; tell the operator the fault id %s", id)
}

// knows reports whether a Host header is a name that we go by. A name without a
// port covers every port. Nothing else says what we are called: not
// X-Forwarded-Host, which anybody may send.
func (o HTTP) knows(host string) bool {
	u, err := url.Parse("//" + host)
	if err != nil || host == "" || u.Host != host {
		return false
	}
	for _, name := range o.Hosts {
		if strings.EqualFold(name, host) || strings.EqualFold(name, u.Hostname()) {
			return true
		}
	}
	return false
}

// trusts reports whether a request comes from no web page, or from one of ours.
func (o HTTP) trusts(origins []string) bool {
	for _, origin := range origins {
		_, host, ok := strings.Cut(origin, "://")
		if !ok || !o.knows(host) {
			return false
		}
	}
	return true
}

// patientWriter gives each piece that is written its time: a client that does
// not read is cut off, and one that reads slowly is not.
type patientWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	times   times
	// begun says that the client has the head of the response.
	begun bool
}

// piece is what a client has to take in the time of one write.
const piece = 64 << 10

// header sets what every response has.
func (w *patientWriter) header() {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
}

// patience gives the client its time from now on, to send and to take. To send,
// that is no longer than for the head of a request: who is not known yet, or is
// done, has nothing to send that we want.
func (w *patientWriter) patience() {
	w.awaitBody(w.times.header)
	_ = w.control.SetWriteDeadline(time.Now().Add(w.times.write))
}

// awaitBody gives the client some time to send a body. Zero takes the limit off,
// for when there is nothing left to send: a limit that is reached breaks the
// request off.
func (w *patientWriter) awaitBody(d time.Duration) {
	var end time.Time
	if d > 0 {
		end = time.Now().Add(d)
	}
	_ = w.control.SetReadDeadline(end)
}

// WriteHeader implements http.ResponseWriter.
func (w *patientWriter) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *patientWriter) Write(data []byte) (written int, err error) {
	w.begun = true
	for err == nil && written < len(data) {
		var n int
		_ = w.control.SetWriteDeadline(time.Now().Add(w.times.write))
		n, err = w.ResponseWriter.Write(data[written:min(written+piece, len(data))])
		written += n
	}
	return written, err
}

// Flush implements http.Flusher, by which mcp-go tells that it can stream.
func (w *patientWriter) Flush() {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.times.write))
	_ = w.control.Flush()
}

// Unwrap lets http.ResponseController through.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
