package kubectl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// redacted stands for what may not be seen. It is also valid base64, as the data
// of a Secret must be.
const redacted = "REDACTED"

// maxAnswer bounds an answer that is read whole, to be masked.
const maxAnswer = 64 << 20

// mask hides in an answer what may not be seen, before kubectl sees it: so that
// no format, template, filter or order of kubectl's can bring it out. An answer
// that can't be read does not get through; logs pass as the text they are.
func mask(s *sent, r *http.Response) (*http.Response, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case s.Subresource == "log" && r.StatusCode < http.StatusBadRequest:
		return r, nil
	case s.Verb == "watch" && r.StatusCode == http.StatusOK:
		r.Body = maskStream(s, r.Body)
		r.ContentLength = -1
		return r, nil
	case r.StatusCode >= http.StatusBadRequest && (s.Subresource == "log" || kind == "text/plain" || kind == "" && r.ContentLength == 0):
		return boundBody(r), nil
	case kind != "application/json":
		_ = r.Body.Close()
		return nil, fmt.Errorf("the server answered with %q, in which nothing can be masked", kind)
	}
	defer func(body io.Closer) { _ = body.Close() }(r.Body)
	data, err := screened(s, r.Body)
	if err != nil {
		return nil, err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	r.Header.Del("Content-Length")
	return r, nil
}

