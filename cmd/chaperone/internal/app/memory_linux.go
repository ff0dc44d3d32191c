package app

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unmapProgram lets go of the mapped pages of the program's file. With each page
// that is touched the system maps those around it, so that the start of a large
// program maps most of it, and it all counts as memory in use.
func unmapProgram() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer smaps.Close()
	for _, s := range unchanged(smaps, program) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, s.start, s.end-s.start, unix.MADV_DONTNEED)
	}
}

// span is a piece of the address space.
type span struct{ start, end uintptr }

// unchanged are the mappings of a file that are as they stand in the file, and
// can be mapped from it again at any time: they can't be written, and no page is
// a copy of its own, as those are that the loader relocated or that hold a
// debugger's breakpoints. For the format see proc_pid_smaps(5).
func unchanged(smaps io.Reader, file string) (spans []span) {
	var at span
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		line := lines.Text()
		words := strings.Fields(line)
		switch {
		case len(words) < 3:
		case strings.Contains(words[0], "-"):
			at = span{}
			if strings.HasPrefix(words[1], "r-") && strings.HasSuffix(line, " "+file) {
				at = parseSpan(words[0])
			}
		case words[0] == "Anonymous:" && words[1] == "0" && at.start < at.end:
			spans = append(spans, at)
		}
	}
	return spans
}

// parseSpan reads start-end in hexadecimal. What is no span is an empty one.
func parseSpan(text string) span {
	from, to, _ := strings.Cut(text, "-")
	start, err := strconv.ParseUint(from, 16, strconv.IntSize)
	if err != nil {
		return span{}
	}
	end, err := strconv.ParseUint(to, 16, strconv.IntSize)
	if err != nil {
		return span{}
	}
	return span{uintptr(start), uintptr(end)}
}
