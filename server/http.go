package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/chaperone-dev/chaperone/policy"
)

// HTTP is how an edge is served over HTTP.
type HTTP struct {
	// Verify returns whom a bearer token stands for. No token, no service.
	Verify func(token string) (policy.Principal, error)
	// Hosts are the names, with or without a port, that clients may call us
	// by. A request for another is a browser's that was led here.
	Hosts []string
	// Console serves the pages for people, under /console/. It sees to its own
	// sign-in: what opens /mcp opens nothing there. Nil serves none.
	Console http.Handler
	// CertFile and KeyFile turn on TLS.
	CertFile, KeyFile string
}

// The bounds of one HTTP server. Those for one principal leave room for others.
const (
	maxHeader      = 32 << 10
	maxConnections = 1024
	maxRequests    = 64
	maxStreams     = maxSessions
)

// times are how long a client may take, and how long we take to stop.
type times struct {
	// header, body, write and idle are for what the client sends, takes, and
	// leaves open.
	header, body, write, idle time.Duration
	// drain is how long calls that are under way have to end by themselves
	// when their client has gone or the program is told to stop.
	drain time.Duration
}

var defaultTimes = times{
	header: 10 * time.Second, body: 30 * time.Second, write: 30 * time.Second, idle: 2 * time.Minute,
	drain: 30 * time.Second,
}

// ServeHTTP serves clients from a listener until ctx ends, and then brings the
// calls that are under way to their end.
func (e *Edge) ServeHTTP(ctx context.Context, l net.Listener, o HTTP) error {
	if o.Verify == nil {
		return errors.New("callers can't be verified, so there is no service")
	}
	site := e.site(o)
	defer site.close()
	s := &http.Server{
		Handler: site.handler, ReadHeaderTimeout: e.times.header, IdleTimeout: e.times.idle, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(e.log.Handler(), slog.LevelWarn), DisableGeneralOptionsHandler: true,
	}
	failed := make(chan error, 1)
	go func() {
		l := newLimitListener(l, e.connections)
		if o.CertFile != "" {
			failed <- s.ServeTLS(l, o.CertFile, o.KeyFile)
			return
		}
		failed <- s.Serve(l)
	}()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	site.endStreams()
	return errors.Join(err, e.shutDownHTTP(s))
}

// shutDownHTTP lets requests come to their end, after a while ends them, and
// cuts off who still has not taken the answer a while after that.
func (e *Edge) shutDownHTTP(s *http.Server) error {
	giveUp := time.AfterFunc(e.times.drain, e.calls.stop)
	defer giveUp.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), e.times.drain+e.times.write)
	defer cancel()
	err := s.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.Close()
	}
	return err
}

// site is what one HTTP server serves.
type site struct {
	handler http.Handler
	// endStreams ends the streams that only listen.
	endStreams context.CancelFunc
	// close ends the sessions, when nothing is served any more.
	close func()
}

func (e *Edge) site(o HTTP) site {
	sessions := newSessions(e.gateway)
	mcp := mcpserver.NewStreamableHTTPServer(e.mcp,
		mcpserver.WithSessionIdManagerResolver(sessions), mcpserver.WithSessionIdleTTL(sessionTTL),
		mcpserver.WithEventStore(newEventStore()), mcpserver.WithStreamableHTTPLogger(slog.New(slog.DiscardHandler)),
		// The host is checked here, for every address and not only loopback.
		mcpserver.WithDisableLocalhostProtection(true),
	)
	open, end := context.WithCancel(context.Background())
	d := &door{
		edge: e, verify: o.Verify, sessions: sessions, next: mcp, console: o.Console, open: open,
		requests: newCrowd(maxRequests), streams: newCrowd(maxStreams),
	}
	return site{handler: e.guard(o, d.route), endStreams: end, close: func() {
		end()
		sessions.closeAll(endedByShutdown)
		// It has no server of its own to wait for, so that it can't fail.
		_ = mcp.Shutdown(context.Background())
	}}
}

// reply writes a short answer of our own, as JSON.
func reply(w http.ResponseWriter, status int, code, message string) {
	body := map[string]string{"error": code}
	if message != "" {
		body["error_description"] = message
	}
	answer(w, status, body)
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
