package recorder

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Standing is something that outlives calls and processes and is still open to
// change: a request for approval, a freeze, a notice to send. It changes only
// in one transaction with the events that say so; the events are the record,
// and the standing is where they have led.
type Standing struct {
	// Kind and ID name it.
	Kind, ID string
	// Phase is the word for how far it has come. It can be listed by.
	Phase string
	// Due is when something is to happen to it by itself; zero is never.
	Due time.Time
	// Version counts its changes, from 1. A standing that is to be made has 0.
	Version int64
	// Changed is higher than that of every standing that changed earlier. It is
	// set when reading.
	Changed int64
	// Data is whatever the kind keeps.
	Data []byte
}

// ErrStale is the error of a change to a standing that is no longer as the
// caller saw it. Nothing was changed or recorded; read it again.
var ErrStale = errors.New("recorder: the standing changed meanwhile")

// Change sets standings and records events, all or nothing, as durably as
// Append. Each standing has the version that the caller saw, and gets the next
// one; if another has been faster with any of them the error is [ErrStale]. It
// holds across processes.
func (r *Recorder) Change(ctx context.Context, set []Standing, events ...Event) error {
	drafts, err := r.drafts(events)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.Ready(); err != nil {
		return err
	}
	return r.writer.change(drafts, changes{set, r.drafts})
}

// changes are standings to be set, and what makes drafts of events.
type changes struct {
	standings []Standing
	drafts    func([]Event) ([]draft, error)
}

// change commits what waits, and then drafts together with standings.
func (w *writer) change(drafts []draft, c changes) error {
	w.turn <- struct{}{}
	defer w.pass()
	if w.ended {
		return ErrClosed
	}
	w.flush()
	return w.commit(drafts, c)
}

// apply sets the standings in the current transaction, and returns the events
// that say what they are from here on.
func (c changes) apply(ctx context.Context, s *store) ([]draft, error) {
	if len(c.standings) == 0 {
		return nil, nil
	}
	var last int64
	if err := s.conn.QueryRowContext(ctx, `SELECT coalesce(max(changed), 0) FROM standings`).Scan(&last); err != nil {
		return nil, err
	}
	events := make([]Event, len(c.standings))
	for i, next := range c.standings {
		next.Version++
		next.Changed = last + 1 + int64(i)
		if err := s.set(ctx, next); err != nil {
			return nil, err
		}
		events[i].Body = next.stood()
	}
	return c.drafts(events)
}

// set makes a standing what it is to be. It must have the version before.
func (s *store) set(ctx context.Context, next Standing) error {
	query := `UPDATE standings SET phase = ?3, due = ?4, version = ?5, changed = ?6, data = ?7 WHERE kind = ?1 AND id = ?2 AND version = ?5 - 1`
	if next.Version == 1 {
		query = `INSERT OR IGNORE INTO standings (kind, id, phase, due, version, changed, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`
	}
	due := sql.NullInt64{Int64: next.due(), Valid: !next.Due.IsZero()}
	done, err := s.conn.ExecContext(ctx, query, next.Kind, next.ID, next.Phase, due, next.Version, next.Changed, orEmpty(next.Data))
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errors.Join(ErrStale, err)
	}
	return nil
}

func orEmpty(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}

// due is Due in microseconds since 1970, or 0.
func (st Standing) due() int64 {
	if st.Due.IsZero() {
		return 0
	}
	return st.Due.UnixMicro()
}

// stood is the event that says what the standing is.
func (st Standing) stood() Stood {
	sum := sha256.Sum256(st.Data)
	return Stood{
		Of: st.Kind, ID: st.ID, Phase: st.Phase, Due: st.due(), Version: st.Version, Changed: st.Changed,
		SHA256: hex.EncodeToString(sum[:]),
	}
}

const standingColumns = `SELECT kind, id, phase, due, version, changed, CASE WHEN length(data) <= ?1 THEN data END FROM standings `

// Standing returns one standing, or ErrNotFound.
func (r *Reader) Standing(ctx context.Context, kind, id string) (Standing, error) {
	found, err := r.standings(ctx, `WHERE kind = ?2 AND id = ?3`, kind, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: %s %s", ErrNotFound, kind, id)
	}
	if err != nil {
		return Standing{}, err
	}
	return found[0], nil
}

// Standings lists those of a kind that are in a phase, those that are due first.
func (r *Reader) Standings(ctx context.Context, kind, phase string) ([]Standing, error) {
	return r.standings(ctx, `WHERE kind = ?2 AND phase = ?3 ORDER BY due, id`, kind, phase)
}

// RecentStandings lists those of a kind, the latest changed first, at most n.
func (r *Reader) RecentStandings(ctx context.Context, kind string, n int) ([]Standing, error) {
	return r.standings(ctx, `WHERE kind = ?2 ORDER BY changed DESC LIMIT ?3`, kind, n)
}

// StandingsSince lists those that changed after a given change, in that order.
func (r *Reader) StandingsSince(ctx context.Context, changed int64) ([]Standing, error) {
	return r.standings(ctx, `WHERE changed > ?2 ORDER BY changed LIMIT ?3`, changed, -1)
}

func (r *Reader) standings(ctx context.Context, where string, args ...any) ([]Standing, error) {
	rows, err := r.db.QueryContext(ctx, standingColumns+where, append([]any{maxStored}, args...)...)
	if err != nil {
		return nil, unreadable(r.path, err)
	}
	found, err := standingsIn(rows)
	if err != nil {
		return nil, unreadable(r.path, err)
	}
	return found, nil
}

func standingsIn(rows *sql.Rows) ([]Standing, error) {
	var dues []*sql.NullInt64
	found, err := collect(rows, func(s *Standing) []any {
		dues = append(dues, new(sql.NullInt64))
		return []any{&s.Kind, &s.ID, &s.Phase, dues[len(dues)-1], &s.Version, &s.Changed, &s.Data}
	})
	for i := range found {
		if dues[i].Valid {
			found[i].Due = time.UnixMicro(dues[i].Int64).UTC()
		}
	}
	return found, err
}
