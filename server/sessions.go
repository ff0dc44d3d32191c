package server

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/server/gateway"
)

const (
	// sessionTTL is how long a session lives that is not used.
	sessionTTL = 24 * time.Hour
	// maxSessions bounds those of one principal; the longest unused gives way.
	maxSessions = 64
)

// sessions are those over HTTP, each bound to its principal: mcp-go by itself
// lets whoever knows a session's id use it, and takes any id that looks right.
type sessions struct {
	gateway *gateway.Gateway

	mu  sync.Mutex
	all map[string]*kept
	// clients are the sessions of clients whose protocol has none.
	clients map[clientKey]*kept
}

type kept struct {
	*session
	used time.Time
}

type clientKey struct {
	issuer, subject string
	client          policy.Client
}

func newSessions(g *gateway.Gateway) *sessions {
	return &sessions{gateway: g, all: map[string]*kept{}, clients: map[clientKey]*kept{}}
}

// find returns a principal's own session, or nil.
func (s *sessions) find(id string, who policy.Principal) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.all[id]
	if k == nil || !same(k.principal, who) || time.Since(k.used) > sessionTTL {
		return nil
	}
	k.used = time.Now()
	return k.session
}

func same(a, b policy.Principal) bool { return a.Issuer == b.Issuer && a.Subject == b.Subject }

// ofClient returns the session of a client without one.
func (s *sessions) ofClient(who policy.Principal, client policy.Client) *session {
	key := clientKey{who.Issuer, who.Subject, client}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.clients[key]
	if k == nil || time.Since(k.used) > sessionTTL {
		k = &kept{session: &session{principal: who, transport: "http", client: client}}
		s.clients[key] = k
		makeRoom(s.clients, who, s.gateway)
	}
	k.used = time.Now()
	return k.session
}

// add keeps a session under an id.
func (s *sessions) add(id string, own *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[id] = &kept{session: own, used: time.Now()}
	makeRoom(s.all, own.principal, s.gateway)
}

// makeRoom drops the sessions of a principal that are too old or too many.
func makeRoom[K comparable](all map[K]*kept, who policy.Principal, g *gateway.Gateway) {
	var oldest K
	count := 0
	for key, k := range all {
		if time.Since(k.used) > sessionTTL && !k.used.IsZero() {
			k.close(g, "it was not used for a long time")
			delete(all, key)
			continue
		}
		if !same(k.principal, who) || k.used.IsZero() {
			continue
		}
		if count++; count == 1 || k.used.Before(all[oldest].used) {
			oldest = key
		}
	}
	if count > maxSessions {
		all[oldest].close(g, "there were too many of the same principal")
		delete(all, oldest)
	}
}

func (s *sessions) remove(id, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.all[id]; k != nil {
		k.close(s.gateway, why)
		delete(s.all, id)
	}
}

// closeAll ends every session.
func (s *sessions) closeAll(why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.all {
		k.close(s.gateway, why)
	}
	for _, k := range s.clients {
		k.close(s.gateway, why)
	}
	clear(s.all)
	clear(s.clients)
}

// ResolveSessionIdManager implements mcp-go's resolver: the manager knows which
// request it works for.
func (s *sessions) ResolveSessionIdManager(r *http.Request) mcpserver.SessionIdManager {
	if r == nil {
		return idManager{sessions: s}
	}
	return idManager{sessions: s, own: sessionFrom(r.Context())}
}

// idManager implements mcp-go's SessionIdManager for one request.
type idManager struct {
	sessions *sessions
	own      *session
}

// Generate makes an id that can't be guessed, for the request's session.
func (m idManager) Generate() string {
	id := rand.Text()
	if m.own != nil {
		m.sessions.add(id, m.own)
	}
	return id
}

// Validate accepts what the door has found.
func (m idManager) Validate(id string) (isTerminated bool, err error) {
	if m.own == nil || m.sessions.find(id, m.own.principal) != m.own {
		return true, nil
	}
	return false, nil
}

// Terminate ends a session that its owner or time has ended.
func (m idManager) Terminate(id string) (isNotAllowed bool, err error) {
	m.sessions.remove(id, "the client ended it")
	return false, nil
}
