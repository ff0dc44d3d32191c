package server

import (
	"bufio"
	"context"
	"errors"
	"io"
)

// line is one line of input; long says that it had to be dropped.
type line struct {
	text []byte
	long bool
}

// readLines sends each line of in that is not blank, until in ends.
func readLines(ctx context.Context, in io.Reader, lines chan<- line) error {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		l, err := readLine(r)
		if len(l.text) > 0 || l.long {
			select {
			case lines <- l:
			case <-ctx.Done():
				return nil
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// readLine reads one line, and of one that is too long no more than that.
func readLine(r *bufio.Reader) (l line, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(l.text)+len(part) > maxMessage+len("\r\n") {
			l = line{long: true}
		}
		if !l.long {
			l.text = append(l.text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if l.text = trimmed(l.text); len(l.text) > maxMessage {
				l = line{long: true}
			}
			return l, err
		}
	}
}

// trimmed is a line without its end.
func trimmed(text []byte) []byte {
	for len(text) > 0 && (text[len(text)-1] == '\n' || text[len(text)-1] == '\r' || text[len(text)-1] == ' ') {
		text = text[:len(text)-1]
	}
	return text
}
