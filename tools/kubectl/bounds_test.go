package kubectl

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

// bounds is a policy that lets a team read what it runs in its namespace, change the
// settings of that, and start pods. It remembers what it allowed.
type bounds struct {
	// all has it allow everything.
	all       bool
	namespace string

	mu sync.Mutex
	// let are requests that may be made, or tried where they change something; ran
	// are those of a plan that may run.
	let, ran map[string]bool
}

// may is what the policy says of a request. That it looks at no subresource of what is
// read leaves that to the verb.
func (b *bounds) may(f *Facts, r Request) bool {
	switch {
	case b.all:
		return true
	case slices.Contains(f.Flags, Flag{"force-conflicts", "true"}):
		return false
	case r.Namespace != b.namespace:
		return false
	case r.effect() == tools.Read:
		return slices.Contains([]string{"/pods", "apps/deployments", "/configmaps"}, r.Group+"/"+r.Resource)
	}
	return r.Subresource == "" && r.Group == "" && (r.Resource == "configmaps" || r.Resource == "pods" && r.Verb == "create")
}

// plan is what it says of a call as a whole.
func (b *bounds) plan(a tools.Action) bool {
	f, ok := a.Facts.(*Facts)
	if !ok {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range f.Objects {
		if o.Privileged || o.HostPath || slices.ContainsFunc(o.Changed, delicateField) {
			return b.all
		}
	}
	if slices.ContainsFunc(f.Requests, func(r Request) bool { return !b.may(f, r) }) {
		return false
	}
	for _, r := range f.Requests {
		b.let[place(r)], b.ran[place(r)] = true, true
	}
	return true
}

// delicateField reports whether a field is one that the team may not change.
func delicateField(path string) bool {
	for _, name := range []string{"metadata.finalizers", "metadata.ownerReferences"} {
		if path == name || strings.HasPrefix(path, name+".") {
			return true
		}
	}
	return false
}

// Judge implements tools.Gate.
func (b *bounds) Judge(_ context.Context, actions []tools.Action) ([]tools.Verdict, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	verdicts := make([]tools.Verdict, len(actions))
	for i, a := range actions {
		f, ok := a.Facts.(*Facts)
		if !ok || len(f.Requests) != 1 {
			return nil, fmt.Errorf("an action without its one request: %+v", a)
		}
		verdicts[i] = tools.Verdict{Allowed: b.may(f, f.Requests[0]), Masker: maskOf{}}
		b.let[place(f.Requests[0])] = verdicts[i].Allowed
	}
	return verdicts, nil
}

// Masker implements tools.Gate.
func (b *bounds) Masker() tools.Masker { return maskOf{} }

// Stream implements tools.Gate.
func (b *bounds) Stream(string, string) error { return nil }

// allowed reports whether a request that was made was allowed: one that changes
// something only where the plan was.
func (b *bounds) allowed(r Request, tried bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.effect() != tools.Read && !tried {
		return b.ran[place(r)]
	}
	return b.let[place(r)]
}

// place is a request without what the log does not tell, or tells in another way: the
// name of what is new.
func place(r Request) string {
	if r.Verb == "create" && r.Subresource == "" {
		r.Name = ""
	}
	return fmt.Sprintf("%s %s/%s/%s/%s %s/%s", r.Verb, r.Group, r.Version, r.Resource, r.Subresource, r.Namespace, r.Name)
}

// bait is what attempts may want of this machine: a folder of files, programs among
// them, a host, and the process's own standard input.
type bait struct {
	file, dir, host string

	opened    func() []string
	untouched func() bool
	connected atomic.Int64

	mu   sync.Mutex
	sent []string
	left []string
}

func newBait(t *testing.T) *bait {
	t.Helper()
	b := &bait{dir: t.TempDir()}
	b.file = filepath.Join(b.dir, "manifest.yaml")
	manifest := "{apiVersion: v1, kind: ConfigMap, metadata: {name: bait}, data: {bait: " + unread + "}}\n"
	for name, text := range map[string]string{
		"manifest.yaml": manifest, "kustomization.yaml": "resources: [manifest.yaml]\n", "config": "kind: Config\n# " + unread, "kubectl-evil": "#!/bin/sh\necho " + unread,
	} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b.listen(t)
	// Where kubectl would look for what it needs, and what it would start.
	t.Setenv("PATH", b.dir+":"+os.Getenv("PATH"))
	for _, name := range []string{"KUBE_EDITOR", "EDITOR", "KUBECTL_EXTERNAL_DIFF", "PAGER"} {
		t.Setenv(name, filepath.Join(b.dir, "kubectl-evil"))
	}
	t.Setenv("HOME", b.dir)
	t.Setenv("KUBECONFIG", filepath.Join(b.dir, "config"))
	t.Setenv("KUBERC", b.file)
	host, port, _ := net.SplitHostPort(b.host)
	t.Setenv("KUBERNETES_SERVICE_HOST", host)
	t.Setenv("KUBERNETES_SERVICE_PORT", port)
	b.untouched = stdinIs(t, manifest)
	b.opened = opened(t, b.dir)
	return b
}

// listen counts who connects.
func (b *bait) listen(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	b.host = listener.Addr().String()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b.connected.Add(1)
			_ = conn.Close()
		}
	}()
}

// follow notes what a stage's connection sends, and where to.
func (b *bait) follow(s *stage) {
	next, host := s.conn.open.credential, s.conn.open.config.Host
	s.conn.open.credential = roundTrip(func(r *http.Request) (*http.Response, error) {
		var body []byte
		if r.Body != nil {
			var err error
			if body, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		b.mu.Lock()
		if strings.Contains(string(body)+r.URL.String()+fmt.Sprint(r.Header), unread) {
			b.sent = append(b.sent, r.URL.String())
		}
		if !strings.HasPrefix(r.URL.String(), host+"/") {
			b.left = append(b.left, r.URL.String())
		}
		b.mu.Unlock()
		return next.RoundTrip(r)
	})
}

// check fails if anything of the bait was taken. That its traps work is tried first.
func (b *bait) check(t testing.TB) {
	t.Helper()
	if names := b.opened(); len(names) > 0 {
		t.Errorf("these were opened: %q", names)
	}
	if n := b.connected.Load(); n > 0 {
		t.Errorf("%d connected to another host", n)
	}
	if len(b.sent) > 0 || len(b.left) > 0 {
		t.Errorf("what is in a file was sent: %q; sent elsewhere: %q", b.sent, b.left)
	}
	if !b.untouched() {
		t.Error("the process's standard input was read")
	}
	if _, err := os.ReadFile(b.file); err != nil || len(b.opened()) == 0 {
		t.Errorf("nobody would notice that a file is opened: %v", err)
	}
	conn, err := net.Dial("tcp", b.host)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Read(make([]byte, 1)) // it is closed once it is counted
	if b.connected.Load() == 0 {
		t.Error("nobody would notice a connection")
	}
}
