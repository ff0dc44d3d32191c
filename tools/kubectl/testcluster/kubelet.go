package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"

	"k8s.io/client-go/kubernetes"
)

// kubelet answers what the API server asks of a node: the logs of a pod, and
// running a command in it.
type kubelet struct{ client kubernetes.Interface }

// startKubelet starts it on a free port, which it returns.
func startKubelet(client kubernetes.Interface, keys *authority) (int32, error) {
	config, err := kubeletTLS(keys)
	if err != nil {
		return 0, err
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, err
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("no port is free")
	}
	k := kubelet{client: client}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.logs)
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", k.exec)
	server := &http.Server{Handler: mux, TLSConfig: config}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return int32(address.Port), nil
}

// kubeletTLS lets in who has a certificate of this cluster's administrator.
func kubeletTLS(keys *authority) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(keys.crt("kubelet"), keys.pem("kubelet"))
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	clients.AddCert(keys.cert)
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientCAs:    clients,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		VerifyConnection: func(state tls.ConnectionState) error {
			// Impersonators have a certificate, too, and no right to come here.
			if state.PeerCertificates[0].Subject.CommonName != "admin" {
				return errors.New("only the API server may ask the kubelet")
			}
			return nil
		},
		// HTTP/2 has no connection that could be taken over for a command.
		NextProtos: []string{"http/1.1"},
	}, nil
}
