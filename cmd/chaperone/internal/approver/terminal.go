package approver

import (
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
	in  *os.File
	Out io.Writer
	all []*os.File
}

// ErrNoTerminal is the error where no person can be asked.
var ErrNoTerminal = errors.New("there is no terminal to ask at: run it yourself, in a terminal of your own")

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
	return &Terminal{r, w, []*os.File{r, w}}, nil
}

// Close gives the terminal back.
func (t *Terminal) Close() {
	for _, f := range t.all {
		_ = f.Close()
	}
}

// Secret asks for a line that does not show while it is typed.
func (t *Terminal) Secret(prompt string) (string, error) {
	_, _ = fmt.Fprint(t.Out, prompt)
	line, err := term.ReadPassword(int(t.in.Fd()))
	_, _ = fmt.Fprintln(t.Out)
	return string(line), err
}

// maxLine is longer than any answer.
const maxLine = 4096

// Line asks for a line.
func (t *Terminal) Line(prompt string) (string, error) {
	_, _ = fmt.Fprint(t.Out, prompt)
	var line []byte
	// Byte by byte: what is behind the line is for whoever asks next.
	for one := make([]byte, 1); len(line) < maxLine; {
		n, err := t.in.Read(one)
		if err != nil || n == 0 {
			return "", errors.Join(err, io.ErrUnexpectedEOF)
		}
		if one[0] == '\n' {
			break
		}
		line = append(line, one[0])
	}
	return strings.TrimSpace(string(line)), nil
}
