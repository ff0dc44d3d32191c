package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/server"
	"github.com/chaperone-dev/chaperone/server/console"
	"github.com/chaperone-dev/chaperone/server/identity"
)

const serveLong = `Serve the gateway over HTTP: MCP's Streamable HTTP at /mcp, for agents, and the
console at /console/, for people: there they answer the calls that rules hold for
them, see what runs, and stop and freeze.

Callers send a bearer token that identity.tokens in the configuration knows by
its hash, and people sign in to the console with one; "chaperone token" makes
them. Without a token there is no service. Whose token is in the groups that a
rule names can approve what others ask for; never give an agent such a token.

The server listens on loopback unless server.tls is configured. It goes by the
names of server.listen and server.url only. Links for people begin with
server.url; without it, on loopback, with the address that it listens on.

It ends on SIGINT and SIGTERM, when the calls that are under way have ended; a
second signal does not wait.`

func newServe(o *options) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the gateway and the console over HTTP", Long: serveLong, Args: cobra.NoArgs,
		Example: "  chaperone serve\n  chaperone serve --config /etc/chaperone/chaperone.yaml --listen 127.0.0.1:8080",
		RunE:    func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), o, listen) },
	}
	cmd.Flags().StringVar(&listen, "listen", "", "`address` to listen on, instead of server.listen")
	return cmd
}

func serve(ctx context.Context, o *options, listen string) error {
	c, err := o.load()
	if err != nil {
		return err
	}
	if listen != "" {
		c.Server.Listen = listen
	}
	tokens, err := identity.NewTokens(c.Identity.Tokens)
	if err != nil {
		return err
	}
	if err := mayListen(c, tokens); err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Server.Listen)
	if err != nil {
		return fmt.Errorf("server.listen: %w; end what runs there, or choose another address by --listen", err)
	}
	defer func() { _ = l.Close() }()
	reached(c, l.Addr())
	a, err := app.Open(ctx, c, version(), o.logger())
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	pages, err := a.Pages(tokens.Verify)
	if err != nil {
		return err
	}
	go a.Run(ctx)
	url := mcpURL(c, l.Addr())
	_, _ = fmt.Fprintf(o.err, "chaperone: serving MCP at %s\nchaperone: people answer at %s\n", url, strings.TrimSuffix(url, "/mcp")+console.Path)
	err = a.Edge.ServeHTTP(ctx, l, server.HTTP{
		Verify: tokens.Verify, Hosts: hosts(c), Console: pages, CertFile: c.Server.TLS.Cert, KeyFile: c.Server.TLS.Key,
	})
	return errors.Join(err, a.Close())
}

// mayListen refuses to serve others than this machine in the clear, or anyone
// without knowing who they are.
func mayListen(c *config.Config, tokens *identity.Tokens) error {
	host, _, err := net.SplitHostPort(c.Server.Listen)
	if err != nil {
		return fmt.Errorf("server.listen must be an address and a port, such as %s", config.DefaultListen)
	}
	switch {
	case tokens.Len() == 0:
		return errors.New("identity.tokens is empty, so nobody could call; make a token with `chaperone token`")
	case !isLoopback(host) && c.Server.TLS.Cert == "":
		return fmt.Errorf("server.listen %s reaches beyond this machine: configure server.tls, or listen on 127.0.0.1", c.Server.Listen)
	}
	return nil
}

// isLoopback reports whether a host is this machine for itself.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// hosts are the names that we go by.
func hosts(c *config.Config) []string {
	names := []string{"localhost", "127.0.0.1", "::1", c.Server.Listen}
	if host, _, err := net.SplitHostPort(c.Server.Listen); err == nil && host != "" {
		names = append(names, host)
	}
	if u, err := url.Parse(c.Server.URL); err == nil && u.Host != "" {
		names = append(names, u.Host)
	}
	return names
}

// reached notes the address that we are reached by, for the links that callers
// and approvers are told. On loopback it is the one that is listened on; beyond,
// only the configuration can know it.
func reached(c *config.Config, addr net.Addr) {
	host, _, err := net.SplitHostPort(addr.String())
	if c.Server.URL == "" && c.Server.TLS.Cert == "" && err == nil && isLoopback(host) {
		c.Server.URL = "http://" + addr.String()
	}
}

// mcpURL is where clients find us.
func mcpURL(c *config.Config, addr net.Addr) string {
	if c.Server.URL != "" {
		return strings.TrimSuffix(c.Server.URL, "/") + "/mcp"
	}
	scheme := "http"
	if c.Server.TLS.Cert != "" {
		scheme = "https"
	}
	return scheme + "://" + addr.String() + "/mcp"
}
