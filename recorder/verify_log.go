package recorder

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// logCheck is a log as its events are gone through.
type logCheck struct {
	logRow
	// claims say what the log's tree was at some size, smallest first; the
	// log's own checkpoint is one of them.
	claims []claim
	// covered is how many events its own checkpoint is about.
	covered int64
	// end is what a later log says about how this one ended.
	end  *claim
	tree tree
	next int64
	// torn says that events are missing, so that the tree cannot be followed.
	torn bool
	last Kind
}

// readLogs reads the logs' rows and checks their checkpoints.
func (v *verification) readLogs(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, `SELECT id, name, state, checkpoint FROM logs ORDER BY id`)
	if err != nil {
		return err
	}
	list, err := collect(rows, func(l *logRow) []any { return []any{&l.id, &l.name, &l.state, &l.checkpoint} })
	v.byID, v.byName = map[int64]*logCheck{}, map[string]*logCheck{}
	for _, row := range list {
		l := &logCheck{logRow: row}
		v.logs, v.byID[row.id], v.byName[row.name] = append(v.logs, l), l, l
		v.report.Logs++
		head, err := openCheckpoint(row.checkpoint, v.key)
		if err != nil || head.Log != row.name {
			v.report.problem(row.name, -1, "its checkpoint is not signed by the installation for this log")
			continue
		}
		l.covered = head.Size
		l.claims = append(l.claims, claim{Head: head, by: "its checkpoint"})
		v.total += head.Size
		if row.state != stateSettled {
			v.report.Heads = append(v.report.Heads, row.checkpoint)
		}
	}
	return err
}

// readClaims collects what the logs say of each other in their first events.
func (v *verification) readClaims(ctx context.Context, conn *sql.Conn) error {
	for _, l := range v.logs {
		var stored []byte
		err := conn.QueryRowContext(ctx, dataAt, maxStored, l.id<<seqBits).Scan(&stored)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		for _, head := range othersIn(v.reader.packer, stored) {
			v.claim(claim{Head: head, by: "log " + l.name})
			if other := v.byName[head.Log]; other != nil && other.id >= l.id {
				v.report.problem(l.name, 0, "it knows of log %s, which began later", head.Log)
			}
		}
	}
	for _, c := range v.kept {
		v.claim(c)
	}
	for _, l := range v.logs {
		slices.SortStableFunc(l.claims, func(a, b claim) int { return cmp.Compare(a.Size, b.Size) })
	}
	return nil
}

// othersIn returns the heads that a first event holds; damage shows later.
func othersIn(p *packer, stored []byte) []Head {
	leaf, err := p.unpackLeaf(stored)
	if err != nil {
		return nil
	}
	e, _ := decodeLeaf(leaf)
	opened, _ := e.Body.(LogOpened)
	return opened.Others
}

func (v *verification) claim(c claim) {
	l := v.byName[c.Log]
	if l == nil {
		v.report.problem(c.Log, -1, "the log is missing: %s knows %d events of it", c.by, c.Size)
		return
	}
	if c.Ended != "" && l.end != nil {
		v.report.problem(c.Log, -1, "it ended twice: %s and %s say so", l.end.by, c.by)
	}
	if c.Ended != "" {
		l.end = &c
	}
	l.claims = append(l.claims, c)
}

// eventRow is a row of the table events.
type eventRow struct {
	pos, time           int64
	session, call, kind string
	hashes, data        []byte
}

// checkEvents goes through all events in the order of the logs.
func (v *verification) checkEvents(ctx context.Context, conn *sql.Conn) error {
	rows, err := conn.QueryContext(ctx, `SELECT pos, time, session, call, kind,
		CASE WHEN length(hashes) <= 4096 THEN hashes END, CASE WHEN length(data) <= ? THEN data END
		FROM events ORDER BY pos`, maxStored)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e eventRow
		if err := rows.Scan(&e.pos, &e.time, &e.session, &e.call, &e.kind, &e.hashes, &e.data); err != nil {
			return err
		}
		if l := v.byID[e.pos>>seqBits]; l != nil {
			v.checkEvent(l, e)
		} else {
			v.report.problem("", -1, "event at position %d belongs to no log", e.pos)
		}
		v.report.Events++
		if v.options.Progress != nil && v.report.Events%10_000 == 0 {
			v.options.Progress(v.report.Events, v.total)
		}
	}
	return rows.Err()
}

