package recorder

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxLine is the longest line of an export, in bytes: an event of the largest size.
const maxLine = maxEvent + 64<<10

var errLine = errors.New("the line is not as an export has it")

// ExportReport says what a verified export holds.
type ExportReport struct {
	Session string
	Events  int64
	// Closed says that the session's end is in it. Without it, events at the
	// end may have been left out, or had not happened yet.
	Closed bool
	// Heads are the signed checkpoints that the events were proven against.
	Heads []string
}

// VerifyExport checks an exported session against the installation's verifier
// key alone. It proves that every event was recorded as it stands there, in
// this order, and that none was left out between the first and the last of each
// log. An error names the line that is wrong.
func VerifyExport(r io.Reader, verifierKey string) (ExportReport, error) {
	key, err := parseVerifierKey(verifierKey)
	if err != nil {
		return ExportReport{}, err
	}
	c := &exportCheck{
		key: key, keyText: strings.TrimSpace(verifierKey), in: bufio.NewReaderSize(r, 64<<10),
		sum: sha256.New(), seen: map[string]bool{},
	}
	for !c.ended {
		if err := c.next(); err != nil {
			return ExportReport{}, fmt.Errorf("recorder: line %d of the export: %w", c.lines+1, err)
		}
	}
	if _, err := c.in.ReadByte(); err != io.EOF {
		return ExportReport{}, errors.New("recorder: the export goes on after its end")
	}
	return c.report, nil
}

// exportCheck is one run of VerifyExport.
type exportCheck struct {
	key     note.Verifier
	keyText string
	in      *bufio.Reader
	report  ExportReport

	lines int64
	sum   hash.Hash
	ended bool

	// head is the log that is being read, and seq and number are those of its
	// last event.
	head        Head
	seq, number int64

	// due is the content that has to follow, of which at bytes have come.
	due     Content
	at      int64
	content hash.Hash
	seen    map[string]bool
}

// next checks one line. In canonical form the first member tells its sort.
func (c *exportCheck) next() error {
	line, err := c.readLine()
	if err != nil {
		return err
	}
	sort, _, _ := bytes.Cut(line, []byte(":"))
	switch {
	case c.lines == 0:
		err = check(line, c.header)
	case c.due.SHA256 != "":
		err = check(line, c.piece)
	case string(sort) == `{"checkpoint"`:
		err = check(line, c.checkpoint)
	case string(sort) == `{"event"`:
		err = check(line, c.event)
	default:
		err = check(line, c.end)
	}
	if err != nil {
		return err
	}
	c.lines++
	c.sum.Write(line)
	c.sum.Write([]byte{'\n'})
	return nil
}

// readLine returns the next line without its newline.
func (c *exportCheck) readLine() ([]byte, error) {
	var line []byte
	for {
		part, err := c.in.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, errors.New("the line is too long")
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case err == io.EOF:
			return nil, errors.New("the export is cut off")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// check decodes a line, insists on its canonical form to the byte, and passes it on.
func check[T any](line []byte, to func(T) error) error {
	var v T
	if err := json.Unmarshal(line, &v, json.RejectUnknownMembers(true)); err != nil {
		return errLine
	}
	if due, err := canonical(v); err != nil || !bytes.Equal(due, line) {
		return errLine
	}
	return to(v)
}

func (c *exportCheck) header(h headerLine) error {
	switch {
	case h.Format != exportFormat || h.Version != exportVersion:
		return errors.New("this is not an exported session of a version that this program knows")
	case h.Key != c.keyText:
		return errors.New("the session was recorded under another verifier key")
	}
	c.report.Session = h.Session
	return nil
}

func (c *exportCheck) checkpoint(l checkpointLine) error {
	head, err := openCheckpoint(l.Checkpoint, c.key)
	if err != nil {
		return err
	}
	if c.head.Log != "" && (c.number == 0 || head.Log <= c.head.Log) {
		return errors.New("the logs are not in order")
	}
	c.head, c.seq, c.number = head, -1, 0
	c.report.Heads = append(c.report.Heads, l.Checkpoint)
	return nil
}

func (c *exportCheck) event(l eventLine) error {
	if c.head.Log == "" || l.Proof == nil || l.Seq <= c.seq || l.Seq >= c.head.Size {
		return errLine
	}
	if err := tlog.CheckRecord(l.Proof, c.head.Size, c.head.Root, l.Seq, tlog.RecordHash(l.Event)); err != nil {
		return errors.New("the event is not one that was recorded at this place")
	}
	e, err := decodeLeaf(l.Event)
	switch {
	case err != nil:
		return err
	case e.Session != c.report.Session:
		return errors.New("the event is of another session")
	case e.Place.Number != c.number+1:
		return fmt.Errorf("event number %d of the session is missing in log %s", c.number+1, c.head.Log)
	}
	c.seq, c.number = l.Seq, e.Place.Number
	c.report.Events++
	c.report.Closed = c.report.Closed || e.Body.Kind() == KindSessionClosed
	if e.Content.SHA256 != "" && !c.seen[e.Content.SHA256] {
		c.due, c.at, c.content = e.Content, 0, sha256.New()
		c.seen[e.Content.SHA256] = true
	}
	return nil
}

func (c *exportCheck) piece(l pieceLine) error {
	rest := c.due.Size - c.at
	if l.At != c.at || int64(len(l.Data)) != min(rest, exportPiece) {
		return errLine
	}
	c.content.Write(l.Data)
	c.at += int64(len(l.Data))
	if c.at < c.due.Size {
		return nil
	}
	if hex.EncodeToString(c.content.Sum(nil)) != c.due.SHA256 {
		return errors.New("the content is not what was recorded")
	}
	c.due = Content{}
	return nil
}

func (c *exportCheck) end(l endLine) error {
	if c.number == 0 || l.End.Lines != c.lines || l.End.SHA256 != hex.EncodeToString(c.sum.Sum(nil)) {
		return errors.New("the export was changed or cut off")
	}
	c.ended = true
	return nil
}
