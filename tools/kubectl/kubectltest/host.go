// Package kubectltest gives tests a Kubernetes cluster: a real API server and its
// controllers, and one node that runs nothing. What pods do there is said in
// tools/kubectl/testcluster. Tests make a namespace each.
package kubectltest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Host runs one cluster for a test process, from the first Start on. The zero
// value is ready to use: TestMain owns it, and calls Stop at the end.
type Host struct {
	once    sync.Once
	cluster *Cluster
	err     error
}

// Start returns the cluster, which is running and ready.
func (h *Host) Start(tb testing.TB) *Cluster {
	tb.Helper()
	program := Program(tb)
	h.once.Do(func() { h.cluster, h.err = start(program) })
	if h.err != nil {
		tb.Fatalf("the test cluster does not start: %v", h.err)
	}
	return h.cluster
}

// Program is the path of the cluster's program. It skips the test where there is
// none, and fails instead when the environment says CI=true.
func Program(tb testing.TB) string {
	tb.Helper()
	if runtime.GOOS != "linux" {
		tb.Skip("the test cluster runs on Linux only")
	}
	program, err := find(tb.Context())
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true" {
		tb.Skipf("%v; run .ci/testcluster, which builds it", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return program
}

// Stop ends the cluster and removes all that it kept. Without a cluster it does
// nothing.
func (h *Host) Stop() {
	if h.cluster != nil {
		h.cluster.stop()
	}
}

// find is the path of the program: what CHAPERONE_TESTCLUSTER says, or else where
// the script that builds it puts it.
func find(ctx context.Context) (string, error) {
	path := os.Getenv("CHAPERONE_TESTCLUSTER")
	if path == "" {
		script, err := findScript()
		if err != nil {
			return "", err
		}
		out, err := exec.CommandContext(ctx, script, "path").Output()
		if err != nil {
			return "", fmt.Errorf("%s path: %w", script, err)
		}
		path = strings.TrimSpace(string(out))
	}
	_, err := os.Stat(path)
	return path, err
}

// findScript looks in the folders above, for a test runs in its package's own.
func findScript() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		script := filepath.Join(dir, ".ci", "testcluster")
		if _, err := os.Stat(script); err == nil {
			return script, nil
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return "", errors.Join(err, errors.New("no .ci/testcluster in any folder above"))
}
