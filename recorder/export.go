package recorder

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The format of an exported session. Every line is an object in canonical JSON
// (RFC 8785) and ends with a newline:
//
//	{"format":"chaperone session","key":...,"session":...,"version":1}
//	for each log with events of the session, in the order of their names:
//	  {"checkpoint":...}                the signed note over the log
//	  for each such event, in the order of the log:
//	    {"event":{...},"proof":[...],"seq":...}   the leaf, its inclusion proof, its index
//	    {"at":...,"data":...} ...       its content in pieces, in base64, if it
//	                                    stands apart and did not come before
//	{"end":{"lines":...,"sha256":...}}  over all lines before, newlines included
const (
	exportFormat  = "chaperone session"
	exportVersion = 1
	// exportPiece is the size of a piece of content, in bytes.
	exportPiece = 512 << 10
)

type headerLine struct {
	Format  string `json:"format"`
	Key     string `json:"key"`
	Session string `json:"session"`
	Version int    `json:"version"`
}

type checkpointLine struct {
	Checkpoint string `json:"checkpoint"`
}

type eventLine struct {
	Event jsontext.Value   `json:"event"`
	Proof tlog.RecordProof `json:"proof"`
	Seq   int64            `json:"seq"`
}

type pieceLine struct {
	At   int64  `json:"at"`
	Data []byte `json:"data"`
}

type endLine struct {
	End ending `json:"end"`
}

type ending struct {
	Lines  int64  `json:"lines"`
	SHA256 string `json:"sha256"`
}

// Export writes a session as one file that proves itself to whoever has the
// verifier key, see [VerifyExport]. It fails on a record that is damaged.
func (r *Reader) Export(ctx context.Context, session string, w io.Writer) error {
	key, err := r.VerifierKey()
	if err != nil {
		return err
	}
	verifier, err := parseVerifierKey(key)
	if err != nil {
		return err
	}
	conn, rollback, err := r.snapshot(ctx)
	if err != nil {
		return err
	}
	defer rollback()
	x := &exporter{
		reader: r, conn: conn, verifier: verifier, session: session,
		out: bufio.NewWriter(w), sum: sha256.New(), sent: map[string]bool{},
	}
	logs, err := x.logs(ctx)
	if err == nil && len(logs) == 0 {
		err = fmt.Errorf("%w: session %q", ErrNotFound, session)
	}
	if err != nil {
		return unreadable(r.path, err)
	}
	header := headerLine{Format: exportFormat, Key: key, Session: session, Version: exportVersion}
	if err := writeLine(x, header); err != nil {
		return err
	}
	for _, l := range logs {
		if err := x.log(ctx, l); err != nil {
			return unreadable(r.path, err)
		}
	}
	end := ending{Lines: x.lines, SHA256: hex.EncodeToString(x.sum.Sum(nil))}
	if err := writeLine(x, endLine{End: end}); err != nil {
		return err
	}
	return x.out.Flush()
}

// exporter is one run of Export.
type exporter struct {
	reader   *Reader
	conn     *sql.Conn
	verifier note.Verifier
	session  string

	out   *bufio.Writer
	sum   hash.Hash
	lines int64
	// sent are the contents that were written.
	sent map[string]bool
}

// logs lists the logs that hold events of the session.
func (x *exporter) logs(ctx context.Context) ([]logRow, error) {
	rows, err := x.conn.QueryContext(ctx, `SELECT id, name, state, checkpoint FROM logs
		WHERE id IN (SELECT DISTINCT pos >> 40 FROM events WHERE session = ?) ORDER BY name`, x.session)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(l *logRow) []any { return []any{&l.id, &l.name, &l.state, &l.checkpoint} })
}

// log writes what one log holds of the session.
func (x *exporter) log(ctx context.Context, l logRow) error {
	head, err := openCheckpoint(l.checkpoint, x.verifier)
	if err != nil {
		return fmt.Errorf("recorder: log %s: %w: verify the record", l.name, err)
	}
	if err := writeLine(x, checkpointLine{Checkpoint: l.checkpoint}); err != nil {
		return err
	}
	rows, err := x.conn.QueryContext(ctx, `SELECT pos FROM events
		WHERE session = ? AND pos BETWEEN ? AND ? ORDER BY pos`, x.session, l.id<<seqBits, (l.id+1)<<seqBits-1)
	if err != nil {
		return err
	}
	places, err := collect(rows, func(pos *int64) []any { return []any{pos} })
	if err != nil {
		return err
	}
	hashes := storedHashes(ctx, x.conn, l.id)
	for _, pos := range places {
		if err := x.event(ctx, l, head, hashes, pos); err != nil {
			return err
		}
	}
	return nil
}

// event writes an event with its proof, and the content it names.
func (x *exporter) event(ctx context.Context, l logRow, head Head, hashes tlog.HashReader, pos int64) error {
	var stored []byte
	if err := x.conn.QueryRowContext(ctx, dataAt, maxStored, pos).Scan(&stored); err != nil {
		return err
	}
	leaf, err := x.reader.packer.unpackLeaf(stored)
	if err != nil {
		return fmt.Errorf("recorder: event %d of log %s: %w: verify the record", seqOf(pos), l.name, err)
	}
	proof, err := tlog.ProveRecord(head.Size, seqOf(pos), hashes)
	if err == nil {
		err = tlog.CheckRecord(proof, head.Size, head.Root, seqOf(pos), tlog.RecordHash(leaf))
	}
	if err != nil {
		return fmt.Errorf("recorder: event %d of log %s is not as it was recorded: verify the record", seqOf(pos), l.name)
	}
	proof = append(tlog.RecordProof{}, proof...) // an empty one is [], not null
	if err := writeLine(x, eventLine{Event: leaf, Proof: proof, Seq: seqOf(pos)}); err != nil {
		return err
	}
	e, err := decodeLeaf(leaf)
	if err != nil {
		return err
	}
	return x.content(ctx, e.Content)
}

func (x *exporter) content(ctx context.Context, c Content) error {
	if c.SHA256 == "" || x.sent[c.SHA256] {
		return nil
	}
	x.sent[c.SHA256] = true
	data, err := x.reader.content(ctx, x.conn, c)
	if err != nil {
		return err
	}
	for at := 0; at < len(data); at += exportPiece {
		piece := data[at:min(at+exportPiece, len(data))]
		if err := writeLine(x, pieceLine{At: int64(at), Data: piece}); err != nil {
			return err
		}
	}
	return nil
}

func writeLine[T any](x *exporter, v T) error {
	line, err := canonical(v)
	if err != nil {
		return fmt.Errorf("recorder: encode a line of the export: %w", err)
	}
	line = append(line, '\n')
	x.sum.Write(line)
	x.lines++
	if _, err := x.out.Write(line); err != nil {
		return fmt.Errorf("recorder: write the export: %w", err)
	}
	return nil
}
