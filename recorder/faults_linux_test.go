package recorder

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mount makes a small disk of its own.
func mount(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mount: %v", err)
		}
		t.Skip("a disk to fill needs the right to mount:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all space that is left, and returns the file that has it.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "filler")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 1 << 16; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	return path
}

func TestDiskFull(t *testing.T) {
	dir := mount(t, "4m")
	r := open(t, dir)
	appendAll(t, r, on("s", "c", Started{})...)
	filler := fill(t, dir)
	eventually(t, "the disk is full", func() bool {
		err := r.Append(t.Context(), Event{Session: "filling", Body: Finished{}, Content: NewContent(randomBytes(50_000))})
		if err != nil && (!errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "full")) {
			t.Fatal(err)
		}
		return err != nil
	})
	refuses(t, r, "disk", "full", "free some space")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	resumes(t, r, dir)
}

// TestDiskFullAtOnce lets Open run into a full disk, at every amount of space
// that is left.
func TestDiskFullAtOnce(t *testing.T) {
	dir := mount(t, "1m")
	failed := 0
	for left := 0; ; left += 16 << 10 {
		folder := filepath.Join(dir, "state")
		filler := fill(t, dir)
		if info, err := os.Stat(filler); err != nil || os.Truncate(filler, info.Size()-int64(left)) != nil {
			t.Fatal(err)
		}
		r, err := Open(t.Context(), Options{Dir: folder})
		if err == nil {
			err = r.Append(t.Context(), on("s", "c", Started{})...)
			_ = r.Close()
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			break
		}
		failed++
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%d bytes left: %v", left, err)
		}
		// With space again, the same folder serves.
		r = open(t, folder)
		appendAll(t, r, on("s", "c", Started{})...)
		closeIt(t, r)
		mustVerify(t, folder)
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
	}
	if failed == 0 {
		t.Error("the disk was never full")
	}
}

func TestReadOnlyDisk(t *testing.T) {
	dir := mount(t, "4m")
	record(t, dir)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "may be written") {
		t.Error("opened for writing:", err)
	}
	reader := read(t, dir)
	if notes := reader.Notes(); len(notes) != 1 || !strings.Contains(notes[0], "read-only") {
		t.Error("notes:", notes)
	}
	if got := kinds(events(t, reader, "s3")); !strings.HasPrefix(got, "session.opened call.received") {
		t.Error(got)
	}
	mustVerify(t, dir)
}

// TestReadOnlyWithLog is a folder on a read-only disk whose newest events stand
// in the write-ahead log: reading without them would be a lie.
func TestReadOnlyWithLog(t *testing.T) {
	dir := mount(t, "4m")
	source := t.TempDir()
	r := open(t, source)
	appendAll(t, r, on("s", "c", Started{})...)
	copyInUse(t, source, dir)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenReader(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "copy the folder") {
		t.Error(err)
	}
}

// TestReadOnlyInService makes the files of a running recorder immutable.
func TestReadOnlyInService(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	appendAll(t, r, on("s", "c", Started{})...)
	files := []string{filepath.Join(dir, databaseFile), filepath.Join(dir, databaseFile+"-wal")}
	if !underRace {
		// Writing to this one, which is mapped to memory, is a SIGBUS. SQLite makes
		// an error of it; the race detector's runtime does not live through it.
		files = append(files, filepath.Join(dir, databaseFile+"-shm"))
	}
	if out, err := command("chattr", append([]string{"+i"}, files...)...).CombinedOutput(); err != nil {
		t.Skipf("files cannot be made immutable here: %v: %s", err, out)
	}
	thaw := func() { _ = command("chattr", append([]string{"-i"}, files...)...).Run() }
	t.Cleanup(thaw)
	refuses(t, r)
	eventually(t, "the recorder says why", func() bool {
		return strings.Contains(r.Ready().Error(), "read-only")
	})
	thaw()
	resumes(t, r, dir)
}
