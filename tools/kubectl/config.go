package kubectl

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/chaperone-dev/chaperone/tools"
)

// Config is the kubectl section of a connection.
type Config struct {
	// Kubeconfig is the path of a kubeconfig file, relative to the configuration
	// file, and Context one of its contexts; "" stands for the file's own current one.
	Kubeconfig string `yaml:"kubeconfig"`
	Context    string `yaml:"context"`
	// InCluster takes the service account of the pod that we run in.
	InCluster bool `yaml:"in_cluster"`
	// GKE is a cluster of Google's, in place of the above.
	GKE *GKE `yaml:"gke"`
	// ExecPlugin is the one program that the kubeconfig may run to get
	// credentials, as its command stands there; "" allows none.
	ExecPlugin string `yaml:"exec_plugin"`
	// Namespace is the one that commands work in that name none; "" stands
	// for the first of Namespaces, or "default".
	Namespace string `yaml:"namespace"`
	// Namespaces bounds what the connection reaches; empty does not. What is in
	// no namespace is out of reach then, but may be read where ClusterScoped says
	// so.
	Namespaces    []string `yaml:"namespaces"`
	ClusterScoped bool     `yaml:"cluster_scoped"`
	// Impersonate sends the caller as the user, and its groups, so that the
	// cluster's own rights and audit log are the caller's.
	Impersonate bool `yaml:"impersonate"`
	// Bytes and Timeout bound every call; 0 stands for 1 MB and 30 s. Policy
	// can only tighten them.
	Bytes   int           `yaml:"bytes"`
	Timeout time.Duration `yaml:"timeout"`
}

const (
	maxBytes   = 10 << 20
	maxTimeout = 10 * time.Minute
)

func (c *Config) limits() tools.Limits {
	l := tools.Limits{Bytes: c.Bytes, Timeout: c.Timeout}
	if l.Bytes == 0 {
		l.Bytes = 1 << 20
	}
	if l.Timeout == 0 {
		l.Timeout = 30 * time.Second
	}
	return l
}

func (c *Config) namespace() string {
	switch {
	case c.Namespace != "":
		return c.Namespace
	case len(c.Namespaces) > 0:
		return c.Namespaces[0]
	}
	return "default"
}

// absolute has paths start where the configuration file is.
func (c *Config) absolute(of tools.ConnectionConfig) {
	c.Kubeconfig = of.Path(c.Kubeconfig)
	if c.GKE != nil {
		c.GKE.CAFile, c.GKE.CredentialsFile = of.Path(c.GKE.CAFile), of.Path(c.GKE.CredentialsFile)
	}
}

// check refuses what can't work.
func (c *Config) check() error {
	switch {
	case c.GKE != nil && (c.InCluster || c.Kubeconfig != "" || c.Context != "" || c.ExecPlugin != ""):
		return errors.New("kubectl.gke stands alone: leave kubeconfig, context, exec_plugin and in_cluster out")
	case c.InCluster && (c.Kubeconfig != "" || c.Context != ""):
		return errors.New("kubectl.in_cluster and kubectl.kubeconfig exclude each other")
	case c.GKE == nil && !c.InCluster && c.Kubeconfig == "":
		return errors.New("kubectl.kubeconfig is missing; name the file, or set kubectl.in_cluster or kubectl.gke")
	case c.ClusterScoped && len(c.Namespaces) == 0:
		return errors.New("kubectl.cluster_scoped has nothing to add where kubectl.namespaces bounds nothing")
	case c.Bytes < 0 || c.Bytes > maxBytes:
		return fmt.Errorf("kubectl.bytes is %d; it must be from 1 to %d", c.Bytes, maxBytes)
	case c.Timeout < 0 || c.Timeout > maxTimeout:
		return fmt.Errorf("kubectl.timeout is %s; it must be at most %s", c.Timeout, maxTimeout)
	}
	for _, name := range append([]string{c.namespace()}, c.Namespaces...) {
		if len(validation.IsDNS1123Label(name)) > 0 {
			return fmt.Errorf("kubectl.namespaces: %q is no name of a namespace", name)
		}
	}
	if c.GKE != nil {
		return c.GKE.check()
	}
	return nil
}

// finder says how to reach the server, each time anew, so that another address or
// credential is taken up. What is wrong with a file is said at once.
func (c *Config) finder() (func(context.Context) (*rest.Config, error), error) {
	if c.GKE != nil {
		api := newGKEAPI(c.GKE.CredentialsFile)
		return func(ctx context.Context) (*rest.Config, error) { return api.rest(ctx, c.GKE) }, nil
	}
	_, err := c.rest()
	return func(context.Context) (*rest.Config, error) { return c.rest() }, err
}

// rest is how to reach the server that a file names. What a kubeconfig would run
// is refused unless the configuration names it. Without TLS nothing secret of it
// is used: client-go leaves that out.
func (c *Config) rest() (*rest.Config, error) {
	if c.InCluster {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("kubectl.in_cluster: %w", err)
		}
		return config, nil
	}
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: c.Kubeconfig}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.Context})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubectl.kubeconfig: %w", err)
	}
	switch {
	case config.AuthProvider != nil:
		return nil, fmt.Errorf("kubectl.kubeconfig: the auth provider %q is not supported; use a token, a certificate, an exec plugin or kubectl.gke", config.AuthProvider.Name)
	case config.ExecProvider != nil && (c.ExecPlugin == "" || config.ExecProvider.Command != c.ExecPlugin || !filepath.IsAbs(c.ExecPlugin)):
		return nil, fmt.Errorf("kubectl.kubeconfig: it would run %q to get credentials; allow that by its absolute path in kubectl.exec_plugin", config.ExecProvider.Command)
	}
	return config, nil
}
