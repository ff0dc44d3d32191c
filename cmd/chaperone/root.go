package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/recorder/replay"
)

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// options are the flags that all commands share.
type options struct {
	streams
	config  string
	verbose bool
	json    bool
	// live says that what a call wrote was shown as it came.
	live bool
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// errSilent ends a command with exit code 1 when everything has been said.
var errSilent = errors.New("failed")

// usageError is a mistake in the command line.
type usageError struct{ error }

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, s streams) int {
	o := &options{streams: s}
	root := newRoot(o)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	cmd, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errSilent):
		return exitFailed
	case errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown "):
		_, _ = fmt.Fprintf(s.err, "chaperone: %v; see `%s --help`\n", oneLine(err), cmd.CommandPath())
		return exitUsage
	}
	_, _ = fmt.Fprintf(s.err, "chaperone: %v\n", oneLine(err))
	return exitFailed
}

func oneLine(err error) string {
	return replay.Printable(strings.Join(strings.Fields(err.Error()), " "))
}

const rootLong = `Chaperone is the one door between an AI coding agent and production.

Cursor, or another MCP client, calls Chaperone's tools and holds no credential.
Every call is tied to a verified identity, described as typed facts, judged by
OPA Rego, run with credentials that only Chaperone has, masked, and recorded so
that it can be replayed and proven later.

Start with "chaperone demo", which runs everything on this machine on sample
data. For your own: write a configuration file and a policy, let
"chaperone doctor" look at them, and "chaperone cursor install" tell Cursor.

Calls that a rule holds wait for people, who answer in the console that
"chaperone serve" has, or by "chaperone approvals". Whoever sees something go
wrong stops everything with "chaperone freeze".

Commands exit with 0, with 1 if something was refused or failed, and with 2 for a
mistake in the command line. Errors are one line on standard error. Colour is
for terminals only, and not where NO_COLOR is set.`

func newRoot(o *options) *cobra.Command {
	root := &cobra.Command{
		Use: "chaperone", Short: "The one door between an AI coding agent and production", Long: rootLong,
		Example:      "  chaperone demo\n  chaperone doctor\n  chaperone call sql_read -c shop 'select count(*) from orders'\n  chaperone approvals list\n  chaperone replay",
		SilenceUsage: true, SilenceErrors: true, Version: version(),
		Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("chaperone {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{plainer(err)} })
	flags := root.PersistentFlags()
	flags.StringVar(&o.config, "config", config.DefaultPath(), "configuration `file`")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "say more on standard error")
	root.AddGroup(
		&cobra.Group{ID: "serve", Title: "Serving agents:"},
		&cobra.Group{ID: "use", Title: "Using it from a terminal:"},
		&cobra.Group{ID: "record", Title: "The record:"},
		&cobra.Group{ID: "operate", Title: "Setting up and checking:"},
	)
	root.SetHelpCommandGroupID("operate")
	root.SetCompletionCommandGroupID("operate")
	for group, commands := range map[string][]*cobra.Command{
		"serve":   {newServe(o), newStdio(o), newDemo(o), newCursor(o)},
		"use":     {newCall(o), newApprovals(o), newFreeze(o), newThaw(o)},
		"record":  {newSessions(o), newReplay(o)},
		"operate": {newPolicy(o), newDoctor(o), newToken(o), newVersion(o)},
	} {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Short = "Print the completion of commands for a shell"
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
	checkArgs(root)
	return root
}

// checkArgs makes a wrong number of arguments a mistake in the command line.
func checkArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			switch {
			case err == nil:
				return nil
			case cmd.HasSubCommands():
				return usageError{err}
			}
			return usageError{fmt.Errorf("%d arguments do not fit `%s`", len(args), strings.TrimSuffix(cmd.UseLine(), " [flags]"))}
		}
	}
	for _, sub := range cmd.Commands() {
		checkArgs(sub)
	}
}

// plainer says in words what Go says of a value that can't be read.
func plainer(err error) error {
	text := err.Error()
	for cut, plain := range map[string]string{
		": strconv.": "it must be a number", ": time: ": "it must be a time such as 90m or 24h",
	} {
		if before, _, found := strings.Cut(text, cut); found {
			return fmt.Errorf("%s: %s", before, plain)
		}
	}
	return err
}

// jsonFlag adds --json to a command that prints data.
func (o *options) jsonFlag(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

// logger writes to standard error, more of it with --verbose.
func (o *options) logger() *slog.Logger {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(o.err, &slog.HandlerOptions{Level: level}))
}

// load reads the configuration.
func (o *options) load() (*config.Config, error) { return config.Load(o.config) }

// open reads the configuration and puts a gateway together.
func (o *options) open(ctx context.Context) (*app.App, error) {
	c, err := o.load()
	if err != nil {
		return nil, err
	}
	return app.Open(ctx, c, version(), o.logger())
}
