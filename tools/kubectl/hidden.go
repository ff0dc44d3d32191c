package kubectl

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/chaperone-dev/chaperone/tools"
)

// masked is a copy of an object as it may be seen, and the texts that are not
// in it any more.
func masked(resource string, m tools.Masker, object map[string]any) (seen map[string]any, hidden map[string]bool, err error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, nil, err
	}
	if seen, err = decode(data); err != nil {
		return nil, nil, err
	}
	maskObject(resource, m, seen)
	hidden = map[string]bool{}
	differing(object, seen, hidden)
	return seen, hidden, nil
}

// differing collects the values that are not the same in a masked object.
func differing(raw, seen any, into map[string]bool) {
	switch v := raw.(type) {
	case map[string]any:
		other, _ := seen.(map[string]any)
		for name := range v {
			differing(v[name], other[name], into)
		}
	case []any:
		other, _ := seen.([]any)
		for i := range v {
			if i < len(other) {
				differing(v[i], other[i], into)
			}
		}
	default:
		if !reflect.DeepEqual(raw, seen) {
			into[fmt.Sprint(raw)] = true
		}
	}
}

// shortest is the length from which on a hidden text is looked for elsewhere.
const shortest = 4

// moved are hidden texts that stay hidden wherever the change takes them. What could
// be seen before, and what the caller wrote, is shown where it stands: hiding it would
// tell that a guess is right, and somebody could have a change hidden by what they put
// into a variable before.
func (c *change) moved() map[string]bool {
	hidden := maps.Clone(c.hidden)
	var wrote any
	_ = json.Unmarshal(c.body, &wrote) // what can't be read wrote nothing
	forget(c.before, hidden)
	forget(wrote, hidden)
	return hidden
}

// forget takes the texts within a value out of others.
func forget(value any, texts map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			forget(inner, texts)
		}
	case []any:
		for _, inner := range v {
			forget(inner, texts)
		}
	case string:
		delete(texts, v)
	}
}

// hideAgain hides what was hidden before the change, wherever the change took it.
func hideAgain(value any, hidden map[string]bool) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = hideAgain(v[name], hidden)
		}
	case []any:
		for i := range v {
			v[i] = hideAgain(v[i], hidden)
		}
	case string:
		if len(v) >= shortest && hidden[v] {
			return redacted
		}
	}
	return value
}

// terse takes out of an error what the server quotes in it: it shows pieces of
// the object as it is, with what may not be seen.
func terse(r *http.Response) error {
	data, err := readAnswer(r)
	if err != nil {
		return err
	}
	status, err := decode(data)
	if err != nil || status["kind"] != "Status" {
		status = map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": r.StatusCode}
	}
	reason := field(status, "reason")
	details, _ := status["details"].(map[string]any)
	causes, _ := details["causes"].([]any)
	text := fmt.Sprintf("the API server refused it: %d %s", r.StatusCode, reason)
	for _, c := range causes {
		if cause, ok := c.(map[string]any); ok {
			cause["message"] = field(cause, "reason")
			text += fmt.Sprintf("; %s: %s", field(cause, "field"), field(cause, "reason"))
		}
	}
	status["message"] = text + " (what it said in full is not shown: it may quote what is masked)"
	if data, err = json.Marshal(status); err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Del("Content-Length")
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	return nil
}

// untold takes out what the server warns of: that may quote as much as an error.
func untold(h http.Header) {
	if len(h.Values("Warning")) > 0 {
		h.Set("Warning", `299 - "the API server warns of something that is not shown: it may quote what is masked"`)
	}
}

// quotes reports whether an answer may quote the object as it is.
func quotes(r *http.Response) bool {
	return r.StatusCode >= http.StatusBadRequest &&
		!slices.Contains([]int{http.StatusUnauthorized, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests}, r.StatusCode)
}

// selectedFields are fields that the API server selects by under another name than
// where they stand.
var selectedFields = map[string]string{
	"pods.spec.host": "spec.nodeName", "pods.status.podIP": "status.podIP status.podIPs.ip", "pods.status.podIPs": "status.podIP status.podIPs.ip",
	"events.source": "source.component reportingComponent",
}

// selects refuses selectors that would tell what is in a field that policy masks.
func (s *sent) selects() error {
	if s.masker == nil || s.Selector == "" && s.Fields == "" {
		return nil
	}
	byField, err := fields.ParseSelector(s.Fields)
	if err != nil {
		return refused("selector", "the field selector can't be read", "")
	}
	byLabel, err := labels.Parse(s.Selector)
	if err != nil {
		return refused("selector", "the selector can't be read", "")
	}
	var at []tools.Origin
	for _, r := range byField.Requirements() {
		for field := range strings.FieldsSeq(cmp.Or(selectedFields[s.Resource+"."+r.Field], r.Field)) {
			at = append(at, origin(s.Resource, []string{field}))
		}
	}
	requirements, _ := byLabel.Requirements()
	for _, r := range requirements {
		at = append(at, origin(s.Resource, []string{"metadata", "labels", r.Key()}))
	}
	for _, one := range at {
		if s.masker.Mask(tools.Origins{Known: []tools.Origin{one}}) != nil {
			return refused("masked", fmt.Sprintf("%s is masked here, so that nothing can be selected by it", one), "select by something else")
		}
	}
	return nil
}

// copying are commands that write whole parts of what they read, and what does the
// same without.
var copying = map[string]string{
	"rollout undo": "apply the earlier manifest with -f -, with such values taken from a Secret, or have a person undo it",
	"create job":   "create the job by a manifest with -f -, with such values taken from a Secret, or have a person create it",
}

// reading notes whether anything is masked in what is read.
func (h *rehearsal) reading(s *sent, r *http.Response) error {
	data, err := readAnswer(r)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	object, err := decode(data)
	if err != nil {
		return nil //nolint:nilerr // mask says what it thinks of it
	}
	seen, hidden, err := masked(s.Resource, s.masker, object)
	if err != nil || len(hidden) == 0 {
		return err
	}
	paths := map[string]bool{}
	compare(object, seen, "", paths)
	at, t := slices.Min(slices.Collect(maps.Keys(paths))), s.target()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hid = cmp.Or(h.hid, strings.TrimPrefix(at, "items.")+" of "+t.Kind+" "+t.Name)
	return nil
}

// writesMask reports whether a change would write a mask in place of a value. What
// the masks of policy make cannot be told from values.
func (h *rehearsal) writesMask(s *sent) bool {
	return h.hid != "" && (bytes.Contains(s.body, []byte(redacted)) || s.masker.Mask(tools.Origins{Any: true}) != nil)
}

// versions are the only places that a JSON patch may compare.
var versions = []string{"/metadata/resourceVersion", "/metadata/uid", "/metadata/generation"}

// checkPatch refuses what a JSON patch could bring out or find out of what is
// masked: it can copy values to other places, rename what they are called by, and
// compare them.
func checkPatch(body []byte) error {
	var operations []map[string]any
	if json.Unmarshal(body, &operations) != nil {
		return refused("patch", "the JSON patch is no list of operations", "")
	}
	for _, o := range operations {
		op, path := field(o, "op"), field(o, "path")
		switch {
		case op == "test" && slices.Contains(versions, path):
		case op != "add" && op != "replace" && op != "remove":
			return refused("patch", fmt.Sprintf("the operation %q of a JSON patch can't be used here", op), "use add, replace and remove, with the values themselves")
		case strings.HasSuffix(path, "/name") && path != "/metadata/name":
			return refused("patch", "a JSON patch may not rename what stays in its place", "replace the whole element")
		}
	}
	return nil
}
