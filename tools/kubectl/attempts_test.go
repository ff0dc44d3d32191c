package kubectl

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

// attempt is a call of somebody who wants more than may be. In line and stdin, NS is
// the namespace of the test and OTHER one that policy allows nothing in; FILE and DIR
// are baits on this machine, and HOST one that listens.
type attempt struct {
	line, stdin string
	// want is the rule that refuses it; "fails" where kubectl or the API server says
	// that it can't be, "ends" where it does no more than may be.
	want string
}

// theme is what some attempts have in common.
type theme struct {
	name     string
	attempts []attempt
}

// themes are all attempts. Each stands once.
func themes() []theme {
	return slices.Concat(lineThemes, objectThemes(), []theme{{"huge and deep", hugeManifests()}, {"YAML bombs", bombs()}})
}

const (
	// leastAttempts is how many there are at least, and leastHeard how many requests
	// are compared: an empty log proves nothing.
	leastAttempts = 600
	leastHeard    = 200
)

// atOnce are the rules that refuse a call before anything is asked of the server.
var atOnce = []string{"command", "flag", "file", "output", "arguments", "stdin", "size", "name"}

// TestAttempts makes every attempt as a real call, and looks into the API server's own
// log: none got a request there that policy had not allowed, or that was not the
// caller's own. No file was opened, nothing connected to another host, and what is
// hidden showed nowhere.
func TestAttempts(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes one call after the other")
	}
	h := newHostile(t)
	n := 0
	for _, theme := range themes() {
		for _, a := range theme.attempts {
			n++
			o := h.try(a)
			if got := o.ended(); got != a.want {
				t.Errorf("%s: kubectl %s: %s, want %s: %.300s", theme.name, a.short(), got, a.want, o.said)
			}
		}
	}
	if n < leastAttempts {
		t.Errorf("there are only %d attempts", n)
	}
	h.check()
}

// TestAttemptsAtOnce makes them again, several at the same time.
func TestAttemptsAtOnce(t *testing.T) {
	h := newHostile(t)
	queue := make(chan attempt)
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for a := range queue {
				h.try(a)
			}
		})
	}
	for _, theme := range themes() {
		for i, a := range theme.attempts {
			if !testing.Short() || i%4 == 0 {
				queue <- a
			}
		}
	}
	close(queue)
	callers.Wait()
	h.check()
}

// hostile is a stage for attempts, and what they must not get at.
type hostile struct {
	*stage
	other *stage
	bait  *bait
	// before are the requests of the log that were there already. Of a watch the end
	// is told later.
	before map[string]bool

	mu    sync.Mutex
	tried []*outcome
}

const (
	// elsewhere is in a namespace that policy allows nothing in, and unread in a
	// file on this machine.
	elsewhere = "d0-not-show-me"
	unread    = "d0-not-read-me"
)

func newHostile(t *testing.T) *hostile {
	t.Helper()
	h := &hostile{stage: newStage(t), other: newStage(t)}
	h.other.must("create configmap hidden --from-literal=a=" + elsewhere)
	h.must("apply -f - --field-manager=other", webManifest)
	h.must("rollout status deploy/web --timeout=20s")
	h.box()
	h.bait = newBait(t)
	h.bait.follow(h.stage)
	h.begin()
	return h
}

// begin has what was asked until now have no part in what is looked at.
func (h *hostile) begin() {
	h.before = map[string]bool{}
	for _, e := range h.cluster.Audit(h.t) {
		h.before[e.AuditID] = true
	}
}

// outcome is what became of an attempt.
type outcome struct {
	attempt
	caller tools.Caller
	gate   *bounds
	said   string
	err    error
	result *result
}

// try makes an attempt in a name of its own, by which the log tells it apart.
func (h *hostile) try(a attempt) *outcome {
	h.mu.Lock()
	subject := fmt.Sprintf("attempt-%d@%s.example.com", len(h.tried), h.namespace)
	o := &outcome{attempt: a, caller: tools.Caller{Subject: subject, Groups: h.caller.Groups}}
	o.gate = &bounds{all: o.silent(), namespace: h.namespace, let: map[string]bool{}, ran: map[string]bool{}}
	h.tried = append(h.tried, o)
	h.mu.Unlock()
	in := strings.NewReplacer("NS", h.namespace, "OTHER", h.other.namespace, "FILE", h.bait.file, "DIR", h.bait.dir, "HOST", h.bait.host)
	one := *h.stage
	one.caller = o.caller
	request := one.request(in.Replace(a.line), in.Replace(a.stdin))
	request.Gate = o.gate
	o.result, o.err = h.govern(request, o.gate)
	o.said = fmt.Sprintf("%+v %v", o.result, o.err)
	if o.result != nil {
		o.said = o.result.Output + o.result.Errors
	}
	return o
}

