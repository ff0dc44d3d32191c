package kubectl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chaperone-dev/chaperone/tools"
)

// change is a request that changes something, as it was rehearsed.
type change struct {
	Request
	method, path, kind string
	query              url.Values
	body               []byte
	// before and after are the object, masked; nil where there is none.
	before, after map[string]any
	// state tells whether the object is still as it was.
	state string
	// known says that before could be looked at, creates that there may be none.
	known, creates bool
	// hidden are texts of the object that may not be seen; quiet says that the
	// server's errors may quote some.
	hidden map[string]bool
	quiet  bool
	// masks are masked fields that it states, and may change.
	masks []string
	// also are fields that change by themselves, and that it may change as well.
	also []string
	// replicas is how many there would be, of a change of scale.
	replicas int64
	// failed says that the server turned its rehearsal down.
	failed bool
	// used says that the change went out, pinned that it was bound to a version.
	used, pinned bool
}

// same reports whether a request is the one that was rehearsed.
func (c *change) same(s *sent) bool {
	return c.method == s.http.Method && c.path == s.http.URL.Path && c.kind == s.http.Header.Get("Content-Type") &&
		c.query.Encode() == plainQuery(s.http.URL).Encode()
}

// plainQuery is the query without what only a rehearsal has.
func plainQuery(u *url.URL) url.Values {
	q := u.Query()
	q.Del("dryRun")
	return q
}

// rehearsal runs a command for real, but for the requests that change something:
// these the server only tries (dryRun=All).
type rehearsal struct {
	gate    tools.Gate
	command command
	wire    *wire
	key     [32]byte

	mu      sync.Mutex
	reads   []Request
	changes []*change
	// hid names something that was masked in what the command copies, or is "".
	hid string
	// gone are paths of objects that would be no more.
	gone map[string]bool
}

func (h *rehearsal) judge(ctx context.Context, s *sent) (*http.Response, error) {
	masker, err := ask(ctx, h.gate, h.command, s.Request)
	if err != nil {
		return nil, err
	}
	s.masker = masker
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.effect() == tools.Read {
		h.reads = append(h.reads, s.Request)
		if h.gone[s.http.URL.Path] {
			return answer(s.http, http.StatusNotFound, notFound), nil
		}
		if copying[h.command.name] != "" {
			s.seen = func(r *http.Response) error { return h.reading(s, r) }
		}
		return nil, nil
	}
	if s.Verb == "exec" {
		// What it would do nobody can know: it is judged by what it would run.
		h.changes = append(h.changes, newChange(s))
		return answer(s.http, http.StatusOK, nil), nil
	}
	return nil, h.try(ctx, s)
}

func newChange(s *sent) *change {
	return &change{
		Request: s.Request, method: s.http.Method, path: s.http.URL.Path, kind: s.http.Header.Get("Content-Type"),
		query: plainQuery(s.http.URL), body: bytes.Clone(s.body),
	}
}

