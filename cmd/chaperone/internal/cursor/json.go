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

// object returns a member that is an object, made if it is not there.
func object(o *hujson.Object, name string, depth int) (*hujson.Object, error) {
	if find(o, name) == nil {
		if err := put(o, name, struct{}{}, depth); err != nil {
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
func array(o *hujson.Object, name string, depth int) (*hujson.Array, error) {
	if find(o, name) == nil {
		if err := put(o, name, []struct{}{}, depth); err != nil {
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
func put(o *hujson.Object, name string, v any, depth int) error {
	value, err := made(v, depth)
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
	member := hujson.ObjectMember{Name: hujson.Value{BeforeExtra: newLine(depth), Value: hujson.String(name)}, Value: value}
	if n := len(o.Members); n > 0 {
		member.Name.BeforeExtra = spaceLike(o.Members[n-1].Name.BeforeExtra)
		// A comma behind the last member stays behind the last.
		member.Value.AfterExtra = comma(o.Members[n-1].Value)
	} else {
		o.AfterExtra = newLine(depth - 1)
	}
	o.Members = append(o.Members, member)
	return nil
}

// add puts an element at the end of a list.
func add(a *hujson.Array, v any, depth int) error {
	value, err := made(v, depth)
	if err != nil {
		return err
	}
	value.BeforeExtra = newLine(depth)
	if n := len(a.Elements); n > 0 {
		value.BeforeExtra = spaceLike(a.Elements[n-1].BeforeExtra)
		value.AfterExtra = comma(a.Elements[n-1])
	} else {
		a.AfterExtra = newLine(depth - 1)
	}
	a.Elements = append(a.Elements, value)
	return nil
}

// made is a value as it is written at a depth.
func made(v any, depth int) (hujson.Value, error) {
	data, err := json.MarshalIndent(v, strings.Repeat("  ", depth), "  ")
	if err != nil {
		return hujson.Value{}, err
	}
	return hujson.Parse(data)
}

func newLine(depth int) hujson.Extra {
	return hujson.Extra("\n" + strings.Repeat("  ", depth))
}

// spaceLike is the white space of an extra, without its comments.
func spaceLike(e hujson.Extra) hujson.Extra {
	if i := bytes.LastIndexByte(e, '\n'); i >= 0 {
		return hujson.Extra("\n" + string(bytes.TrimLeft(e[i+1:], "/*")))
	}
	return hujson.Extra(" ")
}

func comma(last hujson.Value) hujson.Extra {
	if last.AfterExtra == nil {
		return nil
	}
	return hujson.Extra{}
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
