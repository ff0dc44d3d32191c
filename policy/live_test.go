package policy

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const denyAll = "package chaperone\ndeny contains {\"rule\": \"no\", \"message\": \"m\"} if true\n"

// never is a poll that plays no part in a test.
const never = time.Hour

// watched opens a policy and follows its files; changes come over the channel.
func watched(t *testing.T, w Watching, paths ...string) (*Live, <-chan Change) {
	t.Helper()
	live, err := Open(t.Context(), options(paths...))
	if err != nil {
		t.Fatal(err)
	}
	changes := make(chan Change)
	w.Settle = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	w.Report = func(c Change) {
		select {
		case changes <- c:
		case <-ctx.Done():
		}
	}
	f := live.follow()
	if w.Poll != never { // polling must do alone
		f.close()
		f.notify = nil
	}
	var running sync.WaitGroup
	running.Go(func() { f.run(ctx, w) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		f.close()
	})
	return live, changes
}

func outcome(t *testing.T, live *Live) Outcome {
	t.Helper()
	return live.Policy().Decide(t.Context(), aRead()).Outcome
}

// wantTaken waits for a change that takes effect.
func wantTaken(t *testing.T, live *Live, changes <-chan Change, want Outcome) {
	t.Helper()
	change := <-changes
	if change.Rejected != nil && strings.Contains(change.Rejected.Error(), "empty module") {
		change = <-changes // the file was seen while it was being written
	}
	if change.Rejected != nil {
		t.Fatalf("rejected: %v", change.Rejected)
	}
	if live.Policy() != change.Policy || live.Rejected() != nil {
		t.Error("what was reported is not in force")
	}
	if got := outcome(t, live); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func wantRejected(t *testing.T, live *Live, changes <-chan Change, message string) {
	t.Helper()
	before := live.Policy()
	change := <-changes
	if change.Rejected == nil || !strings.Contains(change.Rejected.Error(), message) {
		t.Fatalf("got %+v, want %q", change, message)
	}
	if live.Policy() != before || live.Rejected() != change.Rejected {
		t.Error("the last good policy is not in force, or the reason is not kept")
	}
}

func TestWatchSeesEdits(t *testing.T) {
	dir := write(t, map[string]string{"a.rego": allowAll})
	file := filepath.Join(dir, "a.rego")
	live, changes := watched(t, Watching{Poll: never}, dir)

	writeFile(t, file, denyAll)
	wantTaken(t, live, changes, Deny)

	// As editors save: beside, then over it.
	writeFile(t, file+"~", allowAll)
	if err := os.Rename(file+"~", file); err != nil {
		t.Fatal(err)
	}
	wantTaken(t, live, changes, Allow)

	writeFile(t, file, "package chaperone\nallow contains \"x\" if input.sql.tabels\n")
	wantRejected(t, live, changes, "a.rego:2: ")
	if outcome(t, live) != Allow {
		t.Error("the last good policy no longer decides")
	}
	writeFile(t, file, allowAll)
	wantTaken(t, live, changes, Allow)

	writeFile(t, filepath.Join(dir, "more", "deep", "b.rego"), denyAll)
	wantTaken(t, live, changes, Deny)
	writeFile(t, filepath.Join(dir, "more", "deep", "b.rego"), "package chaperone\n")
	wantTaken(t, live, changes, Allow)
}

func TestWatchSeesAFile(t *testing.T) {
	dir := write(t, map[string]string{"a.rego": allowAll})
	live, changes := watched(t, Watching{Poll: never}, filepath.Join(dir, "a.rego"))
	writeFile(t, filepath.Join(dir, "a.rego"), denyAll)
	wantTaken(t, live, changes, Deny)
}

// A Kubernetes ConfigMap: files are links into ..data, which is a link that is
// renamed over.
func TestWatchSeesConfigMaps(t *testing.T) {
	dir := write(t, map[string]string{"..1/a.rego": allowAll, "..2/a.rego": denyAll})
	link(t, "..1", filepath.Join(dir, "..data"))
	link(t, "..data/a.rego", filepath.Join(dir, "a.rego"))
	live, changes := watched(t, Watching{Poll: never}, dir)
	if outcome(t, live) != Allow {
		t.Fatal("the links are not followed")
	}
	link(t, "..2", filepath.Join(dir, "..tmp"))
	if err := os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	wantTaken(t, live, changes, Deny)
}

func TestWatchSeesALinkedFolder(t *testing.T) {
	dir := write(t, map[string]string{"v1/a.rego": allowAll, "v2/a.rego": denyAll})
	link(t, "v1", filepath.Join(dir, "current"))
	live, changes := watched(t, Watching{Poll: never}, filepath.Join(dir, "current"))
	link(t, "v2", filepath.Join(dir, "next"))
	if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	wantTaken(t, live, changes, Deny)
	writeFile(t, filepath.Join(dir, "v2", "a.rego"), allowAll)
	wantTaken(t, live, changes, Allow)
}

func TestWatchSeesAFolderComeBack(t *testing.T) {
	dir := write(t, map[string]string{"policy/a.rego": allowAll})
	live, changes := watched(t, Watching{Poll: never}, filepath.Join(dir, "policy"))
	if err := os.RemoveAll(filepath.Join(dir, "policy")); err != nil {
		t.Fatal(err)
	}
	wantRejected(t, live, changes, "no such file")
	if outcome(t, live) != Allow {
		t.Error("the last good policy no longer decides")
	}
	writeFile(t, filepath.Join(dir, "new", "a.rego"), denyAll)
	if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "policy")); err != nil {
		t.Fatal(err)
	}
	wantTaken(t, live, changes, Deny)
	writeFile(t, filepath.Join(dir, "policy", "a.rego"), allowAll)
	wantTaken(t, live, changes, Allow)
}

