package kubectl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

// connection is an open cluster.
type connection struct {
	cluster *cluster
	limits  tools.Limits
}

func newConnection(c tools.ConnectionConfig) (tools.Connection, error) {
	var section struct {
		Kubectl Config `yaml:"kubectl"`
	}
	if err := c.Decode(&section.Kubectl); err != nil {
		return nil, err
	}
	config := section.Kubectl
	if err := config.check(); err != nil {
		return nil, err
	}
	rest, err := config.rest()
	if err != nil {
		return nil, err
	}
	k, err := newCluster(rest, &config)
	if err != nil {
		return nil, err
	}
	return &connection{k, config.limits()}, nil
}

// args are the arguments of both tools.
type args struct {
	Args  []string `json:"args" jsonschema:"the words after kubectl, one string each; no shell sees them"`
	Stdin string   `json:"stdin,omitempty" jsonschema:"manifests, for -f -"`
}

// maxWords and maxManifest bound what a caller may ask for at once.
const (
	maxWords    = 200
	maxManifest = 1 << 20
)

// Describe implements tools.Connection.
func (k *connection) Describe(ctx context.Context, r tools.Request) (tools.Plan, error) {
	var a args
	if err := tools.DecodeArgs(r.Args, &a); err != nil {
		return nil, refused("arguments", err.Error(), "")
	}
	switch {
	case len(a.Args) == 0:
		return nil, refused("arguments", "args is empty", `pass the words after kubectl, such as ["get", "pods"]`)
	case a.Args[0] == "kubectl":
		a.Args = a.Args[1:]
	}
	if len(a.Args) > maxWords || len(a.Stdin) > maxManifest {
		return nil, refused("arguments", fmt.Sprintf("it is more than %d words, or than %d KB of stdin", maxWords, maxManifest>>10), "do it in parts")
	}
	c, err := parse(a.Args, a.Stdin, k.cluster.namespace)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, k.limits.Timeout)
	defer cancel()
	switch {
	case c.effect == tools.Read && r.Tool == toolRead:
		return k.describeRead(ctx, c, r)
	case c.effect == tools.Read:
		return nil, refused("tool", "kubectl "+c.name+" only reads", "use "+toolRead)
	case r.Tool == toolRead:
		return nil, refused("tool", "kubectl "+c.name+" changes the cluster", "use "+toolWrite)
	}
	return k.describeWrite(ctx, c, r)
}

// describeRead runs the command on a wire that is cut, to see what it asks for.
func (k *connection) describeRead(ctx context.Context, c command, r tools.Request) (tools.Plan, error) {
	seen := &cut{}
	w := &wire{cluster: k.cluster, caller: r.Caller, judge: seen}
	e := c.execute(ctx, w, newOutput(k.limits.Bytes), nil)
	if err := w.stopped(); err != nil {
		return nil, err
	}
	if e.err != nil {
		return nil, e.err
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	return &readPlan{connection: k, command: c, caller: r.Caller, requests: seen.requests, action: c.action(seen.requests, nil)}, nil
}

// Check implements tools.Connection.
func (k *connection) Check(ctx context.Context) []tools.Finding {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := k.cluster.discovery.ServerVersion()
		done <- err
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = errors.New("it did not answer in time")
	}
	if err != nil {
		return []tools.Finding{{Level: tools.Fail, What: "the API server can't be reached: " + err.Error(), Fix: "check the kubeconfig, its context, and the network"}}
	}
	return []tools.Finding{{Level: tools.OK, What: "the API server answers"}}
}

// Close implements tools.Connection.
func (k *connection) Close() error {
	if idle, ok := k.cluster.credential.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
	return nil
}
