package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/cursor"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/server"
	"github.com/chaperone-dev/chaperone/server/identity"
)

const demoLong = `Run everything on this machine, on sample data: a PostgreSQL server on loopback
with a small shop, a policy, a configuration, and the gateway over HTTP.

PostgreSQL is one that is installed, or else one that is fetched. Everything
stays in one folder, which --reset removes. With --script an agent's session is
played over MCP, its replay is printed, and the demo ends.`

// demoFlags are the flags of the demo.
type demoFlags struct {
	dir, listen   string
	port          int
	script, reset bool
}

func newDemo(o *options) *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use: "demo", Short: "Run everything on this machine, on sample data", Long: demoLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.reset {
				if err := demo.Remove(f.dir); err != nil {
					return err
				}
				_, err := fmt.Fprintf(o.out, "removed %s\n", f.dir)
				return err
			}
			return runDemo(cmd.Context(), o, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", demo.DefaultPath(), "`folder` for everything of the demo")
	flags.StringVar(&f.listen, "listen", config.DefaultListen, "`address` of the gateway; port 0 picks a free one")
	flags.IntVar(&f.port, "postgres-port", 0, "`port` of PostgreSQL; 0 picks a free one")
	flags.BoolVar(&f.script, "script", false, "play one agent's session, print its replay, and end")
	flags.BoolVar(&f.reset, "reset", false, "remove the demo's folder and end")
	return cmd
}

func runDemo(ctx context.Context, o *options, f demoFlags) error {
	folder, err := demo.Open(f.dir)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if f.script {
		f.listen = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("%w; choose another address by --listen", err)
	}
	defer func() { _ = l.Close() }()
	say := func(what string) { _, _ = fmt.Fprintf(o.err, "demo: %s ...\n", what) }
	postgres, dsn, err := folder.Shop(ctx, f.port, say)
	if err != nil {
		return err
	}
	defer postgres.Stop(context.WithoutCancel(ctx))
	if err := folder.Write(dsn, l.Addr().String()); err != nil {
		return err
	}
	return serveDemo(ctx, o, f, folder, l)
}

// serveDemo serves until the reader ends it, or the script has been played.
func serveDemo(ctx context.Context, o *options, f demoFlags, folder *demo.Folder, l net.Listener) (err error) {
	c, err := config.Load(folder.Config())
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
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go a.Watch(ctx)
	served := make(chan error, 1)
	go func() {
		served <- a.Edge.ServeHTTP(ctx, l, server.HTTP{Verify: tokens.Verify, Hosts: hosts(c)})
	}()
	url := mcpURL(c, l.Addr())
	if f.script {
		err := demo.Play(ctx, o.out, url, folder.Token)
		stop()
		return errors.Join(err, <-served, a.Close(), o.replayNewest(context.WithoutCancel(ctx), c))
	}
	o.welcome(folder, url)
	return <-served
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

// welcome says how to connect and what to try.
func (o *options) welcome(folder *demo.Folder, url string) {
	s := replay.StyleFor(o.out)
	entry := cursor.Server{URL: url, Headers: map[string]string{"Authorization": "Bearer " + folder.Token}}
	_, _ = fmt.Fprintf(o.out, `
%s

The gateway serves MCP at %s

%s open the folder %s in Cursor, or paste %s
         into the project of your choice, or open this link:
         %s

%s
  "Which customers of the shop spent most?"      e-mails come masked
  "Delete the old order items."                  refused: no WHERE
  "Mark order 42 as shipped, ticket 1187."       allowed, and on record

%s edit %s while this runs.
%s chaperone --config %s replay

Everything is in %s; chaperone demo --reset removes it. Ctrl-C ends the demo.
`, s.Bold("Chaperone's demo is up."), s.Bold(url), s.Bold("Cursor:"), folder.Path, folder.CursorFile(),
		cursor.DeepLink("chaperone", entry), s.Bold("Things to ask the agent:"),
		s.Bold("The policy:"), folder.Path+"/policy/shop.rego", s.Bold("The record:"), folder.Config(), folder.Path)
}
