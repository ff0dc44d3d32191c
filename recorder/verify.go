package recorder

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
)

// maxProblems is how many problems a report lists; all are counted.
const maxProblems = 1000

// VerifyOptions say what to verify against.
type VerifyOptions struct {
	// Key is the installation's verifier key. "" takes the one in the data
	// folder, which proves nothing against whoever can change the folder.
	Key string
	// Checkpoints are signed ones of this installation that were kept
	// elsewhere. The record has to contain all that they cover.
	Checkpoints []string
	// Progress is told from time to time how many events were verified, and
	// of how many; nil is not told.
	Progress func(done, total int64)
}

// Report is the result of verifying a record.
type Report struct {
	Logs, Events, Contents int64
	// Heads are the signed checkpoints of all logs that are not settled. Kept
	// elsewhere, they show later that nothing before them was changed.
	Heads []string
	// Found is the number of problems, and Problems are the first thousand.
	Found    int64
	Problems []Problem
	// Notes limit what the result means.
	Notes []string
}

// OK reports whether no problem was found.
func (r Report) OK() bool { return r.Found == 0 }

// Problem is one thing that is not as it was recorded.
type Problem struct {
	// Log is the name of the log, "" for the file as a whole.
	Log string
	// Seq is the index of the event, -1 for the log as a whole.
	Seq  int64
	What string
}

func (p Problem) String() string {
	switch {
	case p.Log == "":
		return p.What
	case p.Seq < 0:
		return fmt.Sprintf("log %s: %s", p.Log, p.What)
	}
	return fmt.Sprintf("log %s, event %d: %s", p.Log, p.Seq, p.What)
}

func (r *Report) problem(log string, seq int64, format string, args ...any) {
	r.Found++
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, Problem{Log: log, Seq: seq, What: fmt.Sprintf(format, args...)})
	}
}

// Verify checks that the record is what was written: every event against its
// log's Merkle tree, every tree against its signed checkpoint, the logs against
// what they say of each other, contents against their hashes, standings against
// the events about them, and the file itself. It sees one state of the record while others go on writing.
//
// With a key and checkpoints that were kept elsewhere, it proves that no event
// before these was changed, removed, added or moved by anyone who does not hold
// the signing key, and none after these by anyone who does not either, except
// that newest events may have been cut off together with the checkpoint file.
//
// The error says why the record could not be verified at all.
func (r *Reader) Verify(ctx context.Context, o VerifyOptions) (Report, error) {
	var notes []string
	text := o.Key
	if text == "" {
		var err error
		if text, err = r.VerifierKey(); err != nil {
			return Report{}, err
		}
		notes = append(notes, "the verifier key was taken from the folder itself: compare it with one kept elsewhere")
	}
	key, err := parseVerifierKey(text)
	if err != nil {
		return Report{}, err
	}
	v := &verification{reader: r, key: key, options: o, stood: map[standingKey]Stood{}, report: Report{Notes: append(notes, r.notes...)}}
	// The checkpoint file is older than the state that is read after it.
	v.readKept(o.Checkpoints)
	conn, rollback, err := r.snapshot(ctx)
	if err != nil {
		return Report{}, err
	}
	defer rollback()
	err = v.run(ctx, conn)
	return v.report, err
}

// verification is one run of Verify.
type verification struct {
	reader  *Reader
	key     note.Verifier
	options VerifyOptions
	report  Report

	logs     []*logCheck
	byID     map[int64]*logCheck
	byName   map[string]*logCheck
	kept     []claim
	contents map[string]*contentCheck
	// stood is what the last event about each standing says.
	stood map[standingKey]Stood
	total int64
}

// claim is something that someone else says about a log.
type claim struct {
	Head
	// by says who, for the report.
	by string
}

// readKept takes in the checkpoints that stand outside of the database.
func (v *verification) readKept(checkpoints []string) {
	for i, text := range checkpoints {
		heads, err := parseHeads(text, v.key)
		if err != nil {
			v.report.problem("", -1, "the checkpoint number %d that was given: %v", i+1, err)
		}
		for _, h := range heads {
			v.kept = append(v.kept, claim{Head: h.Head, by: "a checkpoint that was kept elsewhere"})
		}
	}
	heads, err := readHeads(filepath.Join(v.reader.dir, headsFile), v.key)
	if err != nil {
		v.report.problem("", -1, "the checkpoint file is damaged or not ours: "+
			"remove it if the machine lost power, otherwise someone changed it")
	}
	if err == nil && len(heads) == 0 {
		v.report.Notes = append(v.report.Notes,
			"there is no checkpoint file beside the database: events at the end could be missing without a trace")
	}
	for _, h := range heads {
		v.kept = append(v.kept, claim{Head: h.Head, by: "the checkpoint file"})
	}
}

// run does the parts in order. Damage that keeps one part from being read is a
// problem like any other.
func (v *verification) run(ctx context.Context, conn *sql.Conn) error {
	parts := []func(context.Context, *sql.Conn) error{
		v.checkFile, v.readLogs, v.readClaims, v.checkContents, v.checkEvents, v.checkStandings,
	}
	for _, part := range parts {
		err := part(ctx, conn)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			v.report.problem("", -1, "%v", unreadable(v.reader.path, err))
			return nil
		}
	}
	for _, l := range v.logs {
		l.finish(&v.report)
	}
	v.checkNamed()
	return nil
}

// checkFile lets SQLite look at the structure of its file.
func (v *verification) checkFile(ctx context.Context, conn *sql.Conn) error {
	if err := checkSchema(ctx, conn); err != nil {
		v.report.problem("", -1, "%v", err)
	}
	rows, err := conn.QueryContext(ctx, "PRAGMA integrity_check(100)")
	if err != nil {
		return err
	}
	found, err := collect(rows, func(s *string) []any { return []any{s} })
	for _, what := range found {
		if what != "ok" {
			v.report.problem("", -1, "the file's structure: %s", what)
		}
	}
	return err
}
