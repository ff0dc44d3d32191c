package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/chaperone-dev/chaperone/policy"
)

// post takes one message.
func (d *door) post(w *patientWriter, r *http.Request, p policy.Principal) {
	leave, ok := d.requests.enter(callerOf(p))
	if !ok {
		tooMany(w)
		return
	}
	defer leave()
	body, status := readBody(w, r)
	if status != 0 {
		// What is left of the body would be taken for the next request.
		w.Header().Set("Connection", "close")
		reply(w, status, "bad_request", http.StatusText(status))
		return
	}
	h, fault := readHeader(body)
	if fault != nil {
		answer(w, http.StatusBadRequest, fault)
		return
	}
	owner, status := d.owner(r, h, p)
	if owner == nil {
		noSession(w, status)
		return
	}
	if h.isCancellation() {
		d.cancel(owner, h)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	ctx, end := d.edge.calls.begin(withSession(r.Context(), owner), owner, h.id)
	defer end()
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if h.method == string(mcp.MethodInitialize) {
		defer d.settle(owner)
	}
	d.next.ServeHTTP(splicer{w, requestOf(ctx)}, r)
}

// cancel ends a request of the session. Where clients have no sessions, a
// request's id says nothing about whose it is, and a cancellation by id is not
// part of the protocol.
func (d *door) cancel(owner *session, h header) {
	if !owner.hangUpCancels {
		d.edge.calls.cancel(owner, h.cancels())
	}
}

// settle lets mcp-go forget the sessions that gave way to a new one. A request
// to end them is the only way to tell it.
func (d *door) settle(owner *session) {
	for _, id := range d.sessions.settle(owner) {
		end := &http.Request{Method: http.MethodDelete, URL: &url.URL{Path: "/mcp"}, Header: http.Header{}}
		end.Header.Set(mcpserver.HeaderKeySessionID, id)
		d.next.ServeHTTP(nobody{}, end)
	}
}

// owner is the session that a message belongs to, or nil and the status that
// says why there is none. The first message of a session makes it; it counts
// from when mcp-go asks for its id. The protocol of 2026-07-28 has no sessions;
// there, a client's calls are one.
func (d *door) owner(r *http.Request, h header, p policy.Principal) (own *session, status int) {
	meta := h.meta()
	switch {
	case modern(r) || mcp.IsModernProtocol(meta.ProtocolVersion()):
		return d.sessions.ofClient(p, clientIn(meta)), 0
	case h.method == string(mcp.MethodInitialize):
		return &session{principal: p, transport: overHTTP}, 0
	}
	return d.find(r, p)
}

// find is the session that a request names. One that is not there, or is
// another's, is not found: clients then begin a new one.
func (d *door) find(r *http.Request, p policy.Principal) (own *session, status int) {
	id := r.Header.Get(mcpserver.HeaderKeySessionID)
	if id == "" {
		return nil, http.StatusBadRequest
	}
	return d.sessions.find(id, p), http.StatusNotFound
}

// modern reports whether a request's header names the protocol of 2026-07-28 or
// a later one. mcp-go refuses a message that says otherwise than its header.
func modern(r *http.Request) bool {
	return mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion))
}

// meta is what a modern client says of itself in every message; may be nil.
func (h header) meta() *mcp.Meta {
	var params struct {
		Meta *mcp.Meta `json:"_meta"`
	}
	if json.Unmarshal(h.params, &params) != nil {
		return nil
	}
	return params.Meta
}

func clientIn(meta *mcp.Meta) policy.Client {
	info := meta.ClientInfo()
	if info == nil {
		return policy.Client{}
	}
	return clientNamed(info.Name, info.Version)
}

// readBody reads the request in bounded size and time.
func readBody(w *patientWriter, r *http.Request) (body []byte, status int) {
	w.awaitBody(w.times.body)
	// The inner writer is the one that knows how to hang up on who sends more.
	body, err := io.ReadAll(http.MaxBytesReader(w.ResponseWriter, r.Body, maxMessage))
	w.awaitBody(0)
	var large *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &large):
		return nil, http.StatusRequestEntityTooLarge
	case errors.As(err, &slow) && slow.Timeout():
		return nil, http.StatusRequestTimeout
	case err != nil:
		return nil, http.StatusBadRequest
	}
	return body, 0
}

// nobody takes a response that nobody waits for.
type nobody struct{}

func (nobody) Header() http.Header            { return http.Header{} }
func (nobody) Write(data []byte) (int, error) { return len(data), nil }
func (nobody) WriteHeader(int)                {}
