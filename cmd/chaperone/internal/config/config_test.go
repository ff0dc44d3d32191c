package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "chaperone.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const whole = `data_dir: state
policy:
  paths: [policy, /etc/rules]
server:
  listen: 127.0.0.1:9999
  tls: {cert: c.pem, key: k.pem}
identity:
  tokens:
    - hash: sha256:00
      subject: mira
      groups: [dev, "on call"]
connections:
  - name: shop
    family: sql
    labels: {env: prod}
    sql:
      dsn: postgres://app:${env:SHOP_PASSWORD}@db/shop
      rows: 50
      timeout: 5s
`

// section is what a family might read.
type section struct {
	DSN     string        `yaml:"dsn"`
	Rows    int           `yaml:"rows"`
	Timeout time.Duration `yaml:"timeout"`
}

func TestLoad(t *testing.T) {
	t.Setenv("SHOP_PASSWORD", "hunter2: #{}")
	path := write(t, whole)
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	for got, want := range map[string]string{
		c.DataDir: filepath.Join(dir, "state"), c.Policy.Paths[0]: filepath.Join(dir, "policy"), c.Policy.Paths[1]: "/etc/rules",
		c.Server.TLS.Key: filepath.Join(dir, "k.pem"), c.Server.Listen: "127.0.0.1:9999",
		c.Connections[0].ConnectionConfig().Path("c/k.yaml"): filepath.Join(dir, "c", "k.yaml"), c.Connections[0].ConnectionConfig().Path("/k.yaml"): "/k.yaml",
		c.Identity.Tokens[0].Groups[1]: "on call", c.Connections[0].Labels["env"]: "prod",
	} {
		if got != want {
			t.Errorf("%q is not %q", got, want)
		}
	}
	var s section
	if err := c.Connections[0].ConnectionConfig().Decode(&s); err != nil {
		t.Fatal(err)
	}
	if want := (section{"postgres://app:hunter2: #{}@db/shop", 50, 5 * time.Second}); s != want {
		t.Errorf("the section is %+v", s)
	}
	if !strings.HasPrefix(c.Digest, "sha256:") || !c.Connections[0].ConnectionConfig().Production() {
		t.Errorf("the digest is %q", c.Digest)
	}
}

func TestLoadFillsInDefaults(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	c, err := config.Load(write(t, "policy: {paths: [p]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.Listen != config.DefaultListen || c.DataDir != filepath.Join(os.Getenv("XDG_STATE_HOME"), "chaperone") {
		t.Errorf("%+v", c)
	}
}

// TestLoadRefuses reads files that are wrong. Each error is one line that names
// the file, the line where there is one, and what is wrong.
func TestLoadRefuses(t *testing.T) {
	const head = "policy: {paths: [p]}\n"
	for text, want := range map[string]string{
		"":                                "empty",
		"[]":                              "",
		"policy: [":                       ":1:",
		head + "---\n" + head:             "2 documents",
		"data_dir: x":                     "policy.paths is missing",
		head + "polices: {}":              `:2: unknown field "polices"`,
		head + "server: {port: 1}":        `:2: unknown field "port"`,
		head + "data_dir: a\ndata_dir: b": ":3:",
		head + "server: {tls: {cert: c}}": "server.tls needs both",
		head + "connections: [{name: a b, family: sql, sql: {}}]":                                   "connections[0].name must be",
		head + "connections: [{name: a, family: sql}]":                                              `no section "sql"`,
		head + "connections: [{name: a, family: sql, kubernetes: {}}]":                              `unknown field "kubernetes"`,
		head + "connections: [7]":                                                                   "must be a mapping",
		head + "connections:\n- {name: a, family: sql, sql: {}}\n- {name: a, family: sql, sql: {}}": `two connections named "a"`,
		head + "data_dir: ${env:CHAPERONE_IS_NOT_SET}":                                              ":2: the environment variable CHAPERONE_IS_NOT_SET is not set",
		head + "data_dir: ${file:not-there}":                                                        ":2: the secret can't be read",
		head + "server: {listen: [a]}":                                                              ":2: listen: this must be text, and is a list",
		head + "server: {listen: 5}":                                                                "server.listen must be",
		head + "server: {url: not a url}":                                                           "server.url must be",
		head + "connections: {a: b}":                                                                ":2: connections: this must be a list, and is a mapping",
		head + "connections:\n\t- name: x":                                                          ":3: a tab",
		head + "connections: [{name: a, sql: {}}]":                                                  "does not say its family",
		head + "server: 7":                                                                          ":2:",
		head + "approvals: {open: -1}":                                                              "approvals.open is -1; it must be more than zero",
		head + "connections: [{name: a, family: sql, labels: [1], sql: {}}]":                        ":2:",
	} {
		path := write(t, text)
		_, err := config.Load(path)
		if err == nil {
			t.Errorf("%q is taken", text)
			continue
		}
		if !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, config.ErrNone) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestErrorsKeepSecrets sees to it that an error in a line with a secret does
// not show it.
func TestErrorsKeepSecrets(t *testing.T) {
	t.Setenv("SECRET", "hunter2")
	path := write(t, "policy: {paths: [p]}\nconnections:\n- name: a\n  family: sql\n  sql:\n    dsn: plain-secret-${env:SECRET}\n    rows: plain-secret-${env:SECRET}\n    timeot: 1s\n")
	c, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var s section
	err = c.Connections[0].ConnectionConfig().Decode(&s)
	if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "plain-secret") || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
}

func TestSecretFile(t *testing.T) {
	path := write(t, "policy: {paths: [p]}\ndata_dir: ${file:secret}\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "secret"), []byte("/var/x\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path)
	if err != nil || c.DataDir != "/var/x" {
		t.Errorf("%+v, %v", c, err)
	}
}

// FuzzLoad holds that no file makes the program panic, and that an error is one
// line that names the file.
func FuzzLoad(f *testing.F) {
	f.Add(whole)
	f.Add("a: &a [*a]")
	f.Add("policy: {paths: [p]}\nconnections: [{<<: {name: x}}]")
	f.Add("? - x\n: y")
	f.Fuzz(func(t *testing.T, text string) {
		path := write(t, text)
		c, err := config.Load(path)
		if err != nil {
			if !strings.Contains(err.Error(), path) || strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("%v", err)
			}
			return
		}
		for i := range c.Connections {
			var s section
			_ = c.Connections[i].ConnectionConfig().Decode(&s)
		}
	})
}
