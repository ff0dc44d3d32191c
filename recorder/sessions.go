package recorder

import (
	"context"
	"math"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
)

// SessionFilter chooses sessions. The zero value chooses all.
type SessionFilter struct {
	// Subject is the principal's; "" is any.
	Subject string
	// Since and Until bound when the session was opened; zero is no bound.
	Since, Until time.Time
	// Limit is the largest number of sessions; 0 is no limit.
	Limit int
}

// Session is one session on record.
type Session struct {
	ID        string
	Principal policy.Principal
	Client    policy.Client
	Transport string
	// Opened is when it began, Last when its latest event happened.
	Opened, Last time.Time
	// Closed says that it has ended, and Reason why.
	Closed bool
	Reason string
	// Calls count its calls by how they ended.
	Calls Calls
}

// Calls count calls by how they ended.
type Calls struct {
	Received  int64
	Finished  int64
	Refused   int64
	Failed    int64
	Ambiguous int64
}

// Unended is how many calls have no outcome on record: they are still running,
// or the gateway stopped before they started.
func (c Calls) Unended() int64 {
	return max(0, c.Received-c.Finished-c.Refused-c.Failed-c.Ambiguous)
}

// Sessions lists sessions, the newest first. One whose opening is on record
// twice, because its first commit was in doubt, is listed once.
func (r *Reader) Sessions(ctx context.Context, f SessionFilter) ([]Session, error) {
	opened, err := r.opened(ctx, f)
	if err != nil {
		return nil, err
	}
	var sessions []Session
	seen := map[string]bool{}
	for _, pos := range opened {
		s, err := r.session(ctx, pos)
		if err != nil {
			return nil, err
		}
		if seen[s.ID] {
			continue
		}
		seen[s.ID] = true
		if f.Subject != "" && s.Principal.Subject != f.Subject {
			continue
		}
		if sessions = append(sessions, s); len(sessions) == f.Limit {
			break
		}
	}
	return sessions, nil
}

// opened lists where sessions begin, the newest first.
func (r *Reader) opened(ctx context.Context, f SessionFilter) ([]int64, error) {
	since, until := int64(math.MinInt64), int64(math.MaxInt64)
	if !f.Since.IsZero() {
		since = f.Since.UnixMicro()
	}
	if !f.Until.IsZero() {
		until = f.Until.UnixMicro()
	}
	rows, err := r.db.QueryContext(ctx, `SELECT pos FROM events
		WHERE kind = 'session.opened' AND time >= ? AND time < ? ORDER BY time DESC, pos DESC`, since, until)
	if err != nil {
		return nil, unreadable(r.path, err)
	}
	return collect(rows, func(pos *int64) []any { return []any{pos} })
}

// session sums up the session whose first event is at pos.
func (r *Reader) session(ctx context.Context, pos int64) (Session, error) {
	first, err := r.event(ctx, pos)
	if err != nil {
		return Session{}, err
	}
	s := Session{ID: first.Session, Opened: first.Time}
	if opened, ok := first.Body.(SessionOpened); ok {
		s.Principal, s.Client, s.Transport = opened.Principal, opened.Client, opened.Transport
	}
	tallies, err := r.tallies(ctx, s.ID)
	if err != nil {
		return Session{}, err
	}
	last := pos
	for kind, t := range tallies {
		s.Calls.add(kind, t.count)
		last = max(last, t.last)
	}
	if closing, ok := tallies[KindSessionClosed]; ok {
		e, err := r.event(ctx, closing.last)
		if err != nil {
			return Session{}, err
		}
		s.Closed = true
		if closed, ok := e.Body.(SessionClosed); ok {
			s.Reason = closed.Reason
		}
	}
	e, err := r.event(ctx, last)
	s.Last = e.Time
	return s, err
}

func (c *Calls) add(kind Kind, n int64) {
	switch kind {
	case KindReceived:
		c.Received = n
	case KindFinished:
		c.Finished = n
	case KindRefused:
		c.Refused = n
	case KindFailed:
		c.Failed = n
	case KindAmbiguous:
		c.Ambiguous = n
	}
}

// tally is how many events of a kind a session has, and where the last stands.
type tally struct {
	kind        Kind
	count, last int64
}

func (r *Reader) tallies(ctx context.Context, session string) (map[Kind]tally, error) {
	rows, err := r.db.QueryContext(ctx, `SELECT kind, count(*), max(pos) FROM events WHERE session = ? GROUP BY kind`, session)
	if err != nil {
		return nil, unreadable(r.path, err)
	}
	list, err := collect(rows, func(t *tally) []any { return []any{&t.kind, &t.count, &t.last} })
	if err != nil {
		return nil, err
	}
	tallies := map[Kind]tally{}
	for _, t := range list {
		tallies[t.kind] = t
	}
	return tallies, nil
}
