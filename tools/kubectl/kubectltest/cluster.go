package kubectltest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Cluster is a running cluster.
type Cluster struct {
	// URL of the API server, on 127.0.0.1.
	URL string
	// Kubeconfig is the path of the administrator's kubeconfig.
	Kubeconfig string
	// Impersonator is the path of the kubeconfig of a user "chaperone", whose one
	// right is to impersonate users and groups.
	Impersonator string
	// Powerless is the path of the kubeconfig of a user "powerless", who has a
	// token and no rights.
	Powerless string

	dir     string
	command *exec.Cmd
	// stdin is what the cluster lives by: it ends with this process, however
	// that ends.
	stdin io.Closer
}

// start starts the program in a folder of its own, and waits until it is ready.
func start(program string) (*Cluster, error) {
	// Short, for it holds unix sockets.
	dir, err := os.MkdirTemp("", "chaperone-k8s")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir}
	c.Impersonator, c.Powerless = c.file("impersonator.kubeconfig"), c.file("powerless.kubeconfig")
	if err := errors.Join(c.run(program), c.writePowerless()); err != nil {
		said, _ := os.ReadFile(c.file("log"))
		c.stop()
		return nil, fmt.Errorf("%w; it said:\n%s", err, said[max(0, len(said)-2000):])
	}
	return c, nil
}

func (c *Cluster) run(program string) error {
	if err := os.WriteFile(c.file("tokens"), []byte(powerlessToken+",powerless,1,\n"), 0o600); err != nil {
		return err
	}
	log, err := os.Create(c.file("log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	command := exec.Command(program, "-dir", c.dir, "-audit", c.file("audit"), "-tokens", c.file("tokens"))
	command.Stderr = log
	if c.stdin, err = command.StdinPipe(); err != nil {
		return err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	c.command = command
	return c.waitReady(out)
}

// waitReady waits for the line that says so, or for the end of the program.
func (c *Cluster) waitReady(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 3 && words[0] == "READY" {
			c.URL, c.Kubeconfig = words[1], words[2]
			return nil
		}
	}
	return errors.Join(errors.New("it ended before it was ready"), lines.Err())
}

// powerlessToken is worth nothing outside of a cluster of tests.
const powerlessToken = "powerless-token"

func (c *Cluster) writePowerless() error {
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: testcluster, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: powerless, user: {token: %s}}]
contexts: [{name: testcluster, context: {cluster: testcluster, user: powerless, namespace: default}}]
current-context: testcluster
`, c.URL, c.file("pki/ca.crt"), powerlessToken)
	return os.WriteFile(c.Powerless, []byte(text), 0o600)
}

// stop ends the program as the end of this process would.
func (c *Cluster) stop() {
	if c.command != nil {
		_ = c.stdin.Close()
		_ = c.command.Wait()
	}
	_ = os.RemoveAll(c.dir)
}

func (c *Cluster) file(name string) string { return filepath.Join(c.dir, name) }
