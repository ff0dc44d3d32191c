package server

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/server/gateway"
)

const (
	// sessionTTL is how long a session lives that is not used.
	sessionTTL = 24 * time.Hour
	// maxSessions bounds those of one principal; the longest unused gives way.
	maxSessions = 64
)

// Why a session ended, for the record.
const (
	endedByClient   = "the client ended it"
	endedByTime     = "it was not used for a long time"
	endedByNumber   = "there were too many of the same principal"
	endedByShutdown = "the gateway is shutting down"
)

// sessions are those over HTTP, each bound to its principal: mcp-go by itself
// lets whoever knows a session's id use it, and takes any id that looks right.
// Bound means to all that is known of the principal. Two tokens of one subject
// may differ in groups, and a session must not lend one the groups of the other.
type sessions struct {
	gateway *gateway.Gateway

	mu  sync.Mutex
	all map[string]*kept
	// clients are the sessions of clients whose protocol has none.
	clients map[clientKey]*kept
}

// kept is a session and what decides how long it stays.
type kept struct {
	*session
	attested string
	// id is "" where the protocol has none.
	id   string
	used time.Time
	// settled says that the client has its id, and mcp-go knows the session.
	// Until then it can't give way to another.
	settled bool
}

// caller names a principal.
type caller struct{ issuer, subject string }

func callerOf(p policy.Principal) caller { return caller{p.Issuer, p.Subject} }

// attested is all that is known of a principal, as text.
func attested(p policy.Principal) string {
	data, _ := json.Marshal(p) // texts always marshal
	return string(data)
}

type clientKey struct {
	principal string
	client    policy.Client
}

func newSessions(g *gateway.Gateway) *sessions {
	return &sessions{gateway: g, all: map[string]*kept{}, clients: map[clientKey]*kept{}}
}

// find returns a principal's own session, or nil.
func (s *sessions) find(id string, p policy.Principal) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.all[id]
	if k == nil || k.attested != attested(p) || time.Since(k.used) > sessionTTL {
		return nil
	}
	k.used = time.Now()
	return k.session
}

// ofClient returns the session of a client whose protocol has none.
func (s *sessions) ofClient(p policy.Principal, client policy.Client) *session {
	key := clientKey{attested(p), client}
	s.mu.Lock()
	k := s.clients[key]
	if k == nil {
		own := &session{principal: p, transport: overHTTP, client: client, hangUpCancels: true}
		k = &kept{session: own, attested: key.principal, settled: true}
		s.clients[key] = k
	}
	k.used = time.Now()
	gone := surplus(s.clients, callerOf(p))
	s.mu.Unlock()
	s.ended(gone)
	return k.session
}

// add keeps a session under an id that its client is about to get.
func (s *sessions) add(id string, own *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[id] = &kept{session: own, attested: attested(own.principal), id: id, used: time.Now()}
}

// settle is for when the client has got its id. It returns the ids of sessions
// that had to give way.
func (s *sessions) settle(own *session) (ids []string) {
	s.mu.Lock()
	for _, k := range s.all {
		if k.session == own {
			k.settled = true
		}
	}
	gone := surplus(s.all, callerOf(own.principal))
	s.mu.Unlock()
	s.ended(gone)
	for k := range gone {
		ids = append(ids, k.id)
	}
	return ids
}

// surplus takes out the longest unused session of a caller that has too many,
// and all that nobody uses any more. It says why each had to go.
func surplus[K comparable](all map[K]*kept, c caller) (gone map[*kept]string) {
	gone = map[*kept]string{}
	var oldest K
	count := 0
	for key, k := range all {
		switch {
		case time.Since(k.used) > sessionTTL:
			gone[k] = endedByTime
			delete(all, key)
		case k.settled && callerOf(k.principal) == c:
			if count++; count == 1 || k.used.Before(all[oldest].used) {
				oldest = key
			}
		}
	}
	if count > maxSessions {
		gone[all[oldest]] = endedByNumber
		delete(all, oldest)
	}
	return gone
}

// ended puts the ends of sessions on record.
func (s *sessions) ended(gone map[*kept]string) {
	for k, why := range gone {
		k.close(s.gateway, why)
	}
}

// remove ends one session, if it is there.
func (s *sessions) remove(id, why string) {
	s.mu.Lock()
	k := s.all[id]
	delete(s.all, id)
	s.mu.Unlock()
	if k != nil {
		k.close(s.gateway, why)
	}
}

// closeAll ends every session.
func (s *sessions) closeAll(why string) {
	gone := map[*kept]string{}
	s.mu.Lock()
	for _, k := range s.all {
		gone[k] = why
	}
	for _, k := range s.clients {
		gone[k] = why
	}
	clear(s.all)
	clear(s.clients)
	s.mu.Unlock()
	s.ended(gone)
}