// checkEvent checks one row, and follows the tree with what the row says its
// leaf is, so that one changed event does not hide what else is wrong.
func (v *verification) checkEvent(l *logCheck, e eventRow) {
	seq := seqOf(e.pos)
	if seq != l.next {
		v.report.problem(l.name, seq, "events %d to %d are missing", l.next, seq-1)
		l.torn = true
	}
	if l.last == KindLogClosed {
		v.report.problem(l.name, seq, "it stands after the end of the log")
	}
	l.next, l.last = seq+1, Kind(e.kind)
	v.checkData(l, seq, e)
	if l.torn || len(e.hashes) < tlog.HashSize {
		l.torn = true
		return
	}
	if due := l.tree.add(tlog.Hash(e.hashes[:tlog.HashSize])); !bytes.Equal(joined(due), e.hashes) {
		v.report.problem(l.name, seq, "its Merkle hashes do not follow from the events before it")
	}
	for len(l.claims) > 0 && l.claims[0].Size <= l.tree.size {
		l.checkClaim(&v.report)
	}
}

// checkData checks the leaf of a row and the columns that stand beside it.
func (v *verification) checkData(l *logCheck, seq int64, row eventRow) {
	leaf, err := v.reader.packer.unpackLeaf(row.data)
	if err != nil {
		v.report.problem(l.name, seq, "%v", err)
		return
	}
	if hash := tlog.RecordHash(leaf); !bytes.HasPrefix(row.hashes, hash[:]) {
		v.report.problem(l.name, seq, "its data are not those that were recorded")
	}
	e, err := decodeLeaf(leaf)
	if err != nil {
		v.report.problem(l.name, seq, "%v", err)
		return
	}
	beside := e.Time.UnixMicro() == row.time && e.Session == row.session && e.Call == row.call
	if !beside || string(e.Body.Kind()) != row.kind {
		v.report.problem(l.name, seq, "the columns beside its data say something else than the data")
	}
	if first := seq == 0; first != (row.kind == string(KindLogOpened)) {
		v.report.problem(l.name, seq, "a log begins with %s, and nothing else does", KindLogOpened)
	}
	v.checkNames(l, seq, e.Content)
	v.noteStanding(l, seq, e.Body)
}

// checkClaim holds the first claim against the tree, which has its size.
func (l *logCheck) checkClaim(r *Report) {
	c := l.claims[0]
	l.claims = l.claims[1:]
	if !l.torn && (c.Size != l.tree.size || c.Root != l.tree.root()) {
		r.problem(l.name, -1, "its first %d events are not those of which %s has the signed hash", c.Size, c.by)
	}
}

// finish checks what can be said when all events were seen.
func (l *logCheck) finish(r *Report) {
	for _, c := range l.claims {
		switch {
		case c.Size > l.next:
			r.problem(l.name, -1, "it has %d events and %s knows of %d: the end was cut off, "+
				"or the database was taken back to an older state", l.next, c.by, c.Size)
		case !l.torn:
			r.problem(l.name, -1, "%s is about %d events of it, which cannot be", c.by, c.Size)
		}
	}
	if l.covered < l.next {
		r.problem(l.name, l.covered, "events from here on are not covered by the signed checkpoint")
	}
	l.checkEnd(r)
}

// checkEnd compares how the log ended with what is said about it.
func (l *logCheck) checkEnd(r *Report) {
	closed, due := l.last == KindLogClosed, stateOpen
	switch {
	case l.end != nil:
		due = stateSettled
	case closed:
		due = stateClosed
	}
	if l.state != due {
		r.problem(l.name, -1, "its state is %q and has to be %q", l.state, due)
	}
	if l.end == nil {
		return
	}
	if l.end.Size < l.next {
		r.problem(l.name, l.end.Size, "it goes on after %s had seen its end", l.end.by)
	}
	if closed != (l.end.Ended == Closed) {
		r.problem(l.name, -1, "%s says that it was %s, and its last event is %s", l.end.by, l.end.Ended, l.last)
	}
}
