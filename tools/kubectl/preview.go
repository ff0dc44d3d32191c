package kubectl

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// Preview implements tools.Rehearsed. The rehearsal has been by then: the preview
// is what came of it.
func (p *writePlan) Preview(ctx context.Context, measure bool) (*tools.Preview, error) {
	out := &tools.Preview{Impact: tools.Impact{Measured: measure, Changes: []tools.Change{}, Dependents: []tools.Target{}}}
	var diff strings.Builder
	for _, c := range p.changes {
		if c.Verb == "exec" {
			out.Warnings = append(out.Warnings, "what the command does in the container can't be known before it runs")
			out.Measured = false
			continue
		}
		out.Objects++
		add(&out.Changes, c)
		if also := goesAlong[c.Resource]; also != "" && c.Verb == "delete" {
			out.Warnings = append(out.Warnings, also+" goes with "+c.title()+", and is not named")
		}
		if len(c.masks) > 0 {
			out.Warnings = append(out.Warnings, fmt.Sprintf("%s of %s is masked here: whether it changes is not shown", strings.Join(c.masks, ", "), c.title()))
		}
		if c.known {
			diff.WriteString(c.diff())
		} else {
			out.Warnings = append(out.Warnings, fmt.Sprintf("%s may not be read, so that what changes in it is not shown", c.Request))
		}
	}
	out.Diff, out.State = diff.String(), stateOfAll(p.key, p.changes)
	return out, p.dependents(ctx, out)
}

// verbs are what a change does to an object, for people.
var verbs = map[string]string{"create": "create", "update": "update", "patch": "update", "delete": "delete"}

// add counts a change under its kind.
func add(to *[]tools.Change, c *change) {
	target := tools.Target{Kind: c.Resource, Name: c.Resource}
	if c.Namespace != "" && c.Resource != "namespaces" {
		target.Name = c.Namespace + "/" + c.Resource
	}
	verb := verbs[c.Verb]
	switch {
	case c.Subresource == "eviction":
		verb = "delete"
	case c.Verb == "patch" && c.known && c.before == nil:
		verb = "create"
	case c.Subresource != "" && verb == "create":
		verb = "create " + c.Subresource
	}
	for i := range *to {
		if at := &(*to)[i]; at.Target == target && at.Verb == verb {
			at.Count++
			return
		}
	}
	*to = append(*to, tools.Change{Target: target, Verb: verb, Count: 1})
}

// title names an object in a diff.
func (c *change) title() string {
	name := c.Name
	if name == "" {
		name = field(c.after, "metadata", "name")
	}
	if c.Namespace != "" && c.Resource != "namespaces" {
		name = c.Namespace + "/" + name
	}
	return c.Resource + "/" + name
}

// diff is what changes in the object, unified. Of what goes away it is the first
// lines only.
func (c *change) diff() string {
	if c.method == "DELETE" || c.Subresource == "eviction" {
		return fmt.Sprintf("--- %s\n+++ (deleted)\n", c.title())
	}
	from, to := c.title(), c.title()
	if c.before == nil {
		from = "(new)"
	}
	out, err := c.compared(from, to)
	switch {
	case err != nil:
		return fmt.Sprintf("--- %s\n+++ %s\n(%v; these change: %s)\n", from, to, err, strings.Join(c.changed(), ", "))
	case out == "" && len(c.masks) > 0:
		return fmt.Sprintf("--- %s\n+++ %s\n(nothing changes that may be seen)\n", from, to)
	case out == "" && c.onlyManagers():
		return fmt.Sprintf("--- %s\n+++ %s\n(only the managers of fields change)\n", from, to)
	case out == "":
		return fmt.Sprintf("--- %s\n+++ %s\n(no change)\n", from, to)
	}
	return out
}

// compared is the object before and after, unified. Of what is too long to compare it
// is only what differs.
func (c *change) compared(from, to string) (string, error) {
	if c.Subresource == "scale" {
		before, after := c.scaled()
		return unified(before, after, from, to)
	}
	out, err := unified(text(c.before, c.also...), text(c.after, c.also...), from, to)
	if err == nil || c.before == nil || c.after == nil {
		return out, err
	}
	before, after := apart(plainObject(c.before, c.also...), plainObject(c.after, c.also...))
	return unified(asYAML(before), asYAML(after), from, to)
}

