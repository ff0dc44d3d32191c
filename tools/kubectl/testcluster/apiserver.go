package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// apiServer is a running kube-apiserver.
type apiServer struct {
	url string
	// ended says why it runs no longer.
	ended <-chan error
}

// startTimeout bounds how long the API server may take to be ready, on a
// machine that has much else to do.
const startTimeout = 2 * time.Minute

// startAPIServer starts it on the cluster's port and waits until it is ready.
func startAPIServer(ctx context.Context, o options, keys *authority, store string) (*apiServer, error) {
	address, err := addressOf(o.dir)
	if err != nil {
		return nil, err
	}
	args, err := apiServerArgs(o, keys, store, address)
	if err != nil {
		return nil, err
	}
	// The controllers set up logging a second time in this process.
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	command := app.NewAPIServerCommand()
	command.SetArgs(args)
	ended := make(chan error, 1)
	go func() { ended <- cmp.Or(command.ExecuteContext(ctx), errors.New("it gave no reason")) }()
	s := &apiServer{url: "https://" + address.String(), ended: ended}
	return s, s.waitReady(ctx, keys)
}

func apiServerArgs(o options, keys *authority, store string, address *net.TCPAddr) ([]string, error) {
	args := []string{
		"--etcd-servers=" + store,
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", address.Port),
		"--tls-cert-file=" + keys.crt("kube-apiserver"),
		"--tls-private-key-file=" + keys.pem("kube-apiserver"),
		"--client-ca-file=" + keys.crt("ca"),
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + keys.pem(signingKey),
		"--service-account-signing-key-file=" + keys.pem(signingKey),
		"--service-cluster-ip-range=10.96.0.0/16",
		// The service "kubernetes" may not point to loopback, and need not.
		"--endpoint-reconciler-type=none",
		"--kubelet-certificate-authority=" + keys.crt("ca"),
		"--kubelet-client-certificate=" + keys.crt("admin"),
		"--kubelet-client-key=" + keys.pem("admin"),
		"--kubelet-preferred-address-types=InternalIP",
		// Many tests at once are one client to it.
		"--enable-priority-and-fairness=false",
		"--allow-privileged=true",
	}
	if o.tokens != "" {
		args = append(args, "--token-auth-file="+o.tokens)
	}
	if o.audit != "" {
		policy := filepath.Join(o.dir, "audit-policy.yaml")
		args = append(args, "--audit-policy-file="+policy, "--audit-log-path="+o.audit, "--audit-log-mode=blocking")
		if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
			return nil, err
		}
	}
	return append(args, o.extra...), nil
}

// auditPolicy writes down every request, when it arrives and when it is answered.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
rules: [{level: Metadata}]
`

// waitReady asks until the server says that it is ready.
func (s *apiServer) waitReady(ctx context.Context, keys *authority) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	roots := x509.NewCertPool()
	roots.AddCert(keys.cert)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := ready(ctx, client, s.url+"/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case ended := <-s.ended:
			return ended
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", err)
		}
	}
}

func ready(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}