func TestPollingFindsChangesAlone(t *testing.T) {
	dir := write(t, map[string]string{"a.rego": allowAll})
	live, changes := watched(t, Watching{Poll: 5 * time.Millisecond}, dir)
	writeFile(t, filepath.Join(dir, "a.rego"), denyAll)
	wantTaken(t, live, changes, Deny)
	if err := os.Remove(filepath.Join(dir, "a.rego")); err != nil {
		t.Fatal(err)
	}
	wantRejected(t, live, changes, "no .rego file")
}

// A file that is being written is not taken before it rests.
func TestHalfAChangeIsNotTaken(t *testing.T) {
	dir := write(t, map[string]string{"a.rego": allowAll, "b.rego": denyAll})
	live, err := Open(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	f := follower{live: live, taken: live.Policy().Digest()}
	none := func(c Change) { t.Errorf("taken: %+v", c) }
	if f.look(t.Context(), none) {
		t.Error("sees a change where there is none")
	}
	for _, text := range []string{"package chaperone\n", "package chaperone\n# deny", "package chaperone\n# denies"} {
		writeFile(t, filepath.Join(dir, "b.rego"), text)
		if !f.look(t.Context(), none) {
			t.Error("does not look again at a change")
		}
	}
	writeFile(t, filepath.Join(dir, "b.rego"), denyAll)
	if f.look(t.Context(), none) {
		t.Error("sees a change after it was taken back")
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	live, err := Open(t.Context(), options(write(t, map[string]string{"a.rego": allowAll})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { live.Watch(ctx, Watching{}); close(done) }()
	cancel()
	<-done
}

func TestOpenNeedsAGoodPolicy(t *testing.T) {
	if _, err := Open(t.Context(), options(write(t, map[string]string{"a.rego": "package chaperone\nallow if true\n"}))); err == nil {
		t.Error("opens a policy that does not load")
	}
}

// Decisions go on while the policy changes under them, each by one policy.
func TestDecideDuringReload(t *testing.T) {
	dir := write(t, map[string]string{"a.rego": allowAll})
	live, err := Open(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	allows := live.Policy().Digest()
	ctx, stop := context.WithCancel(t.Context())
	var deciding sync.WaitGroup
	for range 4 {
		deciding.Go(func() {
			for ctx.Err() == nil {
				d := live.Policy().Decide(t.Context(), aRead())
				if (d.Outcome == Allow) != (d.Policy == allows) || d.Fault != "" {
					t.Errorf("%v by %s: %s", d.Outcome, d.Policy, d.Fault)
				}
			}
		})
	}
	for i := range 20 {
		writeFile(t, filepath.Join(dir, "a.rego"), []string{denyAll, allowAll}[i%2])
		sources, _, err := readSources([]string{dir})
		if change := live.take(t.Context(), sources, err); change.Rejected != nil {
			t.Error(change.Rejected)
		}
	}
	stop()
	deciding.Wait()
}
