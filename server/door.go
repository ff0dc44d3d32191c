package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/chaperone-dev/chaperone/policy"
)

// door stands before mcp-go's handler: it verifies the caller, bounds the
// request, and binds the session to the caller.
type door struct {
	edge     *Edge
	verify   func(token string) (policy.Principal, error)
	sessions *sessions
	next     http.Handler
	// console serves the pages for people; nil where there are none.
	console http.Handler
	// open ends when streams that only listen are to end.
	open context.Context
	// requests and streams are those under way.
	requests, streams *crowd
}

// route is all that is served.
func (d *door) route(w *patientWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == "/mcp":
		d.serve(w, r)
	case path == "/healthz":
		reply(w, http.StatusOK, "ok", "")
	case d.console != nil && strings.HasPrefix(path, "/console/"):
		d.visit(w, r)
	case d.console != nil && r.Method == http.MethodGet && (path == "/" || path == "/console"):
		http.Redirect(w, r, "/console/", http.StatusSeeOther)
	default:
		// A client that finds no discovery document uses the token it has.
		reply(w, http.StatusNotFound, "not_found", "there is nothing here; MCP is at /mcp")
	}
}

// serve takes a request for MCP.
func (d *door) serve(w *patientWriter, r *http.Request) {
	token := bearer(r)
	p, err := d.verify(token)
	if err != nil || !p.Valid() {
		challenge(w, token)
		return
	}
	switch r.Method {
	case http.MethodPost:
		d.post(w, r, p)
	case http.MethodGet, http.MethodDelete:
		d.stream(w, r, p)
	default:
		w.Header().Set("Allow", "POST, GET, DELETE")
		reply(w, http.StatusMethodNotAllowed, "method_not_allowed", "MCP takes POST, GET and DELETE")
	}
}

// visit takes a request for a page. It has time to send a form, and a page that
// follows what changes is let go when the server stops.
func (d *door) visit(w *patientWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(d.open, cancel)()
	w.awaitBody(d.edge.times.body)
	if r.Method == http.MethodGet {
		w.awaitBody(0)
	}
	d.console.ServeHTTP(w, r.WithContext(ctx))
}

// bearer is the token of a request. It is taken from the one header only; of
// two such headers nobody can say which one counts.
func bearer(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// challenge turns away who is not known. The connection is not kept for them.
func challenge(w http.ResponseWriter, token string) {
	h := `Bearer realm="chaperone"`
	if token != "" {
		h += `, error="invalid_token"`
	}
	w.Header().Set("WWW-Authenticate", h)
	w.Header().Set("Connection", "close")
	reply(w, http.StatusUnauthorized, "invalid_token", "send a bearer token that the configuration knows")
}

// stream takes a request to listen, or to end the session.
func (d *door) stream(w *patientWriter, r *http.Request, p policy.Principal) {
	leave, ok := d.streams.enter(callerOf(p))
	if !ok {
		tooMany(w)
		return
	}
	defer leave()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(d.open, cancel)()
	if !modern(r) {
		owner, status := d.find(r, p)
		if owner == nil {
			noSession(w, status)
			return
		}
		ctx = withSession(ctx, owner)
	}
	w.awaitBody(0)
	d.next.ServeHTTP(w, r.WithContext(ctx))
}

func noSession(w http.ResponseWriter, status int) {
	if status == http.StatusBadRequest {
		reply(w, status, "session_missing", "the header Mcp-Session-Id is missing; initialize first")
		return
	}
	reply(w, http.StatusNotFound, "session_not_found", "the session is not known; initialize again")
}

func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	reply(w, http.StatusTooManyRequests, "too_many_requests", "you have too many requests under way; wait until one is done")
}
