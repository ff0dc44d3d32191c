package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"
	"golang.org/x/net/netutil"

	"github.com/chaperone-dev/chaperone/policy"
)

// HTTP is how an edge is served over HTTP.
type HTTP struct {
	// Verify returns whom a bearer token stands for. No token, no service.
	Verify func(token string) (policy.Principal, error)
	// Hosts are the names, with or without a port, that clients may call us
	// by. A request for another is a browser's that was led here.
	Hosts []string
	// CertFile and KeyFile turn on TLS.
	CertFile, KeyFile string
}

// The bounds of one HTTP server.
const (
	maxHeader      = 32 << 10
	maxConnections = 1024
	headerTime     = 10 * time.Second
	bodyTime       = 30 * time.Second
	writeTime      = 30 * time.Second
	idleTime       = 2 * time.Minute
)

// ServeHTTP serves clients from a listener until ctx ends, and then brings the
// calls that are under way to their end.
func (e *Edge) ServeHTTP(ctx context.Context, l net.Listener, o HTTP) error {
	handler, stop := e.handler(o)
	defer stop()
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(e.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() {
		l := netutil.LimitListener(l, maxConnections)
		if o.CertFile != "" {
			failed <- s.ServeTLS(l, o.CertFile, o.KeyFile)
			return
		}
		failed <- s.Serve(l)
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop()
	return e.shutDownHTTP(s)
}

// shutDownHTTP lets requests come to their end, and after a while ends them.
func (e *Edge) shutDownHTTP(s *http.Server) error {
	giveUp := time.AfterFunc(drainTime, e.calls.stop)
	defer giveUp.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), drainTime+writeTime)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// handler is the whole of what is served. stop ends the streams that listen.
func (e *Edge) handler(o HTTP) (h http.Handler, stop func()) {
	sessions := newSessions(e.gateway)
	mcp := mcpserver.NewStreamableHTTPServer(e.mcp,
		mcpserver.WithSessionIdManagerResolver(sessions), mcpserver.WithSessionIdleTTL(sessionTTL),
		mcpserver.WithEventStore(newEventStore()), mcpserver.WithStreamableHTTPLogger(slog.New(slog.DiscardHandler)),
		// The host is checked here, for every address and not only loopback.
		mcpserver.WithDisableLocalhostProtection(true),
	)
	door := &door{edge: e, options: o, sessions: sessions, next: mcp}
	mux := http.NewServeMux()
	mux.Handle("/mcp", door)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, "ok", "") })
	// A client that finds no discovery document uses the token it has.
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusNotFound, "not_found", "there is nothing here; MCP is at /mcp")
	})
	return o.guard(mux), func() {
		mcp.CloseSessions(context.Background())
		sessions.closeAll("the gateway is shutting down")
	}
}

// guard refuses what a browser was tricked into, and puts a time limit on slow
// readers.
func (o HTTP) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		switch {
		case !o.knows(r.Host):
			reply(w, http.StatusForbidden, "forbidden_host", "this server does not go by that name; see server.url")
		case r.Header.Get("Origin") != "" && !o.knows(hostOf(r.Header.Get("Origin"))):
			reply(w, http.StatusForbidden, "forbidden_origin", "pages of other sites may not call this server")
		default:
			next.ServeHTTP(&patientWriter{ResponseWriter: w}, r)
		}
	})
}

// knows reports whether host is one that we go by. A name without a port covers
// every port.
func (o HTTP) knows(host string) bool {
	bare, _, err := net.SplitHostPort(host)
	if err != nil {
		bare = strings.Trim(host, "[]")
	}
	for _, name := range o.Hosts {
		if strings.EqualFold(name, host) || strings.EqualFold(name, bare) {
			return true
		}
	}
	return false
}

// hostOf is the host of an origin, "" when it is none.
func hostOf(origin string) string {
	_, host, ok := strings.Cut(origin, "://")
	if !ok {
		return ""
	}
	return host
}

// reply writes a short answer of our own, as JSON.
func reply(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	body := map[string]string{"error": code}
	if message != "" {
		body["error_description"] = message
	}
	_ = json.NewEncoder(w).Encode(body)
}

// patientWriter gives each write its time: a client that does not read is cut
// off, and one that reads slowly is not.
type patientWriter struct{ http.ResponseWriter }

func (w *patientWriter) Write(data []byte) (int, error) {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(writeTime))
	return w.ResponseWriter.Write(data)
}

// Flush implements http.Flusher, by which mcp-go tells that it can stream.
func (w *patientWriter) Flush() { _ = http.NewResponseController(w.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController through.
func (w *patientWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
