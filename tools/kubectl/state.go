package kubectl

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
)

// noise are fields of an object's metadata that change by themselves.
var noise = []string{"managedFields", "resourceVersion", "generation", "creationTimestamp", "selfLink", "uid"}

// counters are annotations that controllers count in.
var counters = []string{"deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"}

// plainObject is an object without what changes by itself. The object stays as it
// is.
func plainObject(object map[string]any) map[string]any {
	out := maps.Clone(object)
	delete(out, "status")
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
			delete(notes, name)
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
