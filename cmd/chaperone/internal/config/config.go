// Package config reads the configuration file. It is the only importer of the
// YAML library: each family gets its section decoded into a struct of its own.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/identity"
	"github.com/chaperone-dev/chaperone/tools"
)

// Config is the configuration file.
type Config struct {
	// DataDir holds the record and the keys.
	DataDir     string       `yaml:"data_dir"`
	Policy      Policy       `yaml:"policy"`
	Server      Server       `yaml:"server"`
	Identity    Identity     `yaml:"identity"`
	Approvals   Approvals    `yaml:"approvals"`
	Connections []Connection `yaml:"connections"`

	// Path is the file itself, and Digest the SHA-256 of it as it was read,
	// secrets not filled in.
	Path   string `yaml:"-"`
	Digest string `yaml:"-"`
}

// Policy says where the rules are.
type Policy struct {
	Paths []string `yaml:"paths"`
}

// Server says how HTTP is served.
type Server struct {
	// Listen is an address and port; "" stands for 127.0.0.1:7777.
	Listen string `yaml:"listen"`
	// URL is how clients reach the server where that is not Listen itself.
	URL string `yaml:"url"`
	TLS TLS    `yaml:"tls"`
}

// TLS names the certificate and its key.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Identity says who may call over HTTP.
type Identity struct {
	Tokens []identity.TokenConfig `yaml:"tokens"`
}

// Approvals says how calls wait for people.
type Approvals struct {
	// Hold is how long a call waits before it is answered; 0 stands for 45 s.
	Hold time.Duration `yaml:"hold"`
	// Confirm is how long the person at the client has to answer a question; 0
	// stands for 30 s.
	Confirm time.Duration `yaml:"confirm"`
	// Expires is how long a request waits where its rules do not say; 0 stands
	// for half an hour.
	Expires time.Duration `yaml:"expires"`
	// Open is how many requests one principal may have open at a time; 0 stands
	// for 50.
	Open int `yaml:"open"`
	// Operators are the groups whose members may stop calls, freeze and thaw on
	// the console; none lets nobody.
	Operators []string `yaml:"operators"`
	// Approvers answer by a key of their own, on a terminal.
	Approvers []Approver `yaml:"approvers"`
	// Notify tells people of requests.
	Notify []Notify `yaml:"notify"`
}

// Approver is a person who answers by a key that "chaperone approvals enroll"
// made.
type Approver struct {
	Key     string   `yaml:"key"`
	Subject string   `yaml:"subject"`
	Name    string   `yaml:"name"`
	Email   string   `yaml:"email"`
	Groups  []string `yaml:"groups"`
}

// Notify is where people are told: a webhook, or Slack.
type Notify struct {
	Name string `yaml:"name"`
	// Webhook gets JSON that is signed with Secret.
	Webhook string `yaml:"webhook"`
	Secret  string `yaml:"secret"`
	// Slack is the address of an incoming webhook of Slack's.
	Slack string `yaml:"slack"`
}

// Connection is a target.
type Connection struct {
	Name   string
	Family string
	Labels map[string]string
	// section is the part that belongs to the family.
	section ast.Node
	file    *file
}

// DefaultListen is where HTTP is served unless the file says otherwise.
const DefaultListen = "127.0.0.1:7777"

// ErrNone is the error for a configuration file that does not exist.
var ErrNone = errors.New("there is no configuration file")

