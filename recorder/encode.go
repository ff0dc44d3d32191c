package recorder

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// timeFormat has a fixed width, so that equal times have equal bytes.
const timeFormat = "2006-01-02T15:04:05.000000Z"

var (
	errNoBody = errors.New("recorder: an event needs a body")
	errBig    = errors.New("recorder: the event is larger than the record takes")
)

// draft is an event encoded but for its number, which is known only when its
// turn comes.
type draft struct {
	time                int64
	session, call, kind string
	// head and tail surround the number.
	head, tail []byte
	apart      *apart
	// noted says that nobody waits for the event to be on disk.
	noted bool
}

// apart is content that stands apart from its event.
type apart struct {
	hash string
	data []byte
}

// leaf is the event's exact bytes in the log: canonical JSON.
func (d draft) leaf(number int64) []byte {
	out := make([]byte, 0, len(d.head)+len(d.tail)+24)
	out = append(out, d.head...)
	out = strconv.AppendInt(out, number, 10)
	return append(out, d.tail...)
}

// size is about what the draft takes in memory, in bytes.
func (d draft) size() int {
	n := len(d.head) + len(d.tail)
	if d.apart != nil {
		n += len(d.apart.data)
	}
	return n
}

// draft encodes an event that has its id and time.
func (e Event) draft(p *packer) (draft, error) {
	if e.Body == nil {
		return draft{}, errNoBody
	}
	d := draft{
		time: e.Time.UnixMicro(), session: clean(e.Session), call: clean(e.Call), kind: clean(string(e.Body.Kind())),
	}
	body, err := canonical(e.Body)
	if err != nil {
		return draft{}, fmt.Errorf("recorder: encode %s: %w", d.kind, err)
	}
	d.head = member(d.head, '{', "body", body)
	d.head = member(d.head, ',', "call", quoted(d.call))
	if e.Content.Size > 0 {
		d.head = member(d.head, ',', "content", e.Content.canonical())
	}
	d.head = member(d.head, ',', "id", quoted(clean(e.ID)))
	d.head = member(d.head, ',', "kind", quoted(d.kind))
	d.head = member(d.head, ',', "n", nil)
	d.tail = member(d.tail, ',', "session", quoted(d.session))
	d.tail = member(d.tail, ',', "time", quoted(e.Time.UTC().Format(timeFormat)))
	d.tail = append(d.tail, '}')
	if len(d.head)+len(d.tail) > maxEvent || e.Content.Size > maxContent {
		return draft{}, fmt.Errorf("%w: %s of %d bytes, content of %d bytes", errBig, d.kind, len(d.head), e.Content.Size)
	}
	if e.Content.apart != nil {
		d.apart = &apart{hash: e.Content.SHA256, data: p.pack(e.Content.apart)}
	}
	return d, nil
}

func member(dst []byte, sep byte, name string, value []byte) []byte {
	dst = append(dst, sep, '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return append(dst, value...)
}

// canonical marshals as encoding/json does, in the form of RFC 8785. Numbers
// are therefore exact up to 2^53.
func canonical[T any](v T) (jsontext.Value, error) {
	data, err := json.Marshal(v, jsonv1.DefaultOptionsV1())
	if err != nil {
		return nil, err
	}
	value := jsontext.Value(data)
	return value, value.Canonicalize()
}

// quoted is s as canonical JSON; s is valid UTF-8.
func quoted(s string) []byte {
	out, _ := jsontext.AppendQuote(nil, s)
	return out
}

// clean makes s the same in a column and in JSON.
func clean(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
