package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/cursor"
)

func newCursor(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "cursor", Short: "Connect Cursor: mcp.json, hooks.json, a link", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCursorConfig(o), newCursorInstall(o), newCursorHooks(o), newCursorGuard(o))
	return cmd
}

// entry are the flags that say how Cursor reaches the gateway.
type entry struct {
	name, url, variable string
}

func (e *entry) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&e.name, "name", "chaperone", "`name` of the server in Cursor")
	flags.StringVar(&e.url, "url", "", "`address` of a gateway that serves HTTP, such as http://127.0.0.1:7777/mcp; without it Cursor starts its own")
	flags.StringVar(&e.variable, "token-variable", "CHAPERONE_TOKEN", "environment `variable` that holds the bearer token for --url")
}

// server is the entry. Paths in it are absolute.
func (e *entry) server(o *options) (cursor.Server, error) {
	if e.url != "" {
		return cursor.Remote(e.url, e.variable), nil
	}
	program, err := os.Executable()
	if err != nil {
		return cursor.Server{}, err
	}
	config, err := filepath.Abs(o.config)
	return cursor.Stdio(program, config), err
}

func newCursorConfig(o *options) *cobra.Command {
	var e entry
	cmd := &cobra.Command{
		Use: "config", Short: "Print what goes into mcp.json, and a link that puts it there", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := e.server(o)
			if err != nil {
				return err
			}
			if _, err := o.out.Write(cursor.File(e.name, s)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(o.err, "\nOr open this link:\n%s\n", cursor.DeepLink(e.name, s))
			return err
		},
	}
	e.add(cmd)
	return cmd
}

// place are the flags that say which of Cursor's folders is meant.
type place struct {
	project string
	global  bool
}

func (p *place) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.project, "project", ".", "`folder` of the project")
	cmd.Flags().BoolVar(&p.global, "global", false, "for all projects, in ~/.cursor")
}

func (p *place) file(name string) (string, error) {
	dir := p.project
	if p.global {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		dir = home
	}
	return filepath.Join(dir, ".cursor", name), nil
}

func newCursorInstall(o *options) *cobra.Command {
	var e entry
	var where place
	cmd := &cobra.Command{
		Use: "install", Short: "Put Chaperone into Cursor's mcp.json", Args: cobra.NoArgs,
		Long: `Put Chaperone into .cursor/mcp.json of a project, or of all projects. What else is
in the file stays as it is, comments too. Repeating it changes nothing.`,
		RunE: func(*cobra.Command, []string) error {
			s, err := e.server(o)
			if err != nil {
				return err
			}
			path, err := where.file("mcp.json")
			if err != nil {
				return err
			}
			changed, err := cursor.Install(path, e.name, s)
			if err != nil {
				return err
			}
			return o.said(path, changed, "Reload Cursor, and look for "+e.name+" under Settings, MCP.")
		},
	}
	e.add(cmd)
	where.add(cmd)
	return cmd
}

func newCursorHooks(o *options) *cobra.Command {
	var where place
	cmd := &cobra.Command{
		Use: "hooks", Short: "Put a hook into Cursor that keeps the agent's shell off the databases", Args: cobra.NoArgs,
		Long: `Put a beforeShellExecution hook into .cursor/hooks.json that sends these programs
back to Chaperone's tools: ` + strings.Join(cursor.Programs(), ", ") + `.

If the hook can't run, the command is refused. The hook keeps an agent on the
path; one that hides what it does gets around any hook. What stops that one is
that the machine holds no credential.`,
		RunE: func(*cobra.Command, []string) error {
			program, err := os.Executable()
			if err != nil {
				return err
			}
			if strings.ContainsAny(program, "\"`$\n") {
				return errors.New("the path of this program has characters that a shell would not take literally; move it")
			}
			path, err := where.file("hooks.json")
			if err != nil {
				return err
			}
			changed, err := cursor.InstallHook(path, `"`+program+`" cursor guard`)
			if err != nil {
				return err
			}
			return o.said(path, changed, "Cursor takes it up at once.")
		},
	}
	where.add(cmd)
	return cmd
}

func newCursorGuard(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "guard", Short: "Answer Cursor's hook (Cursor runs this)", Args: cobra.NoArgs, Hidden: true,
		RunE: func(*cobra.Command, []string) error { return cursor.Guard(o.in, o.out) },
	}
}

// said tells what became of a file.
func (o *options) said(path string, changed bool, next string) error {
	if !changed {
		_, err := fmt.Fprintf(o.out, "%s has it already; nothing changed.\n", path)
		return err
	}
	_, err := fmt.Fprintf(o.out, "%s was changed. %s\n", path, next)
	return err
}
