package kubectl

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// objectsOf are the objects that changes leave, or take away.
func objectsOf(changes []*change) []Object {
	out := []Object{}
	for _, c := range changes {
		object := c.after
		if object == nil {
			object = c.before
		}
		if object == nil {
			continue
		}
		o := looked(object)
		o.Verb, o.Changed = c.Verb, c.changed()
		if c.Subresource == "scale" {
			o.Changed, o.Replicas = []string{"spec.replicas"}, c.replicas
		}
		out = append(out, o)
	}
	return out
}

// replicasOf is how many replicas a scale says. None at all are left out of it.
func replicasOf(scale map[string]any) (int64, error) {
	spec, _ := scale["spec"].(map[string]any)
	if spec["replicas"] == nil {
		return 0, nil
	}
	n, ok := number(spec["replicas"])
	if !ok {
		return 0, errors.New("the server's answer is no scale that can be read")
	}
	return n, nil
}

func number(value any) (int64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}

// looked finds in an object what policies ask about.
func looked(object map[string]any) Object {
	version := field(object, "apiVersion")
	group, _, grouped := strings.Cut(version, "/")
	if !grouped {
		group = ""
	}
	o := Object{
		Group: group, Kind: field(object, "kind"), Namespace: field(object, "metadata", "namespace"), Name: field(object, "metadata", "name"),
		Owner: ownerOf(object), Labels: labelsOf(object), Replicas: -1, Images: []string{}, Powers: []string{}, Changed: []string{},
	}
	spec, _ := object["spec"].(map[string]any)
	if n, ok := number(spec["replicas"]); ok {
		o.Replicas = n
	}
	o.inspect(object)
	slices.Sort(o.Images)
	o.Images = slices.Compact(o.Images)
	slices.Sort(o.Powers)
	return o
}

func ownerOf(object map[string]any) string {
	meta, _ := object["metadata"].(map[string]any)
	refs, _ := meta["ownerReferences"].([]any)
	for _, ref := range refs {
		if owner, ok := ref.(map[string]any); ok && owner["controller"] == true {
			return field(owner, "kind") + "/" + field(owner, "name")
		}
	}
	return ""
}

// inspect looks through all of an object, since pods stand in many places of many
// kinds.
func (o *Object) inspect(at any) {
	switch v := at.(type) {
	case map[string]any:
		if image, ok := v["image"].(string); ok && v["name"] != nil {
			o.Images = append(o.Images, image)
		}
		o.note(powersIn(v))
		for _, inner := range v {
			o.inspect(inner)
		}
	case []any:
		for _, inner := range v {
			o.inspect(inner)
		}
	}
}

// maxChanged is how many fields of an object may change at once: policy is told of
// all of them, so that none can hide behind others.
const maxChanged = 1000

func checkChanged(objects []Object) error {
	for _, o := range objects {
		if len(o.Changed) > maxChanged {
			return refused("size", fmt.Sprintf("it changes more than %d fields of %s %s", maxChanged, o.Kind, o.Name), "change it in parts")
		}
	}
	return nil
}

// changed are the fields that differ from before, or may where they are masked.
func (c *change) changed() []string {
	if c.before == nil || c.after == nil {
		return []string{}
	}
	paths := map[string]bool{}
	compare(plainObject(c.before, c.also...), plainObject(c.after, c.also...), "", paths)
	for _, masked := range c.masks {
		paths[masked] = true
	}
	return slices.Sorted(maps.Keys(paths))
}

func compare(a, b any, at string, into map[string]bool) {
	x, xIs := a.(map[string]any)
	y, yIs := b.(map[string]any)
	if xIs && yIs {
		for name := range x {
			compare(x[name], y[name], join(at, name), into)
		}
		for name := range y {
			if _, both := x[name]; !both {
				into[join(at, name)] = true
			}
		}
		return
	}
	v, vIs := a.([]any)
	w, wIs := b.([]any)
	if vIs && wIs && len(v) == len(w) {
		for i := range v {
			compare(v[i], w[i], at, into)
		}
		return
	}
	one, _ := json.Marshal(a)
	two, _ := json.Marshal(b)
	if string(one) != string(two) {
		into[at] = true
	}
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}
