package gateway

import (
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// Session is one run of one client. The id is ours, never the client's.
type Session struct {
	ID        string
	Principal policy.Principal
	Client    policy.Client
	Transport string
	opened    time.Time

	mu     sync.Mutex
	labels []string
	totals policy.Totals
	// recorded says that the session's opening is in the record.
	recorded bool
}

// OpenSession starts a session for a principal who has been verified. It shows
// in the record with its first call.
func (g *Gateway) OpenSession(p policy.Principal, client policy.Client, transport string) *Session {
	now := g.now()
	return &Session{
		ID:        ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String(),
		Principal: p, Transport: transport, opened: now,
		Client: policy.Client{Name: clip(client.Name, 128), Version: clip(client.Version, 128)},
	}
}

// CloseSession notes the end of a session that made calls.
func (g *Gateway) CloseSession(s *Session, reason string) {
	s.mu.Lock()
	recorded := s.recorded
	s.mu.Unlock()
	if recorded {
		if err := g.config.Record.Note(recorder.Event{Session: s.ID, Body: recorder.SessionClosed{Reason: reason}}); err != nil {
			g.log.Error("the end of a session could not be recorded", "session", s.ID, "error", err)
		}
	}
}

// opening is the event that opens the session, the first time it is asked for.
func (s *Session) opening() []recorder.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recorded {
		return nil
	}
	s.recorded = true
	return []recorder.Event{{Time: s.opened, Session: s.ID, Body: recorder.SessionOpened{
		Principal: s.Principal, Client: s.Client, Transport: s.Transport,
	}}}
}

// kept passes on the error of the record. After one, it is not certain that the
// opening is on record, and the next call brings it again.
func (s *Session) kept(err error) error {
	if err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.recorded = false
	}
	return err
}

// input is the session as policy sees it.
func (s *Session) input(now time.Time) policy.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	labels := slices.Clone(s.labels)
	if labels == nil {
		labels = []string{}
	}
	return policy.Session{
		ID: s.ID, Client: s.Client, Transport: s.Transport, AgeSeconds: int64(now.Sub(s.opened).Seconds()),
		Labels: labels, Totals: s.totals,
	}
}

// stick puts labels on the session for good.
func (s *Session) stick(labels []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.labels = append(s.labels, labels...)
	slices.Sort(s.labels)
	s.labels = slices.Compact(s.labels)
}

// count adds to the session's totals.
func (s *Session) count(refused bool, stats tools.Stats, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.totals.Calls++
	if refused {
		s.totals.Denied++
	}
	s.totals.RowsRead += stats.RowsRead
	s.totals.RowsChanged += stats.RowsChanged
	s.totals.ObjectsDeleted += stats.ObjectsDeleted
	s.totals.BytesOut += int64(bytes)
}
