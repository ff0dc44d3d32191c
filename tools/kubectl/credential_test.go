package kubectl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/chaperone-dev/chaperone/tools"
)

// renewals makes calls while the token changes. Put makes one the credential's.
func renewals(t *testing.T, s *stage, f *front, put func(token string)) {
	t.Helper()
	f.takes("one")
	s.must("create configmap a --from-literal=k=v")
	put("two")
	f.takes("two")
	s.must("get cm a -o name")
	if away, _ := f.counts(); away != 1 {
		t.Errorf("%d requests were turned away, want the one with the old token", away)
	}
	plan, err := s.conn.Describe(t.Context(), s.request("label cm a team=shop", ""))
	if err != nil {
		t.Fatal(err)
	}
	put("three")
	f.takes("three")
	_, before := f.counts()
	if _, err := s.run(plan); err != nil {
		t.Error(err)
	}
	if _, after := f.counts(); after != before+1 {
		t.Errorf("the change got to the server %d times", after-before)
	}
	f.takes()
	s.refusedBy("credentials", "get cm", "")
	s.refusedBy("credentials", "label cm a team=web --overwrite", "")
	f.takes("three")
	s.must("get cm a")
}

// TestTokenFile: a file with a token is read again when it was rotated, also
// where the server takes the old one no longer.
func TestTokenFile(t *testing.T) {
	s := newStage(t)
	f := newFront(s)
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "one")
	s.through(f, fmt.Sprintf("{tokenFile: %q}", file))
	renewals(t, s, f, func(token string) { writeFile(t, file, token) })
}

// TestPodsAccount: what client-go says of the pod's own account has the token
// beside its file, and the file counts.
func TestPodsAccount(t *testing.T) {
	s := newStage(t)
	f := newFront(s)
	file := filepath.Join(t.TempDir(), "token")
	writeFile(t, file, "one")
	s.conn = connect(s.conn.config, false, func(context.Context) (*rest.Config, error) {
		return &rest.Config{Host: f.URL, BearerToken: "one", BearerTokenFile: file, TLSClientConfig: rest.TLSClientConfig{CAData: f.authority()}}, nil
	})
	renewals(t, s, f, func(token string) { writeFile(t, file, token) })
}

// TestExecPlugin: the one program that may be run is run again when the server
// does not take what it gave.
func TestExecPlugin(t *testing.T) {
	s := newStage(t)
	f := newFront(s)
	dir := t.TempDir()
	plugin := filepath.Join(dir, "plugin")
	put := func(token string) {
		writeFile(t, filepath.Join(dir, "credential"),
			`{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "`+token+`"}}`)
	}
	put("one")
	if err := os.WriteFile(plugin, []byte("#!/bin/sh\ncat "+filepath.Join(dir, "credential")+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.through(f, fmt.Sprintf("{exec: {apiVersion: client.authentication.k8s.io/v1, command: %q, interactiveMode: Never}}", plugin),
		func(c *Config) { c.ExecPlugin = plugin })
	renewals(t, s, f, put)
}

// TestKubeconfigIsReadAgain: a token that stands in it is not tried twice, and
// another one is taken up.
func TestKubeconfigIsReadAgain(t *testing.T) {
	s := newStage(t)
	f := newFront(s)
	f.takes("one")
	s.through(f, "{token: one}")
	s.must("get cm")
	f.takes("two")
	s.refusedBy("credentials", "get cm", "")
	if away, _ := f.counts(); away != 1 {
		t.Errorf("%d requests were turned away", away)
	}
	path := s.conn.config.Kubeconfig
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, strings.Replace(string(text), "{token: one}", "{token: two}", 1))
	s.must("get cm")
}

// TestSecretsInTheClear: a token is not sent without TLS.
func TestSecretsInTheClear(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	for server, sent := range map[string]string{"http://example.com": "", "http://127.0.0.1:8001": "", "https://example.com": "hunter2"} {
		writeFile(t, path, `{"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
			"clusters": [{"name": "c", "cluster": {"server": "`+server+`"}}], "users": [{"name": "u", "user": {"token": "hunter2"}}]}`)
		config, err := (&Config{Kubeconfig: path}).rest()
		if err != nil || config.BearerToken != sent {
			t.Errorf("%s: %+v %v", server, config, err)
		}
	}
}

// silentServer listens and says nothing.
func silentServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return "http://" + l.Addr().String()
}

// TestSilentServer: a server that says nothing holds up no call for longer than
// the call may take, nor discovery, nor the check-up.
func TestSilentServer(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Timeout = 300 * time.Millisecond })
	address := silentServer(t)
	s.conn = connect(s.conn.config, false, s.at(address))
	s.refusedBy("unreachable", "get pods", "")
	s.refusedBy("unreachable", "delete pod x", "")
	config, _ := s.at(address)(t.Context())
	k, err := newCluster(config, &s.conn.config)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := k.discovery.ServerVersion()
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("discovery has an answer")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("discovery waits for ever")
	}
	s.conn.config.Timeout = 0
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if found := s.conn.Check(ctx); len(found) == 0 || found[0].Level != tools.Fail || !strings.Contains(found[0].What, "in time") {
		t.Errorf("%+v", found)
	}
}

// TestUnreachable: a server that is not there is said to be not there, without
// its address, and nobody takes a change for one that may have been made.
func TestUnreachable(t *testing.T) {
	s := newStage(t)
	f := newFront(s)
	f.takes("one")
	s.through(f, "{token: one}")
	plan, err := s.conn.Describe(t.Context(), s.request("create configmap a --from-literal=k=v", ""))
	if err != nil {
		t.Fatal(err)
	}
	address := f.Listener.Addr().String()
	f.Close()
	s.conn.open.entrance.CloseIdleConnections()
	_, err = s.run(plan)
	var r *tools.Refusal
	if !errors.As(err, &r) || r.Rule != "unreachable" || !r.Later || strings.Contains(r.Reason, address) {
		t.Errorf("a change that did not get out: %+v", err)
	}
	s.refusedBy("unreachable", "get cm", "")
}