var notFound = []byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"it would be gone"}`)

// try makes a change a rehearsed one, and notes it.
func (h *rehearsal) try(ctx context.Context, s *sent) error {
	switch s.Verb {
	case "attach", "portforward", "proxy":
		return refused("request", "kubectl "+h.command.name+" would "+s.String()+", which can't be rehearsed", "")
	case "deletecollection":
		return refused("request", "it would delete a whole collection in one request", "name the objects, or select them with -l")
	}
	if err := h.wire.cluster.rehearses(ctx, s.Request); err != nil {
		return err
	}
	if jsonPatch(s) {
		if err := checkPatch(s.body); err != nil {
			return err
		}
	}
	if h.writesMask(s) {
		return refused("masked", fmt.Sprintf("kubectl %s would copy %s, which is masked here, and write the mask in its place", h.command.name, h.hid),
			copying[h.command.name])
	}
	c := newChange(s)
	c.also = h.wire.cluster.alsoIn(s)
	if err := h.look(ctx, s, c); err != nil {
		return err
	}
	if err := h.mayCreate(ctx, s, c); err != nil {
		return err
	}
	s.quiet, c.masks = c.quiet, c.covered(s)
	if err := s.onlyTry(); err != nil {
		return err
	}
	s.seen = func(r *http.Response) error { return c.tried(s, r) }
	if s.method() == http.MethodDelete || s.Subresource == "eviction" {
		h.gone[objectPath(s.Request, c.path)] = true
	}
	h.changes = append(h.changes, c)
	return nil
}

func (s *sent) method() string { return s.http.Method }

// look notes the object as it is before. What a change answers with is the object,
// too: a command that prints it reads it.
func (h *rehearsal) look(ctx context.Context, s *sent, c *change) error {
	if s.creates() {
		c.known = true // a new object
		return nil
	}
	c.quiet = true
	if _, err := ask(ctx, h.gate, h.command, s.get()); err != nil {
		if h.command.prints() {
			return refused("policy", fmt.Sprintf("it would print what comes of it, and policy does not let %s be read", s.target().Name),
				"leave out --output, or say --output=name")
		}
		return nil //nolint:nilerr // what may not be read is not shown; the change itself was judged
	}
	object, err := h.wire.object(ctx, objectPath(s.Request, c.path))
	if err != nil {
		return err
	}
	c.known, c.quiet = true, false
	if object == nil {
		return nil
	}
	c.state = stateOf(h.key, object)
	c.before, c.hidden, err = masked(s.Resource, s.masker, object)
	c.quiet = len(c.hidden) > 0
	return err
}

// mayCreate judges a patch that makes the object which is not there, or that may not
// be there, as the API server does: as a creation as well.
func (h *rehearsal) mayCreate(ctx context.Context, s *sent, c *change) error {
	if c.before != nil || s.Subresource != "" || !strings.HasPrefix(s.http.Header.Get("Content-Type"), "application/apply-patch") {
		return nil
	}
	c.creates = true
	_, err := ask(ctx, h.gate, h.command, s.creation())
	return err
}

// onlyTry tells the server to try the change and to keep nothing of it. A body of
// options counts before the query, so that it is said in both.
func (s *sent) onlyTry() error {
	s.ask("dryRun", "All")
	if s.http.Method != http.MethodDelete {
		return nil
	}
	options := map[string]any{"kind": "DeleteOptions", "apiVersion": "v1"}
	if len(s.body) > 0 {
		if err := json.Unmarshal(s.body, &options); err != nil {
			return refused("request", "the options of the deletion can't be read", "")
		}
	}
	options["dryRun"] = []string{"All"}
	body, err := json.Marshal(options)
	s.body = body
	s.http.Header.Set("Content-Type", "application/json")
	return err
}

// wholes are subresources that answer with the object; "" is the object itself.
var wholes = []string{"", "status", "resize"}

// tried notes what the server says the change would come to.
func (c *change) tried(s *sent, r *http.Response) error {
	data, err := readAnswer(r)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	if c.failed = r.StatusCode >= http.StatusMultipleChoices; c.failed {
		return nil // kubectl says why, or tries again
	}
	object, err := decode(data)
	if err != nil || s.method() == http.MethodDelete || s.Subresource == "eviction" {
		return err
	}
	if s.Subresource == "scale" {
		c.replicas, err = replicasOf(object)
		return err
	}
	if !slices.Contains(wholes, s.Subresource) {
		return nil // it answers with something else than the object
	}
	maskObject(s.Resource, s.masker, object)
	hideAgain(object, c.moved())
	c.after = object
	return nil
}

// lasting are the changes but for those that the server turned down and kubectl
// tried again: a controller was in the way. Pods are evicted side by side, in any
// order; they are put in one, so that two rehearsals of the same come to the same.
func (h *rehearsal) lasting() []*change {
	var out []*change
	for i, c := range h.changes {
		again := slices.ContainsFunc(h.changes[i+1:], func(later *change) bool { return later.repeats(c) })
		if !c.failed || !again {
			out = append(out, c)
		}
	}
	evicted := func(c *change) string {
		if c.Subresource == "eviction" {
			return c.path
		}
		return ""
	}
	slices.SortStableFunc(out, func(a, b *change) int { return strings.Compare(evicted(a), evicted(b)) })
	return out
}

// repeats reports whether a change is the same request as another.
func (c *change) repeats(other *change) bool {
	return c.method == other.method && c.path == other.path && c.kind == other.kind && c.query.Encode() == other.query.Encode()
}

// objectPath is the path of the object itself, without a subresource.
func objectPath(r Request, path string) string {
	if r.Subresource == "" {
		return path
	}
	return path[:len(path)-len(r.Subresource)-1]
}

// object reads an object as it is, unmasked; nil when there is none.
func (w *wire) object(ctx context.Context, path string) (map[string]any, error) {
	return w.read(ctx, path, "application/json")
}

// read is object, in a form of one's own.
func (w *wire) read(ctx context.Context, path, accept string) (map[string]any, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.cluster.address(path), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	response, err := w.send(ctx, r, nil) //nolint:bodyclose // readAnswer does
	if err != nil {
		return nil, err
	}
	data, err := readAnswer(response)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusNotFound:
		return nil, nil
	case response.StatusCode != http.StatusOK:
		return nil, &tools.Failure{
			Code: fmt.Sprint(response.StatusCode), Message: "the object can't be looked at before it is changed: " + response.Status,
			Plain: "the object can't be looked at before it is changed",
		}
	}
	return decode(data)
}
