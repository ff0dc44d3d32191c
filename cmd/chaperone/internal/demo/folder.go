package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"

	"github.com/gofrs/flock"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/cursor"
	"github.com/chaperone-dev/chaperone/examples/demo"
	"github.com/chaperone-dev/chaperone/server/identity"
	"github.com/chaperone-dev/chaperone/tools/sql/pgserver"
)

// Folder is the one folder that holds everything of the demo.
type Folder struct {
	Path string
	// Token is the bearer token of the agent, and Approver that of a person who
	// approves what it may not do alone.
	Token, Approver string
	lock            *flock.Flock
}

// DefaultPath is where the demo lives unless it is told otherwise. As root it
// must be a place that the user who runs PostgreSQL can reach.
func DefaultPath() string {
	if runtime.GOOS != "windows" && os.Geteuid() == 0 {
		return "/var/tmp/chaperone-demo"
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "chaperone-demo"
	}
	return filepath.Join(dir, "chaperone-demo")
}

// marker is a file that shows that a folder is the demo's own.
const marker = "this-is-the-chaperone-demo"

// Open makes the folder, or takes it up again, for this process alone.
func Open(path string) (*Folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, another(path, err)
	}
	if err := claim(path); err != nil {
		return nil, another(path, err)
	}
	f := &Folder{Path: path, lock: flock.New(filepath.Join(path, "lock"))}
	switch free, err := f.lock.TryLock(); {
	case err != nil:
		return nil, another(path, err)
	case !free:
		return nil, fmt.Errorf("a demo runs in %s already; end it, or use another folder by --dir", path)
	}
	return f, nil
}

// another says what to do about a folder that can't be used.
func another(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s belongs to someone else; name another folder by --dir", path)
	}
	return fmt.Errorf("%w; name another folder by --dir", err)
}

// claim marks an empty folder as the demo's, and refuses any other.
func claim(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(path, marker)); err == nil {
		return nil
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s holds something else", path)
	}
	return os.WriteFile(filepath.Join(path, marker), nil, 0o644)
}

// Close lets another process take the folder.
func (f *Folder) Close() error { return f.lock.Unlock() }

// Remove deletes the demo's folder and everything in it, and first ends a
// PostgreSQL that a demo which was killed has left running there.
func Remove(ctx context.Context, path string) error {
	if _, err := os.Stat(filepath.Join(path, marker)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no demo in %s", path)
	}
	f, err := Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := pgserver.StopLeft(ctx, f.postgres()); err != nil {
		return err
	}
	return os.RemoveAll(f.Path)
}

// postgres is the folder of the database server.
func (f *Folder) postgres() string { return filepath.Join(f.Path, "postgres") }

// Config is the path of the configuration.
func (f *Folder) Config() string { return filepath.Join(f.Path, "chaperone.yaml") }

// CursorFile is the path of the mcp.json.
func (f *Folder) CursorFile() string { return filepath.Join(f.Path, ".cursor", "mcp.json") }

// secret returns the text of a file that is kept secret, made the first time.
func (f *Folder) secret(name string, fresh func() string) (string, error) {
	path := filepath.Join(f.Path, name)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		value := fresh()
		return value, os.WriteFile(path, []byte(value), 0o600)
	}
	return strings.TrimSpace(string(text)), err
}

const configTemplate = `# Written by chaperone demo, anew whenever it starts; the policy is yours to change.
data_dir: ./state
policy: {paths: [./policy]}
server: {listen: "{{.Listen}}", url: "http://{{.Listen}}"}
identity:
  tokens:
    - {hash: "{{.Agent}}", subject: "demo agent", groups: [agents]}
    - {hash: "{{.Approver}}", subject: "demo approver", groups: [dba, sre]}
approvals:
  operators: [dba]
connections:
  - name: shop
    family: sql
    labels: {env: demo, team: shop}
    sql:
      dsn: "${file:dsn}"
      search_path: shop
      trusted_functions: [shop.order_total]
{{- with .Kubeconfig}}
  - name: cluster
    family: kubectl
    labels: {env: demo, team: shop}
    kubectl:
      kubeconfig: {{printf "%q" .}}
      namespace: shop
      impersonate: true
{{- end}}
`

// Targets are what the gateway of the demo reaches: a database, and a cluster or
// "" for none.
type Targets struct{ DSN, Kubeconfig string }

// Write writes the configuration, the policy unless it is there already, and
// an mcp.json, for a gateway that listens at an address.
func (f *Folder) Write(to Targets, listen string) error {
	fresh := func() string { token, _ := identity.NewToken(); return token }
	var err error
	if f.Token, err = f.secret("token", fresh); err != nil {
		return err
	}
	if f.Approver, err = f.secret("approver-token", fresh); err != nil {
		return err
	}
	if err := f.writeConfig(to, listen); err != nil {
		return err
	}
	if err := f.writePolicy(); err != nil {
		return err
	}
	if to.Kubeconfig != "" {
		if err := f.writeClusterPolicy(); err != nil {
			return err
		}
	}
	return f.writeCursor("http://" + listen + "/mcp")
}

func (f *Folder) writeConfig(to Targets, listen string) error {
	if err := os.WriteFile(filepath.Join(f.Path, "dsn"), []byte(to.DSN), 0o600); err != nil {
		return err
	}
	var config strings.Builder
	t := template.Must(template.New("").Parse(configTemplate))
	if err := t.Execute(&config, map[string]string{
		"Listen": listen, "Agent": identity.Hash(f.Token), "Approver": identity.Hash(f.Approver), "Kubeconfig": to.Kubeconfig,
	}); err != nil {
		return err
	}
	return os.WriteFile(f.Config(), []byte(config.String()), 0o600)
}

// writePolicy leaves a policy alone that the reader has changed.
func (f *Folder) writePolicy() error {
	dir := filepath.Join(f.Path, "policy")
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	policy, err := fs.Sub(demo.Policy, "policy")
	if err != nil {
		return err
	}
	return os.CopyFS(dir, policy)
}

func (f *Folder) writeCursor(url string) error {
	if err := os.MkdirAll(filepath.Dir(f.CursorFile()), 0o755); err != nil {
		return err
	}
	s := cursor.Server{URL: url, Headers: map[string]string{"Authorization": "Bearer " + f.Token}}
	data, err := json.MarshalIndent(map[string]any{"mcpServers": map[string]any{"chaperone": s}}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(f.CursorFile(), append(data, '\n'), 0o600)
}
