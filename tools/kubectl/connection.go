package kubectl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/rest"

	"github.com/chaperone-dev/chaperone/tools"
)

// connection is a cluster, which is looked for when it is first used.
type connection struct {
	config Config
	// production refuses a credential that may do anything.
	production bool
	limits     tools.Limits
	// find says how to reach the cluster.
	find func(context.Context) (*rest.Config, error)
	// turn is held by who opens it; open and vetted belong to whoever does.
	turn   chan struct{}
	open   *cluster
	vetted time.Time
}

func newConnection(c tools.ConnectionConfig) (tools.Connection, error) {
	var section struct {
		Kubectl Config `yaml:"kubectl"`
	}
	if err := c.Decode(&section.Kubectl); err != nil {
		return nil, err
	}
	config := section.Kubectl
	config.absolute(c)
	if err := config.check(); err != nil {
		return nil, err
	}
	find, err := config.finder()
	if err != nil {
		return nil, err
	}
	return connect(config, c.Production(), find), nil
}

func connect(c Config, production bool, find func(context.Context) (*rest.Config, error)) *connection {
	return &connection{config: c, production: production, limits: c.limits(), find: find, turn: make(chan struct{}, 1)}
}

const (
	// openTime bounds how long a server may take to say what it is.
	openTime = 10 * time.Second
	// vetTime is how long what a credential may do counts as known.
	vetTime = 10 * time.Minute
)

// reach returns the cluster. After trouble it is looked for anew, since it may
// have another address, certificate or credential by now.
func (k *connection) reach(ctx context.Context) (*cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	select {
	case k.turn <- struct{}{}:
		defer func() { <-k.turn }()
	case <-ctx.Done():
		return nil, slow(ctx.Err()).refusal()
	}
	known := k.open != nil && k.open.entrance.last.Load() == nil
	if !known {
		c, _, err := k.meet(ctx)
		if err != nil {
			return nil, err.refusal()
		}
		k.open, k.vetted = c, time.Time{}
	}
	if k.production && time.Since(k.vetted) > vetTime {
		if err := k.open.vet(ctx); err != nil {
			return nil, err
		}
		k.vetted = time.Now()
	}
	return k.open, nil
}

// meet looks for the cluster and has it say what it is.
func (k *connection) meet(ctx context.Context) (*cluster, greeting, *trouble) {
	config, err := k.find(ctx)
	if err != nil {
		return nil, greeting{}, lost(err)
	}
	c, err := newCluster(config, &k.config)
	if err != nil {
		return nil, greeting{}, lost(err)
	}
	hello, err := c.greet(ctx)
	if err != nil {
		return nil, greeting{}, lost(err)
	}
	return c, hello, nil
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
	plan, err := k.describe(ctx, a, r)
	var why *tools.Refusal
	if errors.As(err, &why) {
		said := *why
		said.Blank = wanted(a.Args)
		return nil, &said
	}
	return plan, err
}

func (k *connection) describe(ctx context.Context, a args, r tools.Request) (tools.Plan, error) {
	if len(a.Args) > maxWords || len(a.Stdin) > maxManifest {
		return nil, refused("arguments", fmt.Sprintf("it is more than %d words, or than %d KB of stdin", maxWords, maxManifest>>10), "do it in parts")
	}
	c, err := parse(a.Args, a.Stdin, k.config.namespace())
	switch {
	case err != nil:
		return nil, err
	case c.effect == tools.Read && r.Tool != toolRead:
		return nil, refused("tool", "kubectl "+c.name+" only reads", "use "+toolRead)
	case c.effect != tools.Read && r.Tool == toolRead:
		return nil, refused("tool", "kubectl "+c.name+" changes the cluster", "use "+toolWrite)
	}
	ctx, cancel := context.WithTimeout(ctx, k.limits.Timeout)
	defer cancel()
	cluster, err := k.reach(ctx)
	switch {
	case err != nil:
		return nil, err
	case c.effect == tools.Read:
		return k.describeRead(ctx, cluster, c, r)
	}
	return k.describeWrite(ctx, cluster, c, r)
}

// describeRead runs the command on a wire that is cut, to see what it asks for.
func (k *connection) describeRead(ctx context.Context, on *cluster, c command, r tools.Request) (tools.Plan, error) {
	seen := &cut{}
	w := &wire{cluster: on, caller: r.Caller, judge: seen}
	e := c.execute(ctx, w, newOutput(k.limits.Bytes), nil)
	if err := w.stopped(); err != nil {
		return nil, err
	}
	switch {
	case errors.Is(e.err, context.DeadlineExceeded):
		return nil, slow(e.err).refusal()
	case e.err != nil:
		return nil, e.err
	}
	if t := w.keptOut(); t != nil {
		return nil, t.refusal()
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	return &readPlan{cluster: on, limits: k.limits, command: c, caller: r.Caller, requests: seen.requests, action: c.action(seen.requests, nil)}, nil
}

// Close implements tools.Connection.
func (k *connection) Close() error {
	k.turn <- struct{}{}
	defer func() { <-k.turn }()
	if k.open != nil {
		k.open.entrance.CloseIdleConnections()
	}
	return nil
}
