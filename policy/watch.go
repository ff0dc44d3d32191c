package policy

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Watching says how a live policy follows its files.
type Watching struct {
	// Settle is how long files must stay the same before they are taken, so
	// that none is read half-written; 0 stands for 200 ms.
	Settle time.Duration
	// Poll is how often files are read even when the system reported no
	// change, as on network file systems; 0 stands for 5 s.
	Poll time.Duration
	// Report is told of each change, after it took effect, by one goroutine.
	Report func(Change)
}

// Watch follows the files until ctx ends. A change that loads takes effect at
// once, for decisions from then on; one that does not is reported, and the
// last good policy stays in force. Where the system can't report changes,
// polling alone finds them.
func (l *Live) Watch(ctx context.Context, w Watching) {
	if w.Settle == 0 {
		w.Settle = 200 * time.Millisecond
	}
	if w.Poll == 0 {
		w.Poll = 5 * time.Second
	}
	f := l.follow()
	defer f.close()
	f.run(ctx, w)
}

// follower is the state of one Watch.
type follower struct {
	live   *Live
	notify *fsnotify.Watcher
	// folders are those that hold the policy, by their real paths.
	folders []string
	// taken is what was last loaded or rejected, and seen what was read since
	// then: a change is taken when it is seen twice.
	taken, seen string
}

// follow begins to notice changes.
func (l *Live) follow() *follower {
	f := &follower{live: l, taken: l.Policy().Digest()}
	f.notify, _ = fsnotify.NewWatcher() // without one, polling finds changes
	_, folders, _ := readSources(l.options.Paths)
	f.attend(folders)
	return f
}

func (f *follower) close() {
	if f.notify != nil {
		_ = f.notify.Close()
	}
}

func (f *follower) run(ctx context.Context, w Watching) {
	var events chan fsnotify.Event
	var lost chan error
	if f.notify != nil {
		events, lost = f.notify.Events, f.notify.Errors
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	soon := true
	for {
		hasten := false
		select {
		case <-ctx.Done():
			return
		case event := <-events:
			hasten = f.concerns(event.Name)
		case <-lost: //nolint:errcheck // whatever it is, polling finds what was missed
			hasten = true
		case <-timer.C:
			soon = f.look(ctx, w.Report)
			timer.Reset(w.pause(soon))
		}
		if hasten && !soon {
			soon = true
			timer.Reset(w.Settle)
		}
	}
}

func (w Watching) pause(soon bool) time.Duration {
	if soon {
		return w.Settle
	}
	return w.Poll
}

// look reads the files; it reports whether they must be looked at again soon.
func (f *follower) look(ctx context.Context, report func(Change)) (again bool) {
	sources, folders, err := readSources(f.live.options.Paths)
	f.attend(folders)
	now := digest(sources)
	if err != nil {
		now = err.Error()
	}
	if now == f.taken {
		f.seen = ""
		return false
	}
	if now != f.seen {
		f.seen = now
		return true
	}
	f.taken, f.seen = now, ""
	change := f.live.take(ctx, sources, err)
	if report != nil && ctx.Err() == nil {
		report(change)
	}
	return false
}

// concerns reports whether a file that changed can change the policy. Of the
// folders around the paths, which are watched for links that are swapped and
// folders that come back, only the paths themselves matter.
func (f *follower) concerns(name string) bool {
	return slices.Contains(f.folders, filepath.Dir(name)) ||
		slices.ContainsFunc(f.live.options.Paths, func(path string) bool {
			return filepath.Base(path) == filepath.Base(name)
		})
}

// attend watches the folders as they are now. Real paths are watched: a folder
// that a link no longer leads to is let go.
func (f *follower) attend(folders []string) {
	f.folders = folders
	if f.notify == nil {
		return
	}
	for _, path := range f.live.options.Paths {
		if around, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			folders = append(folders, around)
		}
	}
	for _, old := range f.notify.WatchList() {
		if !slices.Contains(folders, old) {
			_ = f.notify.Remove(old) // it may be gone already
		}
	}
	for _, folder := range folders {
		_ = f.notify.Add(folder) // what can't be watched is polled
	}
}
