//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/term"
)

// terminalTime is how long a script waits at a terminal for what it expects.
const terminalTime = 30 * time.Second

// scriptTerminal runs a command on a terminal of its own, as a person does:
// terminal [-stdin FILE] LINES COMMAND...; the lines of the file LINES are
//
//	expect EXPRESSION   wait until that shows, behind what was expected before
//	type TEXT           type a line
//	key TEXT            press keys, such as \x03
//	run COMMAND         let a shell do something elsewhere, meanwhile
//
// What showed, with the echo of what was typed, is the script's stdout. With
// -stdin the command's standard input is a file, and no terminal. However the
// command ends, it must leave the terminal as it was.
func scriptTerminal(ts *testscript.TestScript, neg bool, args []string) {
	stdin := ""
	if args[0] == "-stdin" {
		stdin, args = args[1], args[2:]
	}
	path, err := lookPath(args[1], ts.Getenv("PATH"))
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 2*terminalTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args[2:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), environment(ts)
	if stdin != "" {
		f, err := os.Open(ts.MkAbs(stdin))
		ts.Check(err)
		defer f.Close()
		cmd.Stdin = f
	}
	shown, left, err := startAtTerminal(cmd)
	ts.Check(err)
	defer shown.master.Close()
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if err := shown.play(strings.TrimSuffix(line, "\n"), cmd); err != nil {
			ts.Fatalf("terminal: %v\n%s", err, shown)
		}
	}
	code := (<-left).ExitCode()
	<-shown.ended
	after, err := term.GetState(int(shown.master.Fd()))
	ts.Check(err)
	_, _ = io.WriteString(ts.Stdout(), shown.String())
	if neg && code != exitFailed || !neg && code != exitOK {
		ts.Fatalf("terminal: it exits with %d\n%s", code, shown)
	}
	if !reflect.DeepEqual(shown.before, after) {
		ts.Fatalf("terminal: it was left in another state: %+v, not %+v", after, shown.before)
	}
}

// startAtTerminal starts a command on a terminal of its own, which also is its
// standard input, unless it has another, and output.
func startAtTerminal(cmd *exec.Cmd) (*screen, <-chan *os.ProcessState, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, nil, err
	}
	const out = 1 // standard output is the terminal in any case
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: out}
	cmd.Stdout, cmd.Stderr = slave, slave
	if cmd.Stdin == nil {
		cmd.Stdin = slave
	}
	before, err := term.GetState(int(master.Fd()))
	if err == nil {
		err = pty.Setsize(master, &pty.Winsize{Rows: 40, Cols: 200})
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_, _ = master.Close(), slave.Close()
		return nil, nil, err
	}
	left := make(chan *os.ProcessState, 1)
	go func() {
		_ = cmd.Wait()
		_ = slave.Close() // not before: a command may hold nothing but /dev/tty
		left <- cmd.ProcessState
	}()
	return newScreen(master, before), left, nil
}

// screen is what a terminal has shown.
type screen struct {
	master *os.File
	before *term.State
	ended  chan struct{}

	mu    sync.Mutex
	text  bytes.Buffer
	more  chan struct{}
	taken int
}

func newScreen(master *os.File, before *term.State) *screen {
	s := &screen{master: master, before: before, ended: make(chan struct{}), more: make(chan struct{})}
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
func (s *screen) play(line string, beside *exec.Cmd) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "expect":
		return s.expect(regexp.MustCompile(rest))
	case "type":
		_, err := s.master.WriteString(rest + "\r") // as the key on a keyboard does
		return err
	case "run":
		c := exec.Command("sh", "-c", rest)
		c.Dir, c.Env = beside.Dir, beside.Env
		out, err := c.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", rest, err, out)
		}
		return err
	case "key":
		_, err := s.master.WriteString(strings.NewReplacer(`\x03`, "\x03", `\x04`, "\x04").Replace(rest))
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
