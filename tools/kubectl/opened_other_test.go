//go:build !linux

package kubectl

import "testing"

// opened needs Linux, as the cluster of the tests does.
func opened(t *testing.T, _ string) func() []string {
	t.Helper()
	t.Skip("it needs Linux")
	return nil
}
