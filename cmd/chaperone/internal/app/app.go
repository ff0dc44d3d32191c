// Package app puts the parts together as the configuration says.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/server/gateway"
	"github.com/chaperone-dev/chaperone/server/notify"
	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/kubectl"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

// Families lists the families of tools. A new one is added here and nowhere else.
func Families() []tools.Family {
	return []tools.Family{sql.Family{}, kubectl.Family{}}
}

// App is a gateway and what it stands on.
type App struct {
	Config  *config.Config
	Gateway *gateway.Gateway
	Edge    *server.Edge
	Record  *recorder.Recorder
	Policy  *policy.Live

	// Desk is where calls wait for people, and Freezes what is frozen.
	Desk    *approval.Desk
	Freezes *freeze.Board
	History *recorder.Reader

	notices     *notify.Outbox
	connections []gateway.Connection
	log         *slog.Logger
}

// Open puts a gateway together. Targets are reached when they are used.
func Open(ctx context.Context, c *config.Config, version string, log *slog.Logger) (_ *App, err error) {
	a := &App{Config: c, log: log}
	defer func() {
		if err != nil {
			_ = a.Close()
		}
	}()
	if a.Policy, err = policy.Open(ctx, PolicyOptions(c)); err != nil {
		return nil, err
	}
	if a.connections, err = Connect(c); err != nil {
		return nil, err
	}
	if err := a.openRecord(ctx, version); err != nil {
		return nil, err
	}
	if err := a.Record.Note(
		recorder.Event{Body: recorder.ConfigLoaded{Digest: c.Digest}},
		recorder.Event{Body: recorder.PolicyLoaded{Digest: a.Policy.Policy().Digest(), Paths: c.Policy.Paths}},
	); err != nil {
		return nil, err
	}
	if n := a.Record.Recovered(); n > 0 {
		log.Warn("calls of an earlier process have no outcome, and were recorded as ambiguous", "calls", n)
	}
	a.Gateway, err = gateway.New(gateway.Config{
		Families: Families(), Connections: a.connections, Record: a.Record, Log: log,
		Policy:    func() gateway.Decider { return a.Policy.Policy() },
		Approvals: a.Desk, History: a.History, Frozen: a.Freezes, Hold: c.Approvals.Hold, Confirm: c.Approvals.Confirm, Console: a.Console(),
	})
	if err != nil {
		return nil, err
	}
	a.Edge = server.New(server.Options{Gateway: a.Gateway, Version: version, Log: log})
	return a, nil
}

// OpenDesk opens what people answer at and freeze by, and no gateway: neither
// the policy nor a target is needed for that.
func OpenDesk(ctx context.Context, c *config.Config, version string, log *slog.Logger) (*App, error) {
	a := &App{Config: c, log: log}
	if err := a.openRecord(ctx, version); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// openRecord opens the record, and what stands between calls: requests for
// approval, notices of them, and freezes.
func (a *App) openRecord(ctx context.Context, version string) (err error) {
	if a.Record, err = recorder.Open(ctx, recorder.Options{Dir: a.Config.DataDir, Version: version}); err != nil {
		return err
	}
	if a.History, err = recorder.OpenReader(ctx, a.Config.DataDir); err != nil {
		return err
	}
	a.notices = notify.New(notify.Options{Record: a.Record, Reader: a.History, Targets: targets(a.Config), Console: a.Console(), Log: a.log})
	a.Desk, err = approval.NewDesk(ctx, approval.Options{
		Record: a.Record, Reader: a.History, Expires: a.Config.Approvals.Expires, Open: a.Config.Approvals.Open, Log: a.log, Notices: a.notices.Notices,
		Approvers: approvers(a.Config),
	})
	if err != nil {
		return err
	}
	a.Freezes, err = freeze.Open(ctx, a.Record, a.History, a.log)
	return err
}

// targets are those who are told of requests.
func targets(c *config.Config) []notify.Target {
	out := make([]notify.Target, len(c.Approvals.Notify))
	for i, n := range c.Approvals.Notify {
		out[i] = notify.Target{Name: n.Name, Webhook: n.Webhook, Secret: n.Secret, Slack: n.Slack}
	}
	return out
}

// Console is the address at which people answer, where the configuration tells
// how it is reached from outside.
func (a *App) Console() string {
	if a.Config.Server.URL == "" {
		return ""
	}
	return strings.TrimSuffix(a.Config.Server.URL, "/") + "/console"
}

// Run does what goes on beside the calls until ctx ends: it follows the policy's
// files, lets requests expire, tells people of them, and breaks off what is frozen.
func (a *App) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, run := range []func(context.Context){a.Watch, a.Desk.Run, a.notices.Run, a.Freezes.Run, a.Gateway.Freezing, giveBack} {
		all.Go(func() { run(ctx) })
	}
	all.Wait()
}

// PolicyOptions are what the configuration says about policy.
func PolicyOptions(c *config.Config) policy.Options {
	return policy.Options{Paths: c.Policy.Paths, Families: Families()}
}

// Connect opens every connection of the configuration.
func Connect(c *config.Config) (open []gateway.Connection, err error) {
	for i := range c.Connections {
		conn := &c.Connections[i]
		target, err := connect(conn)
		if err != nil {
			Disconnect(open)
			return nil, fmt.Errorf("the connection %s: %w", conn.Name, err)
		}
		open = append(open, gateway.Connection{
			Connection: policy.Connection{Name: conn.Name, Family: conn.Family, Labels: conn.Labels}, Target: target,
		})
	}
	return open, nil
}

func connect(conn *config.Connection) (tools.Connection, error) {
	families := Families()
	i := slices.IndexFunc(families, func(f tools.Family) bool { return f.Name() == conn.Family })
	if i < 0 {
		return nil, fmt.Errorf("there is no family %q", conn.Family)
	}
	return families[i].Open(conn.ConnectionConfig())
}

// Disconnect closes connections.
func Disconnect(open []gateway.Connection) {
	for _, c := range open {
		_ = c.Target.Close()
	}
}

// Watch follows the policy's files until ctx ends, and records each change.
func (a *App) Watch(ctx context.Context) {
	a.Policy.Watch(ctx, policy.Watching{Report: func(c policy.Change) {
		var body recorder.Body
		if c.Policy != nil {
			a.log.Info("the policy changed", "digest", c.Policy.Digest())
			body = recorder.PolicyLoaded{Digest: c.Policy.Digest(), Paths: a.Config.Policy.Paths}
		} else {
			a.log.Error("the policy changed and can't be used; the last good one stays in force", "error", c.Rejected)
			body = recorder.PolicyRejected{Digest: c.Rejected.Digest, Paths: a.Config.Policy.Paths, Error: c.Rejected.Error()}
		}
		if err := a.Record.Append(ctx, recorder.Event{Body: body}); err != nil {
			a.log.Error("a change of the policy could not be recorded", "error", err)
		}
	}})
}

// Close frees everything.
func (a *App) Close() error {
	Disconnect(a.connections)
	if a.History != nil {
		_ = a.History.Close()
	}
	if a.Record == nil {
		return nil
	}
	if err := a.Record.Close(); err != nil && !errors.Is(err, recorder.ErrClosed) {
		return err
	}
	return nil
}
