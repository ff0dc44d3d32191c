//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// terminalTime is how long a script waits at a terminal for what it expects.
const terminalTime = 30 * time.Second

// scriptTerminal runs a command on a terminal of its own, as a person does:
// terminal [-stdin FILE] LINES COMMAND...; the lines of the file LINES are
//
//	expect EXPRESSION   wait until that shows, behind what was expected before
//	type TEXT           type a line
//	key TEXT            press keys, such as \x03
//
// What showed, with the echo of what was typed, is the script's stdout. With
// -stdin the command's standard input is a file, and no terminal.
func scriptTerminal(ts *testscript.TestScript, neg bool, args []string) {
	stdin := ""
	if args[0] == "-stdin" {
		stdin, args = args[1], args[2:]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*terminalTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[1], args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "SHOP_DSN", "NO_COLOR", "TERM"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	path, err := lookPath(args[1], ts.Getenv("PATH"))
	ts.Check(err)
	cmd.Path = path
	control := 0
	if stdin != "" {
		f, err := os.Open(ts.MkAbs(stdin))
		ts.Check(err)
		defer f.Close()
		cmd.Stdin, control = f, 1
	}
	master, err := pty.StartWithAttrs(cmd, &pty.Winsize{Rows: 40, Cols: 200}, &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: control})
	ts.Check(err)
	defer master.Close()
	shown := newScreen(master)
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if err := shown.play(strings.TrimSuffix(line, "\n")); err != nil {
			ts.Fatalf("terminal: %v\n%s", err, shown)
		}
	}
	err = cmd.Wait()
	<-shown.ended
	_, _ = io.WriteString(ts.Stdout(), shown.String())
	if neg != (err != nil) {
		ts.Fatalf("terminal: %v\n%s", err, shown)
	}
}

// lookPath finds a program in a path that is not this process's own.
func lookPath(name, path string) (string, error) {
	for _, dir := range strings.Split(path, string(os.PathListSeparator)) {
		if full, err := exec.LookPath(dir + "/" + name); err == nil {
			return full, nil
		}
	}
	return "", fmt.Errorf("%s is not in %s", name, path)
}

// screen is what a terminal has shown.
type screen struct {
	master *os.File
	ended  chan struct{}

	mu    sync.Mutex
	text  bytes.Buffer
	more  chan struct{}
	taken int
}

func newScreen(master *os.File) *screen {
	s := &screen{master: master, ended: make(chan struct{}), more: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for buffer := make([]byte, 4096); ; {
			n, err := master.Read(buffer)
			s.mu.Lock()
			s.text.Write(buffer[:n])
			close(s.more)
			s.more = make(chan struct{})
			s.mu.Unlock()
			if err != nil { // EIO, once the last program has left
				return
			}
		}
	}()
	return s
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.ReplaceAll(s.text.String(), "\r\n", "\n")
}

// play does what one line of a script says.
func (s *screen) play(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "expect":
		return s.expect(regexp.MustCompile(rest))
	case "type":
		_, err := s.master.WriteString(rest + "\n")
		return err
	case "key":
		_, err := s.master.WriteString(strings.ReplaceAll(rest, `\x03`, "\x03"))
		return err
	case "", "#":
		return nil
	}
	return fmt.Errorf("%q is nothing to do at a terminal", verb)
}

func (s *screen) expect(want *regexp.Regexp) error {
	late := time.After(terminalTime)
	for {
		s.mu.Lock()
		at := want.FindIndex(s.text.Bytes()[s.taken:])
		more := s.more
		if at != nil {
			s.taken += at[1]
		}
		s.mu.Unlock()
		if at != nil {
			return nil
		}
		select {
		case <-more:
		case <-s.ended:
			return fmt.Errorf("it ended, and %q did not show", want)
		case <-late:
			return fmt.Errorf("%q did not show", want)
		}
	}
}
