package recorder

import (
	"context"
	"database/sql"
)

type standingKey struct{ kind, id string }

// noteStanding keeps what the latest event says of a standing. Events of
// several logs come in any order; versions do not.
func (v *verification) noteStanding(l *logCheck, seq int64, body Body) {
	s, ok := body.(Stood)
	if !ok {
		return
	}
	key := standingKey{s.Of, s.ID}
	known := v.stood[key]
	if known.Version == s.Version {
		v.report.problem(l.name, seq, "two events make the standing %s %s version %d", s.Of, s.ID, s.Version)
	}
	if s.Version > known.Version {
		v.stood[key] = s
	}
}

// checkStandings holds every standing against the last event about it.
func (v *verification) checkStandings(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, standingColumns, maxStored)
	if err != nil {
		return err
	}
	found, err := standingsIn(rows)
	for _, st := range found {
		key := standingKey{st.Kind, st.ID}
		if due, ok := v.stood[key]; !ok || due != st.stood() {
			v.report.problem("", -1, "the standing %s %s is not what was recorded", st.Kind, st.ID)
		}
		delete(v.stood, key)
	}
	for key := range v.stood {
		v.report.problem("", -1, "the standing %s %s is missing", key.kind, key.id)
	}
	return err
}
