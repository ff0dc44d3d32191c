package kubectltest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chaperone-dev/chaperone/tools/kubectl/kubeserver"
)

// Cluster is a running cluster.
type Cluster struct {
	*kubeserver.Server
	// Powerless is the path of the kubeconfig of a user "powerless", who has a
	// token and no rights.
	Powerless string

	dir, program string
	// never are requests that nobody answers any more: their server was killed.
	never map[string]bool
}

// start starts the program in a folder of its own, and waits until it is ready.
func start(program string) (*Cluster, error) {
	// Short, for it holds unix sockets.
	dir, err := os.MkdirTemp("", "chaperone-k8s")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, program: program}
	c.Powerless = c.file("powerless.kubeconfig")
	err = c.run()
	if err == nil {
		err = c.writePowerless()
	}
	if err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// Again starts a cluster again that was stopped or killed, as it was, and waits
// until it is ready.
func (c *Cluster) Again(tb testing.TB) {
	tb.Helper()
	c.never = unanswered(c.readAudit(tb))
	if err := c.run(); err != nil {
		tb.Fatalf("the test cluster does not start again: %v", err)
	}
}

func (c *Cluster) run() (err error) {
	if err := os.WriteFile(c.file("tokens"), []byte(powerlessToken+",powerless,1,\n"), 0o600); err != nil {
		return err
	}
	c.Server, err = kubeserver.Start(context.Background(), kubeserver.Options{
		Program: c.program, Dir: c.dir, Audit: c.file("audit"), Tokens: c.file("tokens"),
	})
	return err
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
	if c.Server != nil {
		c.Stop()
	}
	_ = os.RemoveAll(c.dir)
}

func (c *Cluster) file(name string) string { return filepath.Join(c.dir, name) }
