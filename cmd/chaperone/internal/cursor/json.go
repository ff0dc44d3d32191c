package cursor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/tailscale/hujson"
)

// find returns a member of an object, or nil. Of several with the same name the
// last one counts, as for JavaScript.
func find(o *hujson.Object, name string) *hujson.Value {
	for i := len(o.Members) - 1; i >= 0; i-- {
		if literal, ok := o.Members[i].Name.Value.(hujson.Literal); ok && literal.String() == name {
			return &o.Members[i].Value
		}
	}
	return nil
}

// layout is how a file is written, so that what is added looks like the rest.
type layout struct {
	// unit is one step of indentation, and end a line's end.
	unit, end string
}

// layoutOf looks at the first line that is indented.
func layoutOf(text []byte) layout {
	l := layout{"  ", "\n"}
	if bytes.Contains(text, []byte("\r\n")) {
		l.end = "\r\n"
	}
	for line := range bytes.Lines(text) {
		rest := bytes.TrimLeft(line, " \t")
		if n := len(line) - len(rest); n > 0 && len(bytes.TrimSpace(rest)) > 0 {
			l.unit = string(line[:n])
			break
		}
	}
	return l
}

// line begins a line at a depth.
func (l layout) line(depth int) string { return l.end + strings.Repeat(l.unit, depth) }

// object returns a member that is an object, made if it is not there.
func (l layout) object(o *hujson.Object, name string, depth int) (*hujson.Object, error) {
	if find(o, name) == nil {
		if err := l.put(o, name, struct{}{}, depth); err != nil {
			return nil, err
		}
	}
	inner, ok := find(o, name).Value.(*hujson.Object)
	if !ok {
		return nil, fmt.Errorf("its %q is not an object", name)
	}
	return inner, nil
}

// array returns a member that is a list, made if it is not there.
func (l layout) array(o *hujson.Object, name string, depth int) (*hujson.Array, error) {
	if find(o, name) == nil {
		if err := l.put(o, name, []struct{}{}, depth); err != nil {
			return nil, err
		}
	}
	inner, ok := find(o, name).Value.(*hujson.Array)
	if !ok {
		return nil, fmt.Errorf("its %q is not a list", name)
	}
	return inner, nil
}

// put sets a member, unless it means the same already. A new one comes last.
func (l layout) put(o *hujson.Object, name string, v any, depth int) error {
	value, err := l.made(v, depth)
	if err != nil {
		return err
	}
	if at := find(o, name); at != nil {
		if !same(*at, v) {
			at.Value = value.Value
		}
		return nil
	}
	value.BeforeExtra = hujson.Extra(" ")
	member := hujson.ObjectMember{Name: hujson.Value{Value: hujson.String(name)}, Value: value}
	var last *hujson.Value
	var before hujson.Extra
	if n := len(o.Members); n > 0 {
		last, before = &o.Members[n-1].Value, o.Members[n-1].Name.BeforeExtra
	}
	member.Name.BeforeExtra, member.Value.AfterExtra, o.AfterExtra = l.behind(last, before, o.AfterExtra, depth)
	o.Members = append(o.Members, member)
	return nil
}

// add puts an element at the end of a list.
func (l layout) add(a *hujson.Array, v any, depth int) error {
	value, err := l.made(v, depth)
	if err != nil {
		return err
	}
	var last *hujson.Value
	var before hujson.Extra
	if n := len(a.Elements); n > 0 {
		last, before = &a.Elements[n-1], a.Elements[n-1].BeforeExtra
	}
	value.BeforeExtra, value.AfterExtra, a.AfterExtra = l.behind(last, before, a.AfterExtra, depth)
	a.Elements = append(a.Elements, value)
	return nil
}

// behind says what stands around one more element of an object or list: before
// it, between it and a comma behind it (nil for no comma), and before the
// closing bracket. It goes by the last element, if there is one, and by what
// stood before that and before the bracket.
func (l layout) behind(last *hujson.Value, lastBefore, closing hujson.Extra, depth int) (before, comma, end hujson.Extra) {
	space, end := l.line(depth), hujson.Extra(l.line(depth-1))
	if last != nil {
		space, end = spaceOf(lastBefore), hujson.Extra(spaceOf(closing))
		// A comma behind the last element stays behind the last.
		if last.AfterExtra != nil {
			comma = hujson.Extra{}
		}
	}
	// A comment behind the last element is about that one, and stays there.
	if comments := bytes.TrimRight(closing, " \t\r\n"); len(comments) > 0 {
		if !strings.Contains(space, "\n") {
			space = l.line(depth)
		}
		space = string(comments) + space
	}
	return hujson.Extra(space), comma, end
}

// spaceOf is the white space that begins the last line of an extra, from the
// end of the line before.
func spaceOf(e hujson.Extra) string {
	i := bytes.LastIndexByte(e, '\n')
	if i < 0 {
		return string(e[:len(e)-len(bytes.TrimLeft(e, " \t"))])
	}
	line := e[i+1:]
	space := string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
	if i > 0 && e[i-1] == '\r' {
		return "\r\n" + space
	}
	return "\n" + space
}

// made is a value as it is written at a depth.
func (l layout) made(v any, depth int) (hujson.Value, error) {
	data, err := json.MarshalIndent(v, strings.Repeat(l.unit, depth), l.unit)
	if err != nil {
		return hujson.Value{}, err
	}
	if l.end != "\n" {
		data = bytes.ReplaceAll(data, []byte("\n"), []byte(l.end))
	}
	return hujson.Parse(data)
}

// same reports whether a value of the file means the same as v.
func same(at hujson.Value, v any) bool {
	plain := at.Clone()
	plain.Standardize()
	data, err := json.Marshal(v)
	var a, b any
	if err != nil || json.Unmarshal(plain.Pack(), &a) != nil || json.Unmarshal(data, &b) != nil {
		return false
	}
	return reflect.DeepEqual(a, b)
}
