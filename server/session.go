package server

import (
	"context"
	"strings"
	"sync"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/server/gateway"
)

// The transports, as policy and the record call them.
const (
	overStdio = "stdio"
	overHTTP  = "http"
)

// session is one run of one client, as the edge knows it. The gateway hears of
// it with its first call, when the client has said what it is.
type session struct {
	principal policy.Principal
	transport string
	// hangUpCancels says that the client's protocol has no other way to cancel
	// a call than to close the connection.
	hangUpCancels bool
	early         early

	mu     sync.Mutex
	client policy.Client
	opened *gateway.Session
	// canAsk says that the client shows its person questions of ours.
	canAsk bool
}

// maxClientName bounds what a client may call itself.
const maxClientName = 128

// clientNamed is a client by its own word, cut to a sane length.
func clientNamed(name, version string) policy.Client {
	cut := func(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxClientName)], "") }
	return policy.Client{Name: cut(name), Version: cut(version)}
}

func (s *session) setClient(c policy.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = c
}

func (s *session) setElicits(can bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canAsk = can
}

func (s *session) elicits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.canAsk
}

// gateway is the gateway's own session.
func (s *session) gateway(g *gateway.Gateway) *gateway.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened == nil {
		s.opened = g.OpenSession(s.principal, s.client, s.transport)
	}
	return s.opened
}

// close ends the session at the gateway, if it got that far.
func (s *session) close(g *gateway.Gateway, reason string) {
	s.mu.Lock()
	opened := s.opened
	s.mu.Unlock()
	if opened != nil {
		g.CloseSession(opened, reason)
	}
}

type sessionKey struct{}

func withSession(ctx context.Context, s *session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// sessionFrom is the session that a request belongs to, or nil.
func sessionFrom(ctx context.Context) *session {
	s, _ := ctx.Value(sessionKey{}).(*session)
	return s
}
