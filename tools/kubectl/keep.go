package kubectl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/chaperone-dev/chaperone/tools"
)

// keeper holds a command to its rehearsal: of what changes something it lets
// through what was rehearsed, each once, with the body that it had then, and only
// while the object is still as it was.
type keeper struct {
	gate    tools.Gate
	command command
	wire    *wire
	key     [32]byte
	reads   map[string]bool

	mu      sync.Mutex
	changes []*change
}

func (k *keeper) judge(ctx context.Context, s *sent) (*http.Response, error) {
	if s.effect() == tools.Read {
		if k.reads[s.key()] {
			s.masker = k.gate.Masker()
			return nil, nil
		}
		masker, err := ask(ctx, k.gate, k.command, s.Request)
		s.masker = masker
		return nil, err
	}
	c := k.take(s)
	if c == nil {
		return nil, refused("not-rehearsed", "kubectl would "+s.String()+", which it did not when it was rehearsed; that request was not sent", "make the call again")
	}
	s.masker, s.body, s.quiet = k.gate.Masker(), c.body, c.quiet
	if err := k.pin(ctx, s, c); err != nil {
		return nil, err
	}
	s.again = func(r *http.Response) (bool, error) { return k.again(ctx, s, c, r) }
	return nil, nil
}

// take finds the change that a request is, and uses it up.
func (k *keeper) take(s *sent) *change {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range k.changes {
		if !c.used && c.same(s) {
			c.used = true
			return c
		}
	}
	return nil
}

// tries is how often a change is sent when only the object's version moved, as
// controllers make it move.
const tries = 5

// again looks at a conflict: when the object is still as it was but for its
// version, the change goes out once more. What the server did not take up counts
// as not sent.
func (k *keeper) again(ctx context.Context, s *sent, c *change, r *http.Response) (bool, error) {
	if r.StatusCode == http.StatusTooManyRequests {
		k.mu.Lock()
		c.used = false
		k.mu.Unlock()
		return false, nil
	}
	if !conflicts(s, r) || !c.pinned || s.sends >= tries {
		return false, nil
	}
	s.body = c.body
	return true, k.pin(ctx, s, c)
}

// conflicts reports whether an answer says that the object is of another version.
// A JSON patch says so by a test that fails.
func conflicts(s *sent, r *http.Response) bool {
	return r.StatusCode == http.StatusConflict || r.StatusCode == http.StatusUnprocessableEntity && jsonPatch(s)
}

func jsonPatch(s *sent) bool {
	return strings.HasPrefix(s.http.Header.Get("Content-Type"), "application/json-patch")
}

// pin makes a change one to the object as it was rehearsed.
func (k *keeper) pin(ctx context.Context, s *sent, c *change) error {
	if s.creates() || !c.known {
		return nil
	}
	object, err := k.wire.object(ctx, objectPath(s.Request, c.path))
	if err != nil {
		return err
	}
	if (object == nil) != (c.before == nil) || object != nil && stateOf(k.key, object) != c.state {
		return moved(s.Request)
	}
	if object == nil {
		return nil
	}
	body, ok := pinned(s, field(object, "metadata", "uid"), field(object, "metadata", "resourceVersion"))
	if ok {
		s.body, c.pinned = body, true
	}
	return nil
}

func moved(r Request) *tools.Refusal {
	t := r.target()
	return &tools.Refusal{
		Rule: "moved", Reason: fmt.Sprintf("%s %s changed after the command was rehearsed", t.Kind, t.Name), Later: true,
		Hint: "look at it again, and make the call anew if it is still wanted",
	}
}

// pinned is the body of a change with the condition that the object is of this
// version; ok is false where the API knows no such condition.
func pinned(s *sent, uid, version string) (body []byte, ok bool) {
	switch {
	case s.http.Method == http.MethodDelete:
		return pinOptions(s.body, nil, uid, version)
	case s.Subresource == "eviction":
		return pinOptions(s.body, []string{"deleteOptions"}, uid, version)
	case jsonPatch(s):
		return pinPatch(s.body, version)
	case s.http.Method == http.MethodPatch || s.http.Method == http.MethodPut:
		return pinObject(s.body, version)
	}
	return nil, false
}

// pinOptions sets the preconditions of a deletion, in a body or a part of it.
func pinOptions(body []byte, at []string, uid, version string) ([]byte, bool) {
	whole := map[string]any{"kind": "DeleteOptions", "apiVersion": "v1"}
	if len(body) > 0 && json.Unmarshal(body, &whole) != nil {
		return nil, false
	}
	options := whole
	for _, name := range at {
		inner, ok := options[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			options[name] = inner
		}
		options = inner
	}
	options["preconditions"] = map[string]string{"uid": uid, "resourceVersion": version}
	out, err := json.Marshal(whole)
	return out, err == nil
}

func pinPatch(body []byte, version string) ([]byte, bool) {
	var operations []json.RawMessage
	if json.Unmarshal(body, &operations) != nil {
		return nil, false
	}
	test, err := json.Marshal(map[string]string{"op": "test", "path": "/metadata/resourceVersion", "value": version})
	if err != nil {
		return nil, false
	}
	out, err := json.Marshal(append([]json.RawMessage{test}, operations...))
	return out, err == nil
}

func pinObject(body []byte, version string) ([]byte, bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var object map[string]any
	if d.Decode(&object) != nil {
		return nil, false
	}
	meta, ok := object["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{}
		object["metadata"] = meta
	}
	meta["resourceVersion"] = version
	out, err := json.Marshal(object)
	return out, err == nil
}
