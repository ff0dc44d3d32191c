package demo

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/chaperone-dev/chaperone/examples/demo"
	"github.com/chaperone-dev/chaperone/tools/kubectl/kubeserver"
)

// Cluster is the demo's Kubernetes cluster.
type Cluster struct{ *kubeserver.Server }

// Cluster starts a Kubernetes cluster in the folder, by the program that
// .ci/testcluster builds, with the sample shop in it. Unlike the database it
// begins anew each time.
func (f *Folder) Cluster(ctx context.Context, program string, progress func(string)) (*Cluster, error) {
	dir := filepath.Join(f.Path, "kubernetes")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	progress("starting a Kubernetes cluster")
	server, err := kubeserver.Start(ctx, kubeserver.Options{Program: program, Dir: dir})
	if err != nil {
		return nil, err
	}
	progress("filling the sample shop of the cluster")
	// As what came by kubectl apply, so that agents can go on with it.
	if err := server.Apply(ctx, "kubectl", demo.Cluster); err != nil {
		server.Stop()
		return nil, err
	}
	return &Cluster{server}, nil
}

// loud is what somebody wants of the deployment api who looks for a mistake.
const loud = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec: {template: {spec: {containers: [{name: api, env: [{name: LOG_LEVEL, value: debug}]}]}}}
`

// ChangeAPI changes the deployment api as somebody does who does not come through
// the gateway.
func (c *Cluster) ChangeAPI(ctx context.Context) error { return c.Apply(ctx, "colleague", loud) }

// writeClusterPolicy adds to a policy what it says of the cluster, unless that is
// there already.
func (f *Folder) writeClusterPolicy() error {
	path := filepath.Join(f.Path, "policy", "cluster.rego")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, demo.ClusterPolicy, 0o644)
}
