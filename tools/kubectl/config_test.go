package kubectl

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

// TestPathsStartFromTheConfiguration whatever the working directory is.
func TestPathsStartFromTheConfiguration(t *testing.T) {
	dir := t.TempDir()
	text := "{apiVersion: v1, kind: Config, clusters: [{name: a, cluster: {server: 'https://a.example'}}], contexts: [{name: a, context: {cluster: a}}], current-context: a}"
	if err := os.WriteFile(filepath.Join(dir, "cluster.kubeconfig"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(c Config) *connection {
		t.Helper()
		decode := func(into any) error {
			*into.(*Config) = c
			return nil
		}
		conn, err := Family{}.Open(tools.ConnectionConfig{Name: "cluster", Dir: dir, Decode: decode})
		if err != nil {
			t.Fatal(err)
		}
		return conn.(*connection)
	}
	on := open(Config{Kubeconfig: "cluster.kubeconfig"})
	if config, err := on.find(t.Context()); err != nil || config.Host != "https://a.example" {
		t.Errorf("%+v %v", config, err)
	}
	gke := open(Config{GKE: &GKE{CredentialsFile: "key.json", CAFile: "/etc/ca.pem", Endpoint: "a.example"}}).config.GKE
	if gke.CredentialsFile != filepath.Join(dir, "key.json") || gke.CAFile != "/etc/ca.pem" {
		t.Errorf("%+v", gke)
	}
}
