package main

import (
	"context"
	"fmt"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// populate brings an API server to life: who may impersonate, a node, and the
// controllers that make pods out of deployments.
func populate(ctx context.Context, kubeconfig string, keys *authority) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	// A client of one's own is held back for no reason.
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	if err := grantImpersonation(ctx, client); err != nil {
		return fmt.Errorf("the right to impersonate: %w", err)
	}
	port, err := startKubelet(client, keys)
	if err != nil {
		return fmt.Errorf("kubelet: %w", err)
	}
	if err := registerNode(ctx, client, port); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if err := watchPods(ctx, client); err != nil {
		return fmt.Errorf("pods: %w", err)
	}
	startControllers(ctx, kubeconfig, keys)
	return nil
}