// onlyManagers reports whether an object of which nothing else changes would have
// its fields managed by others. Where something is masked, nobody is told: it could
// follow from that.
func (c *change) onlyManagers() bool {
	if len(c.hidden) > 0 || c.before == nil || c.after == nil {
		return false
	}
	return !slices.Equal(managersOf(c.before), managersOf(c.after))
}

// managersOf tells who manages which fields, but not since when.
func managersOf(object map[string]any) (out []string) {
	meta, _ := object["metadata"].(map[string]any)
	entries, _ := meta["managedFields"].([]any)
	for _, e := range entries {
		entry, _ := e.(map[string]any)
		entry = maps.Clone(entry)
		delete(entry, "time")
		data, _ := json.Marshal(entry) // what was read from JSON always marshals
		out = append(out, string(data))
	}
	slices.Sort(out)
	return out
}

// scaled is how a change of scale shows in the object itself.
func (c *change) scaled() (before, after string) {
	was := "?"
	if spec, ok := c.before["spec"].(map[string]any); ok {
		was = fmt.Sprint(spec["replicas"])
	}
	return "spec:\n  replicas: " + was + "\n", fmt.Sprintf("spec:\n  replicas: %d\n", c.replicas)
}

// stateOfAll is a digest of all objects that a command would change, and of what
// it would send.
func stateOfAll(key [32]byte, changes []*change) string {
	sum := hmac.New(sha256.New, key[:])
	for _, c := range changes {
		_, _ = fmt.Fprintf(sum, "%s %s %s %s\n", c.method, c.path, c.query.Encode(), c.state)
		body := passing.ReplaceAll(c.body, nil)
		_, _ = fmt.Fprintf(sum, "%d %s\n", len(body), body)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// dependents lists what the garbage collector will take with what is deleted.
func (p *writePlan) dependents(ctx context.Context, out *tools.Preview) error {
	gone := map[string]map[string]bool{}
	kinds := map[string][]string{}
	for _, c := range p.changes {
		if c.Verb == "delete" && c.Namespace != "" && c.before != nil && !strings.Contains(string(c.body), `"Orphan"`) {
			if gone[c.Namespace] == nil {
				gone[c.Namespace] = map[string]bool{}
			}
			gone[c.Namespace][field(c.before, "metadata", "uid")] = true
			kinds[c.Namespace] = append(kinds[c.Namespace], ownedBy(c.Request)...)
		}
	}
	for namespace, uids := range gone {
		if err := p.collect(ctx, out, namespace, uids, kinds[namespace]); err != nil {
			return err
		}
	}
	slices.SortFunc(out.Dependents, func(a, b tools.Target) int {
		return strings.Compare(a.Kind+" "+a.Name, b.Kind+" "+b.Name)
	})
	return nil
}

// maxDependents is how many of them are named.
const maxDependents = 100

// collect follows owners within a namespace for as long as there are new ones.
func (p *writePlan) collect(ctx context.Context, out *tools.Preview, namespace string, uids map[string]bool, kinds []string) error {
	w := &wire{cluster: p.cluster, caller: p.caller}
	var all []ownedObject
	for _, path := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
		list, err := p.owned(ctx, w, fmt.Sprintf(path, namespace))
		if err != nil {
			return err
		}
		all = append(all, list...)
	}
	for found := true; found; {
		found = false
		for i := range all {
			o := &all[i]
			if o.taken || !slices.ContainsFunc(o.owners, func(uid string) bool { return uids[uid] }) {
				continue
			}
			o.taken, found, uids[o.uid] = true, true, true
			if len(out.Dependents) < maxDependents {
				out.Dependents = append(out.Dependents, tools.Target{Kind: o.kind, Name: namespace + "/" + o.name})
			}
		}
	}
	return nil
}
