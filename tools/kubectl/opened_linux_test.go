package kubectl

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"
)

// opened watches a folder and all below it, and returns what tells which files of it
// were opened since, or listed, by whomever: the kernel says so.
func opened(t *testing.T, dir string) func() []string {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_NONBLOCK | syscall.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	folders := map[int32]string{}
	err = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		watch, err := syscall.InotifyAddWatch(fd, path, syscall.IN_OPEN|syscall.IN_ACCESS)
		folders[int32(watch)] = path
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	openings(t, fd, folders) // that we walked through it
	return func() []string { return openings(t, fd, folders) }
}

// openings are the names in the events that wait.
func openings(t *testing.T, fd int, folders map[int32]string) (names []string) {
	t.Helper()
	buffer := make([]byte, 1<<16)
	for {
		n, err := syscall.Read(fd, buffer)
		if err != nil || n <= 0 {
			if err != syscall.EAGAIN {
				t.Fatalf("inotify: %v", err)
			}
			return names
		}
		for at := 0; at+syscall.SizeofInotifyEvent <= n; {
			event := (*syscall.InotifyEvent)(unsafe.Pointer(&buffer[at]))
			at += syscall.SizeofInotifyEvent
			name := buffer[at : at+int(event.Len)]
			at += int(event.Len)
			names = append(names, filepath.Join(folders[event.Wd], string(trimZeros(name))))
		}
	}
}

func trimZeros(name []byte) []byte {
	for len(name) > 0 && name[len(name)-1] == 0 {
		name = name[:len(name)-1]
	}
	return name
}
