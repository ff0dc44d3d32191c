package kubectl

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// noise are fields of an object's metadata that change by themselves.
var noise = []string{"managedFields", "resourceVersion", "generation", "creationTimestamp", "selfLink", "uid"}

// counters are annotations that controllers count in.
var counters = []string{"deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"}

// alsoIn are fields that change by themselves and that a request may change as well.
func (k *cluster) alsoIn(s *sent) []string {
	var also []string
	// Without a subresource for it, the status is a field like any other.
	if s.Subresource == "status" || !k.hasStatus(s.Request) {
		also = append(also, "status")
	}
	if s.http.Method == http.MethodPut || bytes.Contains(s.body, []byte("annotations")) {
		also = append(also, counters...)
	}
	return also
}

// plainObject is an object without what changes by itself, but for fields that are
// named. The object stays as it is.
func plainObject(object map[string]any, but ...string) map[string]any {
	out := maps.Clone(object)
	if !slices.Contains(but, "status") {
		delete(out, "status")
	}
	meta, ok := out["metadata"].(map[string]any)
	if !ok {
		return out
	}
	meta = maps.Clone(meta)
	for _, name := range noise {
		delete(meta, name)
	}
	if notes, ok := meta["annotations"].(map[string]any); ok {
		notes = maps.Clone(notes)
		for _, name := range counters {
			if !slices.Contains(but, name) {
				delete(notes, name)
			}
		}
		meta["annotations"] = notes
		if len(notes) == 0 {
			delete(meta, "annotations")
		}
	}
	out["metadata"] = meta
	return out
}

// stateOf is a digest of an object, with what nobody may see of it, so that a key
// goes into it: one without could be guessed at.
func stateOf(key [32]byte, object map[string]any) string {
	// What was read from JSON always marshals.
	data, _ := json.Marshal(plainObject(object))
	mac := hmac.New(sha256.New, key[:])
	_, _ = fmt.Fprintf(mac, "%s\n%s", field(object, "metadata", "uid"), data)
	return hex.EncodeToString(mac.Sum(nil))
}

// field is a text within an object, or "".
func field(object map[string]any, path ...string) string {
	for _, name := range path[:len(path)-1] {
		object, _ = object[name].(map[string]any)
	}
	text, _ := object[path[len(path)-1]].(string)
	return text
}
