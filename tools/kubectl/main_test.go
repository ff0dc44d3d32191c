package kubectl

import (
	"os"
	"testing"

	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

// host has the cluster that the package's tests share; each has a namespace of
// its own there.
var host kubectltest.Host

// mortal has the cluster that tests stop and start again.
var mortal kubectltest.Host

func TestMain(m *testing.M) {
	if os.Getenv(asKubectl) != "" {
		os.Exit(kubectlMain())
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	defer host.Stop()
	defer mortal.Stop()
	return m.Run()
}
