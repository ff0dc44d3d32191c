package recorder

import (
	"context"
	"database/sql"
	"errors"

	"github.com/gofrs/flock"
	"github.com/oklog/ulid/v2"
	"golang.org/x/mod/sumdb/note"
)

var errForeign = errors.New("a log in the file is not signed with the folder's signing.key: " +
	"restore the key that belongs to the file, or move recorder.db and checkpoint away to start a new record")

// logRow is a log as the database has it.
type logRow struct {
	id                      int64
	name, state, checkpoint string
}

// past is what earlier processes left.
type past struct {
	key     note.Verifier
	outside outside
	// lost are the logs, by name, whose process died. We hold their locks.
	lost map[string]lostLog
}

type lostLog struct {
	lock *flock.Flock
	live live
}

// survey finds the logs whose processes died, and what went on in them.
func survey(ctx context.Context, s *store, dir string, key note.Verifier) (past, error) {
	p := past{key: key, outside: readOutside(dir, key), lost: map[string]lostLog{}}
	logs, err := s.unsettled(ctx)
	if err != nil {
		return p, err
	}
	for _, l := range logs {
		if l.state != stateOpen {
			continue
		}
		if _, err := ulid.ParseStrict(l.name); err != nil {
			return p, errForeign // the name becomes that of a file
		}
		lock, dead := lockLog(dir, l.name)
		if !dead {
			continue
		}
		p.lost[l.name] = lostLog{lock: lock}
		found, err := s.liveIn(ctx, l.id)
		if err != nil {
			return p, err
		}
		p.lost[l.name] = lostLog{lock: lock, live: found}
	}
	return p, nil
}

func (p past) release() {
	for _, l := range p.lost {
		release(l.lock)
	}
}

// legacy is what a new log takes over from earlier ones.
type legacy struct {
	// heads say where the logs stand that no log has seen the end of.
	heads []Head
	// ended are those of them, by number, that have ended.
	ended []int64
	// ends are the events that end what went on in those that were lost.
	ends []Event
}

// left returns the legacy, as it is in the current transaction.
func (p past) left(ctx context.Context, s *store) (legacy, error) {
	logs, err := s.unsettled(ctx)
	if err != nil {
		return legacy{}, err
	}
	found := legacy{heads: []Head{}}
	for _, l := range logs {
		head, err := openCheckpoint(l.checkpoint, p.key)
		if err != nil || head.Log != l.name {
			return legacy{}, errForeign
		}
		lost, dead := p.lost[l.name]
		switch {
		case l.state == stateClosed:
			head.Ended = Closed
		case dead:
			head.Ended = Lost
			found.ends = append(found.ends, lost.live.endings()...)
		}
		if head.Ended != "" {
			found.ended = append(found.ended, l.id)
		}
		found.heads = append(found.heads, head)
	}
	return found, p.outside.agrees(ctx, s, p.key)
}

func (l legacy) sizes() map[string]int64 {
	sizes := map[string]int64{}
	for _, h := range l.heads {
		sizes[h.Log] = h.Size
	}
	return sizes
}

// unsettled lists the logs whose end is not recorded in another.
func (s *store) unsettled(ctx context.Context) ([]logRow, error) {
	rows, err := s.conn.QueryContext(ctx, `SELECT id, name, state, checkpoint FROM logs
		WHERE state <> 'settled' ORDER BY id`)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(l *logRow) []any { return []any{&l.id, &l.name, &l.state, &l.checkpoint} })
}

// liveIn reads what went on in a log when it ended.
func (s *store) liveIn(ctx context.Context, log int64) (live, error) {
	found := newLive()
	rows, err := s.conn.QueryContext(ctx, `SELECT kind, session, call FROM events WHERE pos BETWEEN ? AND ?
		AND kind IN ('session.opened', 'session.closed', 'call.started',
			'call.finished', 'call.refused', 'call.failed', 'call.ambiguous') ORDER BY pos`, log<<seqBits, (log+1)<<seqBits-1)
	if err != nil {
		return found, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind Kind
		var session, call string
		if err := rows.Scan(&kind, &session, &call); err != nil {
			return found, err
		}
		found.see(kind, session, call)
	}
	return found, rows.Err()
}

// collect reads all rows into values whose fields are the columns.
func collect[T any](rows *sql.Rows, fields func(*T) []any) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		var one T
		if err := rows.Scan(fields(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
