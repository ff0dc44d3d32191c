package approver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/term"
)

// Terminal is the one that the person sits at, whatever standard input and
// output are.
type Terminal struct {
	in     *os.File
	Out    io.Writer
	all    []*os.File
	before *term.State
}

// ErrNoTerminal is the error where no person can be asked.
var ErrNoTerminal = errors.New("there is no terminal to ask at: run it yourself, in a terminal of your own")

// ErrInterrupted is the error of a person who was asked and left, or took too
// long.
var ErrInterrupted = errors.New("interrupted; nothing was done")

// OpenTerminal opens the terminal of this process.
func OpenTerminal() (*Terminal, error) {
	in, out := "/dev/tty", "/dev/tty"
	if runtime.GOOS == "windows" {
		in, out = "CONIN$", "CONOUT$"
	}
	r, err := os.OpenFile(in, os.O_RDWR, 0)
	if err != nil {
		return nil, ErrNoTerminal
	}
	w, err := os.OpenFile(out, os.O_RDWR, 0)
	if err != nil || !term.IsTerminal(int(r.Fd())) {
		_ = r.Close()
		return nil, ErrNoTerminal
	}
	before, err := term.GetState(int(r.Fd()))
	if err != nil {
		_ = r.Close()
		_ = w.Close()
		return nil, ErrNoTerminal
	}
	return &Terminal{r, w, []*os.File{r, w}, before}, nil
}

// Close gives the terminal back.
func (t *Terminal) Close() {
	for _, f := range t.all {
		_ = f.Close()
	}
}

// Secret asks for a line that does not show while it is typed.
func (t *Terminal) Secret(ctx context.Context, prompt string) (string, error) {
	// Before the question: whoever types as soon as it shows must not be shown.
	if _, err := term.MakeRaw(int(t.in.Fd())); err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(t.in.Fd()), t.before) }()
	return t.read(ctx, func() (string, error) {
		line, err := term.NewTerminal(ends{t.in, t.Out}, "").ReadPassword(prompt)
		switch {
		case errors.Is(err, io.EOF): // Ctrl-C and Ctrl-D, which send no signal here
			_, _ = fmt.Fprint(t.Out, "\r\n")
			return "", ErrInterrupted
		case errors.Is(err, term.ErrPasteIndicator):
			err = nil
		}
		return line, err
	})
}

// ends are the two ends of a terminal.
type ends struct {
	io.Reader
	io.Writer
}

// Line asks for a line.
func (t *Terminal) Line(ctx context.Context, prompt string) (string, error) {
	_, _ = fmt.Fprint(t.Out, prompt)
	return t.read(ctx, t.line)
}

// read reads until ctx ends. A terminal can't be told to stop reading: it is left
// as it was before, and the process ends soon after.
func (t *Terminal) read(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		line string
		err  error
	}
	said := make(chan answer, 1)
	go func() {
		line, err := read()
		said <- answer{line, err}
	}()
	select {
	case a := <-said:
		return a.line, a.err
	case <-ctx.Done():
		_ = term.Restore(int(t.in.Fd()), t.before)
		_, _ = fmt.Fprintln(t.Out)
		return "", ErrInterrupted
	}
}

// maxLine is longer than any answer.
const maxLine = 4096

func (t *Terminal) line() (string, error) {
	var line []byte
	// Byte by byte: what is behind the line is for whoever asks next.
	for one := make([]byte, 1); len(line) < maxLine; {
		n, err := t.in.Read(one)
		if errors.Is(err, io.EOF) || err == nil && n == 0 { // Ctrl-D
			_, _ = fmt.Fprintln(t.Out)
			return "", ErrInterrupted
		}
		if err != nil {
			return "", err
		}
		if one[0] == '\n' {
			break
		}
		line = append(line, one[0])
	}
	return strings.TrimSpace(string(line)), nil
}
