// Command testcluster is a Kubernetes cluster for this project's tests, in one
// process: the real API server and controllers on an etcd of its own, and one
// node whose kubelet is a stand-in that runs nothing.
//
// It is a module of its own, so that a server's thousand packages are no
// dependencies of Chaperone. Everything listens on 127.0.0.1 or on a unix socket
// in its folder, and it ends when its standard input does: a test that dies takes
// its cluster along.
//
// A pod's annotations choose how it behaves: testcluster/state is pending,
// imagepull, crash or succeed, and otherwise it runs; testcluster/log is its log.
// Commands in a pod are echo, hostname, env, cat, false, and hang, which lasts as
// long as its connection.
//
// .ci/testcluster builds it; package kubectltest starts it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// options are the command line.
type options struct {
	// dir holds the state, the certificates and the kubeconfigs.
	dir string
	// audit and tokens are files, or "" for none.
	audit, tokens string
	// extra are further flags of kube-apiserver.
	extra []string
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "testcluster:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("testcluster", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "`folder` for everything that it keeps; made if need be")
	flags.StringVar(&o.audit, "audit", "", "`file` for the API server's audit log")
	flags.StringVar(&o.tokens, "tokens", "", "`file` of users: lines of token,name,id,\"group,group\"")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.dir == "" {
		fmt.Fprintln(os.Stderr, "testcluster: -dir is missing; name a folder of its own")
		return o, errors.New("no folder")
	}
	var err error
	o.dir, err = filepath.Abs(o.dir)
	o.extra = flags.Args()
	return o, err
}

// run starts the parts in the order in which they need each other, says that
// they are ready, and returns when ctx ends or the API server does. It does not
// wait for clients: they would hold it up with their watches for a minute.
func run(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	keys, err := openAuthority(filepath.Join(o.dir, "pki"))
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	store, err := startEtcd(ctx, o.dir)
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	server, err := startAPIServer(ctx, o, keys, store)
	if err != nil {
		return fmt.Errorf("kube-apiserver: %w", err)
	}
	admin, err := writeKubeconfigs(o.dir, server.url, keys)
	if err != nil {
		return fmt.Errorf("kubeconfigs: %w", err)
	}
	if err := populate(ctx, admin, keys); err != nil {
		return err
	}
	fmt.Printf("READY %s %s\n", server.url, admin)
	select {
	case <-ctx.Done():
		return nil
	case err := <-server.ended:
		return fmt.Errorf("kube-apiserver ended: %w", err)
	}
}
