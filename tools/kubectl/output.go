package kubectl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"
)

// output collects what a command writes, up to a limit.
type output struct {
	mu       sync.Mutex
	out, err bytes.Buffer
	limit    int
	closed   bool
	full     bool
	// hide is a name that is none of the caller's business.
	hide string
	// tell, where it is set, is told what was written, as it comes.
	tell func(stream, lines string) error
	// wrote says that there is something to tell.
	wrote chan struct{}
	// told is how much of out and err was told.
	told [2]int
}

type stream struct {
	o  *output
	to *bytes.Buffer
}

func (o *output) normal() io.Writer { return stream{o, &o.out} }
func (o *output) errors() io.Writer { return stream{o, &o.err} }

// errFull ends a command that writes more than is wanted.
var errFull = errors.New("the output is longer than allowed")

func (s stream) Write(data []byte) (int, error) {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	if s.o.closed {
		return 0, io.ErrClosedPipe
	}
	defer s.o.signal()
	room := s.o.limit - s.o.out.Len() - s.o.err.Len()
	if len(data) > room {
		s.o.full = true
		s.to.Write(data[:max(room, 0)])
		return max(room, 0), errFull
	}
	return s.to.Write(data)
}

// hideName sets a name that is not to be told. The command may be abandoned by
// then.
func (o *output) hideName(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.hide = name
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// texts are what was written, in clear names.
func (o *output) texts() (out, err string, truncated bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	return o.clear(o.out.String()), o.clear(o.err.String()), o.full
}

func (o *output) clear(text string) string {
	if o.hide == "" {
		return text
	}
	return strings.ReplaceAll(text, o.hide, "STDIN")
}

func newOutput(limit int) *output { return &output{limit: limit, wrote: make(chan struct{}, 1)} }

func (o *output) signal() {
	select {
	case o.wrote <- struct{}{}:
	default:
	}
}

// pieceEvery bounds how many pieces a stream is told in.
const pieceEvery = 100 * time.Millisecond

// follow waits for a command to end, and tells what it writes meanwhile: what
// comes after a pause at once, and what comes quickly in larger pieces.
func (o *output) follow(ctx context.Context, done <-chan ended) (e ended) {
	var news <-chan struct{}
	if o.tell != nil {
		news = o.wrote
	}
	var pause <-chan time.Time
	for {
		select {
		case e := <-done:
			return e.or(o.pass(true))
		case <-ctx.Done():
			// Nothing of it gets onto the wire any more, or out.
			o.close()
			return ended{code: 1, err: context.Cause(ctx)}.or(o.pass(true))
		case <-news:
			if err := o.pass(false); err != nil {
				o.close()
				return ended{code: 1, err: err}
			}
			news, pause = nil, time.After(pieceEvery)
		case <-pause:
			news, pause = o.wrote, nil
		}
	}
}

// or is an end that went well, unless err says otherwise.
func (e ended) or(err error) ended {
	if e.err == nil && err != nil {
		return ended{code: 1, err: err}
	}
	return e
}

// pass tells what was not told yet, in whole lines until all was written.
func (o *output) pass(all bool) error {
	if o.tell == nil {
		return nil
	}
	for i, name := range []string{"stdout", "stderr"} {
		if lines := o.untold(i, all); lines != "" {
			if err := o.tell(name, lines); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o *output) untold(i int, all bool) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	written := []*bytes.Buffer{&o.out, &o.err}[i].Bytes()[o.told[i]:]
	if !all {
		written = written[:bytes.LastIndexByte(written, '\n')+1]
	}
	o.told[i] += len(written)
	return o.clear(string(written))
}
