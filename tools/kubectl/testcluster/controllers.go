package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

// controllerNames are those that tests see the work of. Clouds, disks and
// networks have no controllers here.
var controllerNames = []string{
	"deployment-controller", "replicaset-controller", "statefulset-controller", "daemonset-controller",
	"job-controller", "cronjob-controller", "disruption-controller", "resourcequota-controller",
	"endpoints-controller", "endpointslice-controller",
	"namespace-controller", "garbage-collector-controller", "clusterrole-aggregation-controller",
	"serviceaccount-controller", "serviceaccount-token-controller", "root-ca-certificate-publisher-controller",
}

// startControllers starts kube-controller-manager, which tries again whatever
// it can't do yet.
func startControllers(ctx context.Context, kubeconfig string, keys *authority) {
	command := app.NewControllerManagerCommand()
	command.SetArgs([]string{
		"--kubeconfig=" + kubeconfig,
		"--controllers=" + strings.Join(controllerNames, ","),
		"--leader-elect=false",
		"--secure-port=0",
		"--root-ca-file=" + keys.crt("ca"),
		"--service-account-private-key-file=" + keys.pem(signingKey),
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
	})
	go func() {
		if err := command.ExecuteContext(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "testcluster: kube-controller-manager:", err)
		}
	}()
}
