package kubectl

import (
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// access is what kubectl has instead of a kubeconfig: the wire, and a namespace.
type access struct {
	wire    *wire
	command command
	stderr  io.Writer
}

func (w *wire) factory(c command, stderr io.Writer) cmdutil.Factory {
	return cmdutil.NewFactory(cmdutil.NewMatchVersionFlags(&access{w, c, stderr}))
}

// ToRESTConfig implements genericclioptions.RESTClientGetter.
func (a *access) ToRESTConfig() (*rest.Config, error) {
	config := a.wire.cluster.clientConfig(a.wire)
	config.WarningHandler = rest.NewWarningWriter(a.stderr, rest.WarningWriterOptions{Deduplicate: true})
	return config, nil
}

// ToDiscoveryClient implements genericclioptions.RESTClientGetter.
func (a *access) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return ownDiscovery{a.wire.cluster.discovery, a.wire}, nil
}

// ToRESTMapper implements genericclioptions.RESTClientGetter.
func (a *access) ToRESTMapper() (meta.RESTMapper, error) {
	names := ownMapper{a.wire.cluster.mapper, a.wire}
	return restmapper.NewShortcutExpander(names, ownDiscovery{a.wire.cluster.discovery, a.wire}, func(text string) {
		_, _ = fmt.Fprint(a.stderr, text)
	}), nil
}

// ToRawKubeConfigLoader implements genericclioptions.RESTClientGetter.
func (a *access) ToRawKubeConfigLoader() clientcmd.ClientConfig { return a }

// RawConfig implements clientcmd.ClientConfig. It is empty.
func (a *access) RawConfig() (clientcmdapi.Config, error) { return *clientcmdapi.NewConfig(), nil }

// ClientConfig implements clientcmd.ClientConfig.
func (a *access) ClientConfig() (*rest.Config, error) { return a.ToRESTConfig() }

// Namespace implements clientcmd.ClientConfig.
func (a *access) Namespace() (namespace string, overridden bool, err error) {
	return a.command.namespace, a.command.has("namespace"), nil
}

// ConfigAccess implements clientcmd.ClientConfig.
func (a *access) ConfigAccess() clientcmd.ConfigAccess {
	return clientcmd.NewDefaultClientConfigLoadingRules()
}

// nowhere is what kubectl has while a command line is read.
type nowhere struct{}

func (nowhere) ToRESTConfig() (*rest.Config, error) { return nil, errNowhere }
func (nowhere) ToDiscoveryClient() (discovery.CachedDiscoveryInterface, error) {
	return nil, errNowhere
}
func (nowhere) ToRESTMapper() (meta.RESTMapper, error) { return nil, errNowhere }
func (nowhere) ToRawKubeConfigLoader() clientcmd.ClientConfig {
	return clientcmd.NewDefaultClientConfig(*clientcmdapi.NewConfig(), &clientcmd.ConfigOverrides{})
}
