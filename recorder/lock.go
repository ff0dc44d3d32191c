package recorder

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// runFolder holds the locks of the processes that use the data folder. The
// system frees a lock when its process ends, however it ends.
const runFolder = "run"

func lockFile(dir, name string) *flock.Flock {
	return flock.New(filepath.Join(dir, runFolder, name+".lock"), flock.SetPermissions(0o600))
}

// lockFolder waits until no other process opens the data folder.
func lockFolder(ctx context.Context, dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(filepath.Join(dir, runFolder), 0o700); err != nil {
		return nil, fmt.Errorf("recorder: make the data folder: %w", err)
	}
	lock := lockFile(dir, "open")
	if _, err := lock.TryLockContext(ctx, 5*time.Millisecond); err != nil {
		return nil, fmt.Errorf("recorder: lock the data folder %s: %w", dir, err)
	}
	return lock, nil
}

// lockLog takes the lock of a log if its process does not hold it.
func lockLog(dir, name string) (*flock.Flock, bool) {
	lock := lockFile(dir, name)
	ok, err := lock.TryLock()
	return lock, ok && err == nil
}

// release frees a log's lock and removes its file.
func release(lock *flock.Flock) {
	_ = lock.Unlock()
	_ = os.Remove(lock.Path())
}
