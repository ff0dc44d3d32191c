//go:build unix

package main

import "golang.org/x/sys/unix"

// freeSpace is how many bytes the disk that holds path has left for us.
func freeSpace(path string) (uint64, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, false
	}
	return st.Bavail * uint64(st.Bsize), true
}
