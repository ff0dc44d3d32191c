//go:build !linux

package kubectl

import (
	"os"
	"path/filepath"
)

// newManifest keeps a text in a private file.
func newManifest(text string) (manifest, error) {
	dir, err := os.MkdirTemp("", "chaperone-")
	if err != nil {
		return manifest{}, err
	}
	m := manifest{name: filepath.Join(dir, "manifest.yaml"), remove: func() { _ = os.RemoveAll(dir) }}
	if err := os.WriteFile(m.name, []byte(text), 0o600); err != nil {
		m.remove()
		return manifest{}, err
	}
	return m, nil
}