// Load reads and checks the file at path. Relative paths in it start from its
// folder. The error names file, line and what to do, and quotes no value.
func Load(path string) (*Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w at %s; write one, or name another with --config", ErrNone, path)
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration can't be read: %w", err)
	}
	sum := sha256.Sum256(text)
	c := &Config{Path: path, Digest: "sha256:" + hex.EncodeToString(sum[:])}
	f := &file{path: path}
	if err := f.decode(text, c); err != nil {
		return nil, err
	}
	for i := range c.Connections {
		c.Connections[i].file = f
	}
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// complete fills in defaults, makes paths absolute, and checks what can be
// checked without the families.
func (c *Config) complete() error {
	if c.Server.Listen == "" {
		c.Server.Listen = DefaultListen
	}
	if c.DataDir == "" {
		c.DataDir = DefaultDataDir()
	}
	dir, err := filepath.Abs(filepath.Dir(c.Path))
	if err != nil {
		return err
	}
	absolute := func(p *string) {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	for _, p := range []*string{&c.DataDir, &c.Server.TLS.Cert, &c.Server.TLS.Key} {
		absolute(p)
	}
	for i := range c.Policy.Paths {
		absolute(&c.Policy.Paths[i])
	}
	return c.check()
}

func (c *Config) check() error {
	if len(c.Policy.Paths) == 0 {
		return errors.New("policy.paths is missing: it names the folders of your .rego files, and without a policy nothing is allowed")
	}
	if err := c.Server.check(); err != nil {
		return err
	}
	if err := c.Approvals.check(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, conn := range c.Connections {
		switch {
		case !name.MatchString(conn.Name):
			return fmt.Errorf("connections[%d].name must be 1 to 63 letters, digits, - and _", i)
		case seen[conn.Name]:
			return fmt.Errorf("there are two connections named %q", conn.Name)
		case conn.section == nil:
			return fmt.Errorf("the connection %s has no section %q", conn.Name, conn.Family)
		}
		seen[conn.Name] = true
	}
	return nil
}

func validKey(text string) bool {
	_, ok := approval.ParseKey(text)
	return ok
}

// maxHold is longer than any client is known to wait.
const maxHold = 10 * time.Minute

func (a *Approvals) check() error {
	if a.Hold < 0 || a.Hold > maxHold {
		return fmt.Errorf("approvals.hold is %s; it must be at most %s", a.Hold, maxHold)
	}
	if a.Confirm < 0 || a.Confirm > maxHold {
		return fmt.Errorf("approvals.confirm is %s; it must be at most %s", a.Confirm, maxHold)
	}
	if a.Expires < 0 {
		return fmt.Errorf("approvals.expires is %s; it must be more than zero", a.Expires)
	}
	if a.Open < 0 {
		return fmt.Errorf("approvals.open is %d; it must be more than zero", a.Open)
	}
	seen := map[string]bool{}
	for i, p := range a.Approvers {
		switch {
		case p.Key == "" || p.Subject == "" || len(p.Groups) == 0:
			return fmt.Errorf("approvals.approvers[%d] needs key, subject and groups; `chaperone approvals enroll` prints them", i)
		case !validKey(p.Key):
			return fmt.Errorf("approvals.approvers[%d].key is not a public key as `chaperone approvals enroll` prints it", i)
		case seen[p.Key]:
			return fmt.Errorf("approvals.approvers[%d] has the same key as another", i)
		}
		seen[p.Key] = true
	}
	named := map[string]bool{}
	for i, n := range a.Notify {
		if err := n.check(); err != nil {
			return fmt.Errorf("approvals.notify[%d]: %w", i, err)
		}
		if named[n.Name] {
			return fmt.Errorf("there are two of approvals.notify named %q", n.Name)
		}
		named[n.Name] = true
	}
	return nil
}

func (n *Notify) check() error {
	address := n.Webhook + n.Slack
	u, err := url.Parse(address)
	switch {
	case !name.MatchString(n.Name):
		return errors.New("name must be 1 to 63 letters, digits, - and _")
	case (n.Webhook == "") == (n.Slack == ""):
		return errors.New("it needs either webhook or slack")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("its address must be one such as https://example.com/hook")
	case n.Webhook != "" && n.Secret == "":
		return errors.New("a webhook needs a secret, by which the receiver knows that we sent it")
	}
	return nil
}

func (s *Server) check() error {
	_, port, err := net.SplitHostPort(s.Listen)
	if _, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil {
		return fmt.Errorf("server.listen must be an address and a port, such as %s", DefaultListen)
	}
	if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("server.url must be an address such as https://chaperone.example.com")
	}
	if (s.TLS.Cert == "") != (s.TLS.Key == "") {
		return errors.New("server.tls needs both cert and key")
	}
	return nil
}

// ConnectionConfig is the connection in the words of package tools.
func (c *Connection) ConnectionConfig() tools.ConnectionConfig {
	return tools.ConnectionConfig{
		Name: c.Name, Labels: c.Labels, Dir: filepath.Dir(c.file.path),
		Decode: func(into any) error { return c.file.explain(yaml.NodeToValue(c.section, into, strict...)) },
	}
}

// DefaultPath is where the configuration file is looked for.
func DefaultPath() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "chaperone.yaml"
	}
	return filepath.Join(dir, "chaperone", "chaperone.yaml")
}

// DefaultDataDir is where the record is kept (XDG Base Directory Specification).
func DefaultDataDir() string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "chaperone")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "chaperone-state"
	}
	return filepath.Join(home, ".local", "state", "chaperone")
}
