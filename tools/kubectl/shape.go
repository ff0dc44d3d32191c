package kubectl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// part says what is wanted of an object. nil is all of it.
type part struct {
	// only are the names that are wanted, unless it is nil; without are names that
	// are not. They stand in quotes.
	only, without []string
	// within says what is wanted of inner objects.
	within map[string]*part
}

// The parts of objects that are wanted.
var (
	noManaged = &part{without: []string{`"managedFields"`}}
	unmanaged = &part{within: map[string]*part{`"metadata"`: noManaged}}
	nameOnly  = nameAnd(`"name"`, `"namespace"`)
	rowOnly   = &part{within: map[string]*part{`"object"`: nameAnd(`"name"`, `"namespace"`, `"labels"`)}}
	last      = &part{without: []string{`"continue"`, `"remainingItemCount"`}}
)

func nameAnd(meta ...string) *part {
	return &part{only: []string{`"kind"`, `"apiVersion"`, `"metadata"`}, within: map[string]*part{`"metadata"`: {only: meta}}}
}

// copy appends the part that is wanted of the next value.
func (p *part) copy(to []byte, in *jsontext.Decoder) ([]byte, error) {
	if p == nil || in.PeekKind() != '{' {
		value, err := in.ReadValue()
		if len(to)+len(value) > maxAnswer {
			return to, errLarge
		}
		return append(to, value...), err
	}
	if _, err := in.ReadToken(); err != nil {
		return to, err
	}
	to = append(to, '{')
	for first := true; in.PeekKind() != '}'; {
		name, err := in.ReadValue()
		if err != nil {
			return to, err
		}
		if !p.wants(name) {
			if err := in.SkipValue(); err != nil {
				return to, err
			}
			continue
		}
		if !first {
			to = append(to, ',')
		}
		first = false
		inner := p.within[string(name)]
		to = append(append(to, name...), ':')
		if to, err = inner.copy(to, in); err != nil {
			return to, err
		}
	}
	_, err := in.ReadToken()
	return append(to, '}'), err
}

func (p *part) wants(name []byte) bool {
	is := func(n string) bool { return n == string(name) }
	return !slices.ContainsFunc(p.without, is) && (p.only == nil || slices.ContainsFunc(p.only, is))
}

// shape is what kubectl prints of what it reads, so far as that is known. nil is
// all of it, and the zero value all of it, too, but no more than fits into memory.
type shape struct {
	// item and row are what is wanted of an object and of a row of a table.
	item, row *part
	// bytes is how much may be printed.
	bytes int
	// length is how much of an object is printed at least; nil where nobody knows.
	length func(object []byte) int
	// wide says that all columns of a table are printed, cells that nothing is but
	// they.
	wide, cells bool

	mu            sync.Mutex
	read, printed int
	cut           bool
}

// shape says what the command prints, of which it may print some bytes.
func (c command) shape(bytes int) *shape {
	format, _ := c.flag("output")
	_, template := c.flag("template")
	if c.name != "get" || c.has("watch") || c.has("watch-only") || c.has("filename") || template || c.has("sort-by") {
		return &shape{}
	}
	s := &shape{item: unmanaged, row: rowOnly, bytes: bytes}
	if managed, _ := c.flag("show-managed-fields"); managed == "true" {
		s.item = nil
	}
	switch format {
	case "", "wide":
		s.wide = format == "wide"
		s.cells = !c.everywhere && !c.has("show-labels") && !c.has("label-columns")
	case "name":
		s.item, s.length = nameOnly, lengthOfName
	case "json":
		s.length = func(object []byte) int { return lengthOf(object, 4) }
	case "yaml", "kyaml":
		s.length = func(object []byte) int { return lengthOf(object, 2) }
	default:
		return c.shapeOf(format)
	}
	return s
}

