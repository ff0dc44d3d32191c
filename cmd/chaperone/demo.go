package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/server"
	"github.com/chaperone-dev/chaperone/server/identity"
	"github.com/chaperone-dev/chaperone/tools/sql/pgserver"
)

const demoLong = `Run everything on this machine, on sample data: a PostgreSQL server on loopback
with a small shop, a policy, a configuration, and the gateway over HTTP.

PostgreSQL is one that is installed, or else one that is fetched. Everything
stays in one folder, which --reset removes; the next demo takes up what is there,
with the policy as you left it. Started by root, PostgreSQL runs as the user
postgres or nobody. Ctrl-C ends all of it.

It prints what to ask the agent for, and the address and token with which you
approve in a browser what a rule holds.

With --kubernetes there is a Kubernetes cluster, too: a real API server on
loopback, whose pods run nothing, with the shop's deployments and rules for them.
It begins anew each time. "make demo KUBERNETES=1" builds its program and passes
it on.

With --script an agent's session is played over MCP, with a call that is held and
approved in the console; its replay is printed, and the demo ends, with 1 if a
decision was not as it should be.`

const demoExample = `  chaperone demo
  chaperone demo --script
  chaperone demo --kubernetes "$(.ci/testcluster)"
  chaperone demo --dir ./try --listen 127.0.0.1:0
  chaperone demo --reset`

// demoFlags are the flags of the demo.
type demoFlags struct {
	dir, listen, kubernetes string
	port                    int
	script, reset           bool
}

func newDemo(o *options) *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use: "demo", Short: "Run everything on this machine, on sample data", Long: demoLong, Example: demoExample,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.reset {
				return o.resetDemo(cmd.Context(), f)
			}
			return runDemo(cmd.Context(), o, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", demo.DefaultPath(), "`folder` for everything of the demo")
	flags.StringVar(&f.listen, "listen", config.DefaultListen, "`address` of the gateway; port 0 picks a free one")
	flags.IntVar(&f.port, "postgres-port", 0, "`port` of PostgreSQL; 0 picks a free one")
	flags.StringVar(&f.kubernetes, "kubernetes", "", "`program` of a Kubernetes cluster to start as well, as .ci/testcluster builds it")
	flags.BoolVar(&f.script, "script", false, "play one agent's session, print its replay, and end")
	flags.BoolVar(&f.reset, "reset", false, "remove the demo's folder and end")
	return cmd
}

// resetDemo removes the demo's folder.
func (o *options) resetDemo(ctx context.Context, f demoFlags) error {
	if err := demo.Remove(ctx, f.dir); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.out, "removed %s\n", f.dir)
	return err
}

func runDemo(ctx context.Context, o *options, f demoFlags) error {
	if f.kubernetes != "" {
		if _, err := exec.LookPath(f.kubernetes); err != nil {
			return usageError{fmt.Errorf("--kubernetes: %w; name the program that .ci/testcluster builds", err)}
		}
	}
	folder, err := demo.Open(f.dir)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if f.script {
		f.listen = "127.0.0.1:0"
	}
	l, err := listenLocally(f.listen)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	on := &stand{Folder: folder, listener: l}
	defer on.end(ctx, o)
	if err := on.begin(ctx, o, f); err != nil {
		return err
	}
	return serveDemo(ctx, o, f, on)
}

// stand is what the demo stands on.
type stand struct {
	*demo.Folder
	listener net.Listener
	postgres *pgserver.Server
	// cluster is nil where none was asked for.
	cluster *demo.Cluster
}

// begin starts what the gateway is to reach, and writes its configuration.
func (on *stand) begin(ctx context.Context, o *options, f demoFlags) error {
	say := func(what string) { _, _ = fmt.Fprintf(o.err, "demo: %s ...\n", what) }
	var to demo.Targets
	var err error
	on.postgres, to.DSN, err = on.Shop(ctx, f.port, say)
	if err == nil && f.kubernetes != "" {
		on.cluster, err = on.Cluster(ctx, f.kubernetes, say)
	}
	if ctx.Err() != nil {
		return errors.New("the demo was ended before it was up")
	}
	if err != nil {
		return err
	}
	if on.cluster != nil {
		to.Kubeconfig = on.cluster.Impersonator
	}
	return on.Write(to, on.listener.Addr().String())
}

// end ends what begin has started.
func (on *stand) end(ctx context.Context, o *options) {
	if on.cluster != nil {
		on.cluster.Stop()
	}
	if on.postgres != nil {
		on.postgres.Stop(context.WithoutCancel(ctx))
		_, _ = fmt.Fprintf(o.err, "demo: ended; what it made is in %s\n", on.Path)
	}
}

// listenLocally listens on an address of this machine only: the demo's token
// stands in a file for everyone to try.
func listenLocally(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !isLoopback(host) {
		return nil, usageError{fmt.Errorf("--listen must be an address of this machine and a port, such as %s", config.DefaultListen)}
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w; end what runs there, or choose another address by --listen, such as 127.0.0.1:0", err)
	}
	return l, nil
}

// serveDemo serves until the reader ends it, or the script has been played.
func serveDemo(ctx context.Context, o *options, f demoFlags, on *stand) (err error) {
	c, err := config.Load(on.Config())
	if err != nil {
		return err
	}
	tokens, err := identity.NewTokens(c.Identity.Tokens)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, c, version(), o.logger())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	pages, err := a.Pages(tokens.Verify)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go a.Run(ctx)
	served := make(chan error, 1)
	go func() {
		served <- a.Edge.ServeHTTP(ctx, on.listener, server.HTTP{Verify: tokens.Verify, Hosts: hosts(c), Console: pages})
	}()
	url := mcpURL(c, on.listener.Addr())
	if f.script {
		err := demo.Stage{
			Out: o.out, MCP: url, Site: strings.TrimSuffix(url, "/mcp"), Agent: on.Token, Approver: on.Approver,
			Cluster: on.cluster, Show: o.shower(a),
		}.Play(ctx)
		stop()
		return errors.Join(err, <-served, a.Close(), o.replayNewest(context.WithoutCancel(ctx), c))
	}
	o.welcome(on, url)
	return <-served
}

// shower shows what approvers see of a request.
func (o *options) shower(a *app.App) func(context.Context, io.Writer, string) error {
	return func(ctx context.Context, w io.Writer, id string) error {
		r, err := a.Desk.Get(ctx, id)
		if err != nil {
			return err
		}
		return showRequest(w, &r, replay.StyleFor(o.out))
	}
}

// replayNewest prints the session that has just been played.
func (o *options) replayNewest(ctx context.Context, c *config.Config) error {
	r, err := recorder.OpenReader(ctx, c.DataDir)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	newest, err := r.Sessions(ctx, recorder.SessionFilter{Limit: 1})
	if err != nil || len(newest) == 0 {
		return errors.Join(err, errors.New("the session is not on record"))
	}
	s := replay.StyleFor(o.out)
	_, _ = fmt.Fprintf(o.out, "\n%s\n\n", s.Bold("What the record says (chaperone replay):"))
	return replay.Plain(ctx, r, newest[0].ID, o.out, replay.Options{Style: s, Rows: 5})
}
