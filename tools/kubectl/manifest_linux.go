package kubectl

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newManifest keeps a text in memory, so that no crash leaves a Secret of it on
// disk, and no disk has to be there.
func newManifest(text string) (manifest, error) {
	fd, err := unix.MemfdCreate("manifest", unix.MFD_CLOEXEC)
	if err != nil {
		return manifest{}, fmt.Errorf("the manifest could not be kept in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "manifest") //nolint:gosec // a descriptor is not negative here
	if _, err := f.WriteString(text); err != nil {
		_ = f.Close()
		return manifest{}, fmt.Errorf("the manifest could not be kept in memory: %w", err)
	}
	// Each time that this is opened, it is read from its start; see proc(5).
	name := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd)
	return manifest{name: name, remove: func() { _ = f.Close() }}, nil
}
