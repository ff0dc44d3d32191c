package kubectl

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// try judges what kubectl diff has the server try. The difference of a field that
// may not be seen would tell whether it is what somebody guesses, and so would
// what follows from it: a conflict, a refusal, the count of changes. So the
// manifest may not state such a field; what is not stated stays as it is, and what
// comes back says nothing of it.
func (r reader) try(ctx context.Context, s *sent) error {
	c := r.wire.cluster
	if err := c.rehearses(ctx, s.Request); err != nil {
		return err
	}
	// What comes back is the object.
	masker, err := ask(ctx, r.gate, r.command, s.get())
	if err != nil {
		return err
	}
	s.masker = both{s.masker, masker}
	manifest, err := decode(s.body)
	if err != nil {
		return refused("request", "what is to be tried is no object that can be read", "")
	}
	if at := stated(s.Resource, s.masker, manifest); len(at) > 0 {
		return refused("masked", fmt.Sprintf("the manifest states %s of %s, which is masked here: a difference would tell what is in it", at[0], s.target().Name),
			"leave that field out of the manifest, or try the change itself with "+toolWrite+" and dry_run")
	}
	live, err := r.wire.object(ctx, s.http.URL.Path)
	if err != nil || live == nil {
		return err
	}
	_, byName, err := masked(s.Resource, unmasked{}, live)
	if err != nil {
		return err
	}
	// How the lists of such a kind are merged is its own affair: what is masked by
	// what it is called could get another name.
	if len(byName) > 0 && custom(field(live, "apiVersion")) {
		return refused("masked", fmt.Sprintf("%s holds values that are masked by what they are called, and nobody knows what becomes of the names", s.target().Name),
			"try the change itself with "+toolWrite+" and dry_run")
	}
	_, hidden, err := masked(s.Resource, s.masker, live)
	s.quiet = len(hidden) > 0
	return err
}

// both masks what one of two does.
type both [2]tools.Masker

// Mask implements tools.Masker.
func (b both) Mask(o tools.Origins) tools.Mask {
	if m := b[0].Mask(o); m != nil {
		return m
	}
	return b[1].Mask(o)
}

// unmasked is a policy that masks nothing.
type unmasked struct{}

// Mask implements tools.Masker.
func (unmasked) Mask(tools.Origins) tools.Mask { return nil }

// stated are the fields of a manifest that may not be seen, in order. What it says
// there has no part in it.
func stated(resource string, m tools.Masker, manifest map[string]any) []string {
	before, _ := marked(manifest, "").(map[string]any)
	after, _ := marked(manifest, "").(map[string]any)
	maskObject(resource, m, after)
	changed := map[string]bool{}
	compare(before, after, "", changed)
	return slices.Sorted(maps.Keys(changed))
}

// covered are the masked fields that a change to an object states. Whether it makes
// them others than they are is not shown: that would tell what is in them. What a JSON
// patch is about can't be told from the patch alone.
func (c *change) covered(s *sent) []string {
	if c.before == nil {
		return nil
	}
	if !jsonPatch(s) {
		manifest, err := decode(s.body)
		if err != nil {
			return nil // a deletion has none
		}
		return stated(s.Resource, s.masker, manifest)
	}
	var operations []map[string]any
	if len(c.hidden) == 0 || json.Unmarshal(s.body, &operations) != nil {
		return nil
	}
	var out []string
	for _, o := range operations {
		out = append(out, strings.ReplaceAll(strings.TrimPrefix(field(o, "path"), "/"), "/", "."))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// plainNames are fields by which it is told what is masked; their values stay.
var plainNames = []string{"kind", "apiVersion", "name"}

// marked is a copy in which no text is what a mask makes of it.
func marked(value any, name string) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, inner := range v {
			out[name] = marked(inner, name)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = marked(inner, "")
		}
		return out
	case string:
		if !slices.Contains(plainNames, name) {
			return v + "\x00"
		}
	}
	return value
}
