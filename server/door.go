package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/chaperone-dev/chaperone/policy"
)

// door stands before mcp-go's handler: it verifies the caller, bounds the
// request, and binds the session to the caller.
type door struct {
	edge     *Edge
	options  HTTP
	sessions *sessions
	next     http.Handler
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	who, err := d.options.Verify(bearer(r))
	if err != nil || !who.Valid() {
		w.Header().Set("WWW-Authenticate", `Bearer realm="chaperone"`)
		reply(w, http.StatusUnauthorized, "invalid_token", "send a bearer token that the configuration knows")
		return
	}
	switch r.Method {
	case http.MethodPost:
		d.post(w, r, who)
	case http.MethodGet, http.MethodDelete:
		d.stream(w, r, who)
	default:
		w.Header().Set("Allow", "POST, GET, DELETE")
		reply(w, http.StatusMethodNotAllowed, "method_not_allowed", "MCP takes POST, GET and DELETE")
	}
}

// bearer is the token of a request. It is taken from the header only.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// post takes one message.
func (d *door) post(w http.ResponseWriter, r *http.Request, who policy.Principal) {
	body, status := d.body(w, r)
	if status != 0 {
		reply(w, status, "bad_request", http.StatusText(status))
		return
	}
	var h header
	if err := json.Unmarshal(body, &h); err != nil {
		h = header{}
	}
	owner, ok := d.owner(r, h, body, who)
	if !ok {
		reply(w, http.StatusNotFound, "session_not_found", "the session is not known; initialize again")
		return
	}
	if h.Method == string(mcp.MethodNotificationCancelled) {
		// mcp-go would end another client's request that has the same id.
		d.edge.calls.cancel(owner, h.Params.RequestID)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	ctx, end := d.edge.calls.begin(withSession(r.Context(), owner), owner, h.ID)
	defer end()
	r = r.WithContext(ctx)
	r.Body = io.NopCloser(bytes.NewReader(body))
	d.pass(w, r)
}

// stream takes a request to listen, or to end the session.
func (d *door) stream(w http.ResponseWriter, r *http.Request, who policy.Principal) {
	if mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion)) {
		d.pass(w, r)
		return
	}
	owner := d.sessions.find(r.Header.Get(mcpserver.HeaderKeySessionID), who)
	if owner == nil {
		reply(w, http.StatusNotFound, "session_not_found", "the session is not known; initialize again")
		return
	}
	d.pass(w, r.WithContext(withSession(r.Context(), owner)))
}

// pass hands the request to mcp-go. What panics there is logged, not shown.
func (d *door) pass(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if fault := recover(); fault != nil && fault != http.ErrAbortHandler {
			d.edge.log.Error("a request panicked", "panic", fault)
			reply(w, http.StatusInternalServerError, "internal_error", "")
		}
	}()
	d.next.ServeHTTP(w, r)
}

// body reads the request in bounded size and time.
func (d *door) body(w http.ResponseWriter, r *http.Request) (body []byte, status int) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, http.StatusRequestEntityTooLarge
	case err != nil:
		return nil, http.StatusBadRequest
	}
	return body, 0
}

// owner is the session that a message belongs to. The first message of a
// session makes it; it counts from when mcp-go asks for its id.
// The protocol of 2026-07-28 has no sessions; there, a client's calls are one.
func (d *door) owner(r *http.Request, h header, body []byte, who policy.Principal) (*session, bool) {
	if mcp.IsModernProtocol(r.Header.Get(mcp.HeaderProtocolVersion)) {
		return d.sessions.ofClient(who, clientIn(body)), true
	}
	if h.Method == string(mcp.MethodInitialize) {
		return &session{principal: who, transport: "http"}, true
	}
	owner := d.sessions.find(r.Header.Get(mcpserver.HeaderKeySessionID), who)
	return owner, owner != nil
}

// clientIn is what a modern client says it is, in every message.
func clientIn(body []byte) policy.Client {
	var m struct {
		Params struct {
			Meta *mcp.Meta `json:"_meta"`
		} `json:"params"`
	}
	if json.Unmarshal(body, &m) != nil {
		return policy.Client{}
	}
	info := m.Params.Meta.ClientInfo()
	if info == nil {
		return policy.Client{}
	}
	return policy.Client{Name: info.Name, Version: info.Version}
}
