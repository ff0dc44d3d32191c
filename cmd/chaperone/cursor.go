package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/cursor"
)

func newCursor(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "cursor", Short: "Connect Cursor: mcp.json, hooks.json, a link", Args: cobra.NoArgs,
		Long: `Tell Cursor about Chaperone: "config" prints the entry of mcp.json, "install" puts
it into the file, and "hooks" keeps the agent's shell from going around it.`,
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
	if e.name == "" || len(e.name) > 40 {
		return cursor.Server{}, usageError{errors.New("--name must have 1 to 40 characters: it stands before every tool's name")}
	}
	if e.url != "" {
		return e.remote()
	}
	program, err := os.Executable()
	if err != nil {
		return cursor.Server{}, err
	}
	config, err := filepath.Abs(o.config)
	return cursor.Stdio(program, config), err
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// remote is the entry for a gateway over HTTP.
func (e *entry) remote() (cursor.Server, error) {
	u, err := url.Parse(e.url)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return cursor.Server{}, usageError{errors.New("--url must be an address such as http://127.0.0.1:7777/mcp")}
	case u.User != nil:
		return cursor.Server{}, usageError{errors.New("--url must not hold a password; the token goes into the environment variable that --token-variable names")}
	case !variableName.MatchString(e.variable):
		return cursor.Server{}, usageError{errors.New("--token-variable must be the name of an environment variable, and not the token")}
	}
	return cursor.Remote(e.url, e.variable), nil
}

func newCursorConfig(o *options) *cobra.Command {
	var e entry
	cmd := &cobra.Command{
		Use: "config", Short: "Print what goes into mcp.json, and a link that puts it there", Args: cobra.NoArgs,
		Long: `Print what goes into Cursor's mcp.json on standard output, and on standard error a
link that puts it there when it is opened.

Without --url Cursor starts "chaperone stdio" itself, with this program and this
configuration. With --url it calls a gateway over HTTP; the token stays in an
environment variable and out of the file.`,
		Example: `  chaperone cursor config
  chaperone cursor config --url https://chaperone.example.com/mcp > .cursor/mcp.json`,
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
	} else if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("there is no folder %s; name the project by --project", dir)
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
		Example: `  chaperone cursor install
  chaperone cursor install --global --url https://chaperone.example.com/mcp`,
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

// guarded adds the flag that says which families' programs a hook sends back.
func guarded(cmd *cobra.Command, families *[]string) {
	cmd.Flags().StringSliceVar(families, "families", nil,
		"`families` whose programs are sent back, of "+strings.Join(cursor.GuardedFamilies(), ", ")+"; all without it")
}

// knownFamilies refuses a family that no hook knows: it would guard nothing.
func knownFamilies(families []string) error {
	for _, f := range families {
		if !slices.Contains(cursor.GuardedFamilies(), f) {
			return usageError{fmt.Errorf("--families: there is no family %q; there are %s", f, strings.Join(cursor.GuardedFamilies(), ", "))}
		}
	}
	return nil
}

func newCursorHooks(o *options) *cobra.Command {
	var where place
	var families []string
	cmd := &cobra.Command{
		Use: "hooks", Short: "Put a hook into Cursor that keeps the agent's shell on the path", Args: cobra.NoArgs,
		Long: `Put a beforeShellExecution hook into .cursor/hooks.json that sends these programs
back to Chaperone's tools:

` + wrapped(cursor.Programs()) + `

Where Chaperone has no tool for one, the agent is told to ask the person it works
for; --families narrows what is sent back. Hooks that are there already stay.

If the hook can't run, the command is refused. The hook keeps an agent on the
path; one that hides what it does gets around any hook. What stops that one is
that the machine holds no credential.`,
		Example: "  chaperone cursor hooks\n  chaperone cursor hooks --global --families sql,kubectl",
		RunE: func(*cobra.Command, []string) error {
			if err := knownFamilies(families); err != nil {
				return err
			}
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
			command := `"` + program + `" cursor guard`
			if len(families) > 0 {
				command += " --families " + strings.Join(families, ",")
			}
			changed, err := cursor.InstallHook(path, command)
			if err != nil {
				return err
			}
			return o.said(path, changed, "Cursor takes it up at once.")
		},
	}
	where.add(cmd)
	guarded(cmd, &families)
	return cmd
}

// wrapped lists words in indented lines.
func wrapped(words []string) string {
	lines, line := []string{}, " "
	for i, word := range words {
		if i < len(words)-1 {
			word += ","
		}
		if len(line)+1+len(word) > 78 {
			lines, line = append(lines, line), " "
		}
		line += " " + word
	}
	return strings.Join(append(lines, line), "\n")
}

func newCursorGuard(o *options) *cobra.Command {
	var families []string
	cmd := &cobra.Command{
		Use: "guard", Short: "Answer Cursor's hook (Cursor runs this)", Args: cobra.NoArgs, Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			if err := knownFamilies(families); err != nil {
				return err
			}
			return cursor.Guard{Families: families, Tools: toolNames()}.Answer(o.in, o.out)
		},
	}
	guarded(cmd, &families)
	return cmd
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
