package server

import (
	"context"
	"sync"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/server/gateway"
)

// session is one run of one client, as the edge knows it. The gateway hears of
// it with its first call, when the client has said what it is.
type session struct {
	principal policy.Principal
	transport string

	mu     sync.Mutex
	client policy.Client
	opened *gateway.Session
}

func (s *session) setClient(name, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = policy.Client{Name: name, Version: version}
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