// shapeOf is what a path or columns print. What kubectl prints when something is
// missing is all that it has.
func (c command) shapeOf(format string) *shape {
	fields, ok := lookedAt(format)
	if !ok || c.has("allow-missing-template-keys") {
		return &shape{}
	}
	wanted := nameAnd()
	wanted.within[`"metadata"`] = noManaged
	for _, field := range fields {
		wanted.only = append(wanted.only, strconv.Quote(field))
	}
	return &shape{item: wanted}
}

// of is what is wanted of what a list holds.
func (s *shape) of(list string) *part {
	switch {
	case s == nil:
		return nil
	case list == rows:
		return s.row
	}
	return s.item
}

// top is what is wanted of the metadata of an answer.
func (s *shape) top() *part {
	if s == nil || s.item == nil {
		return nil
	}
	return noManaged
}

// errMuch is what a command gets that would hold more than fits into memory.
var errMuch = fmt.Errorf("these are more than %d MB, which kubectl would hold at once; ask for less, with a selector or a namespace", maxAnswer>>20)

// count notes that a row or an object will be printed. It counts less than that
// comes to, never more.
func (s *shape) count(list string, columns []any, object []byte) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read += len(object)
	switch {
	case s.read > maxAnswer:
		return errMuch
	case s.bytes == 0:
	case list == rows && s.read > s.bytes: // before that it can't be too much
		s.printed += s.lengthOfRow(columns, object)
	case list != rows && s.length != nil:
		s.printed += s.length(object)
	}
	return nil
}

// lengthOf is how long an object of a list is at least when it is printed, each
// field in a line that is indented by the fields around it. Quotes may be missing
// then, and a letter may stand where there is an escape.
func lengthOf(object []byte, indent int) (n int) {
	depth := 0
	for i := 0; i < len(object); i++ {
		switch object[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ':':
			n += indent*depth + 2
		case '"':
			for i++; object[i] != '"'; i++ {
				n++
				if object[i] == '\\' {
					i++
					if object[i] == 'u' {
						i += 4
					}
				}
			}
		case '[', ']', ',', ' ', '\t', '\r', '\n':
		default:
			n++
		}
	}
	return n
}

// lengthOfName is that of the line that only names an object, or less.
func lengthOfName(object []byte) int { return len(object) / 20 }

// lengthOfRow is how much of a row's cells is printed at least: kubectl ends a cell
// where a line ends.
func (s *shape) lengthOfRow(columns []any, row []byte) (n int) {
	var r struct {
		Cells []json.RawMessage `json:"cells"`
	}
	if json.Unmarshal(row, &r) != nil {
		return 0
	}
	for i, cell := range r.Cells[:min(len(r.Cells), len(columns))] {
		column, _ := columns[i].(map[string]any)
		if shown, _ := column["priority"].(float64); shown != 0 && !s.wide || cell[0] != '"' {
			continue
		}
		before, _, _ := bytes.Cut(cell[1:len(cell)-1], []byte(`\`))
		n += len(before) + 1
	}
	return n
}

// full reports whether more was read than may be printed: what comes after it is
// not wanted.
func (s *shape) full() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = s.cut || s.bytes > 0 && s.printed > s.bytes
	return s.cut
}

// wasCut reports whether anything was left out for being too much.
func (s *shape) wasCut() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut
}

// rows is the name of the member of a table that holds its rows.
const rows = `"rows"`

// narrow asks the server for no more of a table than what is printed. kubectl asks
// for the metadata of each object besides, which are most of the answer.
//
// Of somebody's own kind the whole object is asked for: its cells may quote any of
// its fields, and what is masked is known only from those.
func (s *sent) narrow() {
	switch {
	case !s.asTable():
	case s.foreign():
		s.ask("includeObject", "Object")
	case s.shape != nil && s.shape.cells:
		s.ask("includeObject", "None")
	}
}

// asTable reports whether the server is asked for a table.
func (s *sent) asTable() bool { return strings.Contains(s.http.Header.Get("Accept"), "as=Table") }