// govern makes a call as the gateway does: policy judges the plan, its preview is
// made, and it runs.
func (h *hostile) govern(request tools.Request, gate *bounds) (*result, error) {
	plan, err := h.conn.Describe(h.t.Context(), request)
	if err != nil {
		return nil, err
	}
	if !gate.plan(plan.Action()) {
		return nil, refused("policy", "the plan is more than may be", "")
	}
	if p, ok := plan.(tools.Rehearsed); ok {
		if _, err := p.Preview(h.t.Context(), true); err != nil {
			return nil, err
		}
	}
	r, err := plan.Run(h.t.Context(), gate, tools.Limits{})
	if err != nil {
		return nil, err
	}
	out, ok := r.(*result)
	if !ok {
		h.t.Errorf("%T", r)
	}
	return out, nil
}

// silent reports whether the server may not hear of the attempt at all. Then policy
// allows everything, so that it has no part in it.
func (a attempt) silent() bool { return slices.Contains(atOnce, a.want) }

func (a attempt) short() string { return fmt.Sprintf("%.100s %.60q", a.line, a.stdin) }

// ended is how an attempt ended, in the words of want.
func (o *outcome) ended() string {
	var r *tools.Refusal
	switch {
	case o.err == nil:
		return "ends"
	case errors.As(o.err, &r) && r.Rule != "rehearsal":
		return r.Rule
	case errors.As(o.err, new(*tools.Failure)), errors.As(o.err, &r):
		return "fails"
	}
	return "breaks"
}

// check compares what was asked for with what was allowed, and looks whether anything
// was taken.
func (h *hostile) check() {
	h.t.Helper()
	callers := map[string]*outcome{}
	for _, o := range h.tried {
		callers[o.caller.Subject] = o
		for _, leak := range []string{elsewhere, unread, "hunter2", "aHVudGVyMg"} {
			if strings.Contains(o.said, leak) && !strings.Contains(o.line+o.stdin, leak) {
				h.t.Errorf("kubectl %s shows what is hidden: %.300s", o.short(), o.said)
			}
		}
	}
	heard := 0
	for _, e := range h.cluster.Audit(h.t) {
		if !h.before[e.AuditID] && ours(e) {
			heard++
			h.compare(e, callers)
		}
	}
	if heard < min(leastHeard, len(h.tried)/4) {
		h.t.Errorf("the API server heard of %d requests only", heard)
	}
	if h.replicas() != 2 {
		h.t.Error("the deployment changed")
	}
	h.bait.check(h.t)
}

// ours reports whether a request in the log may be the connection's: all are that are
// of no part of the cluster, and of no administrator.
func ours(e kubectltest.AuditEvent) bool {
	return e.User.Username == "system:anonymous" || !strings.HasPrefix(e.User.Username, "system:") && !slices.Contains(e.User.Groups, "system:masters")
}

// compare looks whether a request is one that policy allowed whoever made it.
func (h *hostile) compare(e kubectltest.AuditEvent, callers map[string]*outcome) {
	h.t.Helper()
	path, query, _ := strings.Cut(e.RequestURI, "?")
	asks := e.ObjectRef.Resource == "" && e.Verb == "get" && isDiscovery("GET", path)
	if e.ImpersonatedUser == nil {
		if !asks {
			h.t.Errorf("in nobody's name, or as %s (%s): %s %s", e.User.Username, e.UserAgent, e.Verb, e.RequestURI)
		}
		return
	}
	o := callers[e.ImpersonatedUser.Username]
	switch {
	case o == nil || !slices.Equal(e.ImpersonatedUser.Groups, append(slices.Clone(o.caller.Groups), "system:authenticated")):
		h.t.Errorf("as somebody else, %+v: %s %s", e.ImpersonatedUser, e.Verb, e.RequestURI)
	case o.silent():
		h.t.Errorf("kubectl %s is refused before it is sent, and the API server heard %s %s", o.short(), e.Verb, e.RequestURI)
	case asks:
	case !o.gate.allowed(asked(e), strings.Contains(query, "dryRun=All")):
		h.t.Errorf("kubectl %s: policy did not allow %s %s", o.short(), e.Verb, e.RequestURI)
	case strings.Contains(query, "force=true"):
		h.t.Errorf("kubectl %s takes fields from their managers: %s", o.short(), e.RequestURI)
	}
}

// asked is a request of the log as policy sees it.
func asked(e kubectltest.AuditEvent) Request {
	r := Request{
		Verb: e.Verb, Group: e.ObjectRef.APIGroup, Version: e.ObjectRef.APIVersion, Resource: e.ObjectRef.Resource,
		Subresource: e.ObjectRef.Subresource, Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name,
	}
	if slices.Contains([]string{"exec", "attach", "portforward", "proxy"}, r.Subresource) {
		r.Verb = r.Subresource
	}
	return r
}

// stdinIs has the process's own standard input be a text, and returns what tells
// whether it still is.
func stdinIs(t *testing.T, text string) func() bool {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(out, text); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	own := os.Stdin
	os.Stdin = in
	t.Cleanup(func() { os.Stdin = own; _ = in.Close() })
	return func() bool {
		left, err := io.ReadAll(in)
		return err == nil && string(left) == text
	}
}
