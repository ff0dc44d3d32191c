package kubectl

import (
	"os"
	"path/filepath"
	"testing"
)

// capture puts a file in the place of the process's standard output and error, and
// returns what was written there.
func capture(t *testing.T) func() string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = file, file
	t.Cleanup(func() { os.Stdout, os.Stderr = out, stderr; file.Close() })
	return func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}
