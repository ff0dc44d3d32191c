package kubectl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// screen makes of an answer what kubectl gets: what may be seen of it, without
// what kubectl would not print. Of a list it reads one object after the other, so
// that no list is held as the server tells it.
type screen struct {
	sent *sent
	in   *jsontext.Decoder
	// body is what in reads, a bounded piece at a time.
	body *ration
	// list is the name of the member that holds the objects of a list or the rows
	// of a table; "" where there is none. objects are those, with commas between.
	list    string
	objects []byte
	// about is the member metadata, and rest are all others.
	about, rest []byte
	// kind and columns are what they say.
	kind    string
	columns []any
	// values counts about how many values there are in what is kept.
	values int
	// odd says that there is what a list has not.
	odd bool
}

// screened reads an answer to its end.
func screened(s *sent, body io.Reader) ([]byte, error) {
	bounded := &ration{Reader: body, left: maxPiece}
	c := &screen{sent: s, body: bounded, in: jsontext.NewDecoder(bounded, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
	err := c.read()
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("the server's answer breaks off")
	case errors.As(err, &syntax) || errors.Is(err, errShape):
		return nil, errors.New("the server's answer is no object that can be read")
	case err != nil:
		return nil, err
	}
	return c.whole()
}

// errShape says that something is no object or no list where one should be.
var errShape = errors.New("it is of another type")

var errLarge = fmt.Errorf("the server answered with more than %d MB at once; ask for less, with a selector or --chunk-size", maxAnswer>>20)

// maxPiece bounds one object of a list, or all of an answer that is none.
const maxPiece = 16 << 20

var errPiece = fmt.Errorf("the server answered with an object of more than %d MB", maxPiece>>20)

// ration is a reader of what a decoder may hold at once: it holds whole values, and
// a list has any number of them.
type ration struct {
	io.Reader
	left int
}

// Read implements io.Reader.
func (r *ration) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errPiece
	}
	n, err := r.Reader.Read(p[:min(len(p), r.left)])
	r.left -= n
	return n, err
}

// maxValues bounds how many values an answer has that is read whole: each takes
// much more memory than its text.
const maxValues = 4 << 20

// held checks what is kept of an answer against both bounds.
func (c *screen) held(more []byte) error {
	c.values += bytes.Count(more, []byte{','})
	if len(c.objects)+len(c.rest) > maxAnswer || c.values > maxValues {
		return errLarge
	}
	return nil
}

func (c *screen) read() error {
	if err := c.open('{'); err != nil {
		return err
	}
	for c.in.PeekKind() != '}' {
		name, err := c.in.ReadValue()
		if err != nil {
			return err
		}
		if err := c.member(string(name)); err != nil {
			return err
		}
	}
	if _, err := c.in.ReadToken(); err != nil {
		return err
	}
	if _, err := c.in.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.Join(err, errShape)
	}
	return nil
}

// open reads the bracket that a value begins with.
func (c *screen) open(bracket jsontext.Kind) error {
	token, err := c.in.ReadToken()
	if err == nil && token.Kind() != bracket {
		err = errShape
	}
	return err
}

// member reads what an answer says under a name, which is in quotes.
func (c *screen) member(name string) (err error) {
	switch {
	case c.list == "" && c.lists(name) && c.in.PeekKind() == '[':
		c.list = name
		return c.readList()
	case name == `"metadata"` && c.about == nil:
		c.about, err = c.sent.shape.top().copy(nil, c.in)
		return err
	}
	if len(c.rest) > 0 {
		c.rest = append(c.rest, ',')
	}
	c.rest = append(append(c.rest, name...), ':')
	at := len(c.rest)
	if c.rest, err = (*part)(nil).copy(c.rest, c.in); err != nil {
		return err
	}
	if err := c.held(c.rest[at:]); err != nil {
		return err
	}
	switch value := c.rest[at:]; name {
	case `"kind"`:
		c.odd = json.Unmarshal(value, &c.kind) != nil || c.odd
	case `"apiVersion"`:
		c.odd = value[0] != '"' || c.odd
	case `"columnDefinitions"`:
		c.odd = json.Unmarshal(value, &c.columns) != nil || delicate(value) || c.odd
	default:
		c.odd = true
	}
	return nil
}

// lists reports whether a member holds what an answer lists.
func (c *screen) lists(name string) bool {
	return name == `"items"` || name == rows && c.sent.asTable()
}

func (c *screen) readList() error {
	if err := c.open('['); err != nil {
		return err
	}
	wanted := c.sent.shape.of(c.list)
	if c.list == rows && c.sent.foreign() {
		wanted = nil // what their cells quote is known only from all of them
	}
	for c.in.PeekKind() != ']' {
		c.body.left = maxPiece
		if c.sent.shape.full() {
			if err := c.in.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if len(c.objects) > 0 {
			c.objects = append(c.objects, ',')
		}
		at := len(c.objects)
		var err error
		if c.objects, err = wanted.copy(c.objects, c.in); err != nil {
			return err
		}
		if c.objects, err = c.mask(c.objects, at); err != nil {
			return err
		}
		if err := c.held(c.objects[at:]); err != nil {
			return err
		}
		if err := c.sent.shape.count(c.list, c.columns, c.objects[at:]); err != nil {
			return err
		}
	}
	_, err := c.in.ReadToken()
	return err
}

// mask masks the object or the row that begins at a place.
func (c *screen) mask(objects []byte, at int) ([]byte, error) {
	one := objects[at:]
	if one[0] != '{' {
		c.odd = true
	}
	if c.odd || !needsMask(c.sent, one) {
		return objects, nil
	}
	object, err := decode(one)
	if err != nil {
		return nil, err
	}
	if c.list == rows {
		table := map[string]any{"columnDefinitions": c.columns, "rows": []any{object}}
		maskTable(c.sent.Resource, c.sent.masker, table, []any{object})
		c.sent.hideCells(table)
	} else {
		maskObject(c.sent.Resource, c.sent.masker, object)
	}
	data, err := json.Marshal(object)
	return append(objects[:at], data...), err
}

// whole is the answer to pass on. What is no list, or has more than a list has, is
// masked as one object.
func (c *screen) whole() ([]byte, error) {
	if c.list != "" && c.about != nil && c.sent.shape.full() {
		if err := c.end(); err != nil {
			return nil, err
		}
	}
	var members [][]byte
	add := func(name string, value ...[]byte) {
		members = append(members, slices.Concat([]byte(name+":"), bytes.Join(value, nil)))
	}
	if len(c.rest) > 0 {
		members = append(members, c.rest)
	}
	if c.about != nil {
		add(`"metadata"`, c.about)
	}
	if c.list != "" {
		add(c.list, []byte{'['}, c.objects, []byte{']'})
	}
	data := slices.Concat([]byte{'{'}, bytes.Join(members, []byte{','}), []byte{'}'})
	if c.list == "" || c.odd || !plainList(c.about) || (c.list == rows) != (c.kind == "Table") {
		return maskJSON(c.sent, data)
	}
	return data, nil
}

// end makes the list one that has no more to it than what is there.
func (c *screen) end() (err error) {
	c.about, err = last.copy(nil, jsontext.NewDecoder(bytes.NewReader(c.about)))
	return err
}

// plainList reports whether the metadata are those of a list.
func plainList(about []byte) bool {
	var meta map[string]any
	return about == nil || json.Unmarshal(about, &meta) == nil && isListMeta(meta)
}
