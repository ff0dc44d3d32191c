package server

import (
	"crypto/rand"
	"net/http"

	mcpserver "github.com/mark3labs/mcp-go/server"
)

// ResolveSessionIdManager implements mcp-go's resolver: the manager knows which
// request it works for. mcp-go also asks outside of any request, to end
// sessions that were not used for long.
//
//nolint:revive // the name is mcp-go's
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
	why := endedByTime
	if m.own != nil {
		why = endedByClient
	}
	m.sessions.remove(id, why)
	return false, nil
}