func readAnswer(r *http.Response) ([]byte, error) {
	defer func() { _ = r.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if len(data) > maxAnswer {
		return nil, errLarge
	}
	return data, err
}

// maskJSON masks one object, list or table.
func maskJSON(s *sent, data []byte) ([]byte, error) {
	if !needsMask(s, data) {
		return data, nil
	}
	object, err := decode(data)
	if err != nil {
		return nil, errors.New("the server's answer is no object that can be read")
	}
	maskObject(s.Resource, s.masker, object)
	s.hideCells(object)
	return json.Marshal(object)
}

func decode(data []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	return object, nil
}

// maskObject masks an object, a list of objects or a table of them in place.
func maskObject(resource string, m tools.Masker, object map[string]any) {
	if items, ok := object["items"].([]any); ok {
		for _, item := range items {
			if o, ok := item.(map[string]any); ok {
				maskObject(resource, m, o)
			}
		}
		if isList(object, items) {
			return
		}
	}
	if rows, ok := object["rows"].([]any); ok && object["kind"] == "Table" {
		maskTable(resource, m, object, rows)
		return
	}
	// An event of a watch.
	_, typed := object["type"].(string)
	if o, ok := object["object"].(map[string]any); ok && typed && onlyNames(object, "type", "object") {
		maskObject(resource, m, o)
		return
	}
	// The items of a list don't say what they are.
	if resource == "secrets" {
		maskSecret(object)
	}
	maskNotes(resource, m, object)
	w := walker{resource, m, reaches(m, resource)}
	w.fields(object, nil)
	w.managers(object)
}

// isList reports whether an object is a list and nothing else. A custom resource
// may have any fields, and so look like one.
func isList(object map[string]any, items []any) bool {
	for _, item := range items {
		if _, ok := item.(map[string]any); !ok {
			return false
		}
	}
	for _, name := range []string{"kind", "apiVersion"} {
		if _, ok := object[name].(string); !ok && object[name] != nil {
			return false
		}
	}
	meta, ok := object["metadata"].(map[string]any)
	return (ok || object["metadata"] == nil) && isListMeta(meta) && onlyNames(object, "items", "kind", "apiVersion", "metadata")
}

// isListMeta reports whether these are the metadata of a list, in which there is
// nothing to mask.
func isListMeta(meta map[string]any) bool {
	for _, value := range meta {
		switch value.(type) {
		case map[string]any, []any:
			return false
		}
	}
	return onlyNames(meta, "resourceVersion", "continue", "remainingItemCount", "selfLink")
}

// onlyNames reports whether an object has no other fields than these. A custom
// resource may have any, and so look like a list or an event.
func onlyNames(object map[string]any, names ...string) bool {
	for name := range object {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

func isSecret(object map[string]any) bool {
	return object["kind"] == "Secret" && object["apiVersion"] == "v1"
}

// maskSecret hides the data of a Secret, always.
func maskSecret(object map[string]any) {
	for _, field := range []string{"data", "stringData"} {
		if data, ok := object[field].(map[string]any); ok {
			for key := range data {
				data[key] = redacted
			}
		}
	}
}

// lastApplied is the annotation in which kubectl keeps a whole object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// maskNotes masks the objects that are kept in annotations, by kubectl and by others
// who apply manifests.
func maskNotes(resource string, m tools.Masker, object map[string]any) {
	meta, _ := object["metadata"].(map[string]any)
	notes, _ := meta["annotations"].(map[string]any)
	for name := range notes {
		text, ok := notes[name].(string)
		if ok && (name == lastApplied || strings.HasPrefix(strings.TrimSpace(text), "{")) {
			notes[name] = maskNote(resource, m, text, name == lastApplied)
		}
	}
}

// maskNote masks the object in a text. What is none is no secret, unless it should be
// an object.
func maskNote(resource string, m tools.Masker, text string, object bool) string {
	inner, err := decode([]byte(text))
	if err != nil {
		if object {
			return redacted
		}
		return text
	}
	before, err := json.Marshal(inner)
	if err != nil {
		return redacted
	}
	maskObject(resource, m, inner)
	after, err := json.Marshal(inner)
	switch {
	case err != nil:
		return redacted
	case !object && bytes.Equal(before, after):
		return text
	}
	return string(after) + "\n"
}

// walker applies masks to the values of an object by where they stand.
type walker struct {
	resource string
	masker   tools.Masker
	// policy says that there are masks of policy at all.
	policy bool
}

func (w walker) fields(object map[string]any, at []string) {
	if isSecret(object) {
		maskSecret(object)
	}
	maskEnv(object)
	for name, value := range object {
		if len(at) == 0 && (name == "kind" || name == "apiVersion") || len(at) == 1 && at[0] == "metadata" && plainMeta[name] {
			continue
		}
		object[name] = w.value(value, append(at[:len(at):len(at)], name))
	}
}

// others masks what an object has besides one field.
func (w walker) others(object map[string]any, but string) {
	for name, value := range object {
		if name != but {
			object[name] = w.value(value, nil)
		}
	}
}

// plainMeta are names without which kubectl can't tell objects apart.
var plainMeta = map[string]bool{"name": true, "namespace": true, "uid": true, "resourceVersion": true, "creationTimestamp": true, "generation": true}

func (w walker) value(value any, at []string) any {
	switch v := value.(type) {
	case map[string]any:
		w.fields(v, at)
	case []any:
		for i := range v {
			v[i] = w.value(v[i], at)
		}
	case nil:
	default:
		if w.policy {
			return w.hide(value, at)
		}
	}
	return value
}

func (w walker) hide(value any, at []string) any {
	hide := w.masker.Mask(tools.Origins{Known: []tools.Origin{origin(w.resource, at)}})
	if hide == nil {
		return value
	}
	masked, ok := hide.Apply(fmt.Sprint(value))
	if !ok {
		return nil
	}
	return masked
}

// origin is where a value lives: "configmaps.data.password". Places in lists
// have no part in it.
func origin(resource string, at []string) tools.Origin {
	return tools.Origin(resource + "." + strings.Join(at, "."))
}

// secretName is what a variable is called that holds a secret.
var secretName = regexp.MustCompile(`(?i)passw|secret|token|credential|api_?key|private_?key|access_?key|_dsn$|database_url`)

// maskEnv hides the value of an environment variable whose name tells a secret.
func maskEnv(object map[string]any) {
	name, ok := object["name"].(string)
	if _, is := object["value"].(string); ok && is && secretName.MatchString(name) {
		object["value"] = redacted
	}
}
