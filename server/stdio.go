package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/chaperone-dev/chaperone/policy"
)

// maxHandlers is more than the calls that the gateway lets in at a time.
const maxHandlers = 64

// errNotRead is the error when the client takes no more answers.
var errNotRead = errors.New("the client does not read; answers to its calls were not delivered, and their outcomes are on record")

// ServeStdio serves one client over a pair of streams, one JSON-RPC message on
// each line, until in ends or ctx does. Calls under way are brought to their end.
//
// It is our own loop around mcp-go's message handler, because mcp-go's has a
// queue in which a cancellation gets lost, drops calls when the input ends,
// reads lines of any length, and keeps its session in a global variable.
func (e *Edge) ServeStdio(ctx context.Context, in io.Reader, out io.Writer, p policy.Principal) error {
	own := &session{principal: p, transport: overStdio}
	s := &stdio{edge: e, session: own, out: bufio.NewWriterSize(out, piece), slots: make(chan struct{}, maxHandlers), peer: newStdioPeer()}
	served, cancel := context.WithCancel(e.mcp.WithContext(withSession(ctx, own), s.peer))
	defer cancel()
	if err := e.mcp.RegisterSession(served, s.peer); err != nil {
		return fmt.Errorf("the session could not be opened: %w", err)
	}
	defer e.mcp.UnregisterSession(context.WithoutCancel(ctx), s.peer.SessionID())
	go s.notify(served)

	lines := make(chan line)
	ended := make(chan error, 1)
	go func() { ended <- readLines(served, in, lines) }()
	err := s.serve(served, lines, ended)
	err = errors.Join(err, s.shutDown())
	own.close(e.gateway, "the client is gone")
	return err
}

// stdio serves the client at the other end.
type stdio struct {
	edge     *Edge
	session  *session
	peer     *stdioPeer
	handlers sync.WaitGroup
	// slots bounds the handlers; when all are taken, reading waits.
	slots chan struct{}

	writing sync.Mutex
	out     *bufio.Writer
}

// serve handles messages until there are no more.
func (s *stdio) serve(ctx context.Context, lines <-chan line, ended <-chan error) error {
	for {
		select {
		case l := <-lines:
			s.take(ctx, l)
		case err := <-ended:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// take handles one message. What asks for an answer is handled beside the rest,
// which goes in order.
func (s *stdio) take(ctx context.Context, l line) {
	if l.long {
		s.handle(ctx, "", func() any { return invalid(fmt.Sprintf("the message is longer than %d bytes", maxMessage)) })
		return
	}
	h, fault := readHeader(l.text)
	switch {
	case fault != nil:
		s.handle(ctx, "", func() any { return fault })
	case h.isCancellation():
		s.edge.calls.cancel(s.session, h.cancels())
	case h.answers != "":
		s.peer.answered(h.answers, h.result)
	case h.id == "":
		s.edge.handleMessage(ctx, h.id, l.text)
	default:
		ctx, end := s.edge.calls.begin(ctx, s.session, h.id)
		s.handle(ctx, h.id, func() any {
			defer end()
			return s.edge.handleMessage(ctx, h.id, l.text)
		})
	}
}

// handle sends what answer returns, without waiting for it. When too many are
// under way it waits for one of them, unless the program is told to stop.
func (s *stdio) handle(ctx context.Context, id requestID, answer func() any) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	s.handlers.Go(func() {
		defer func() { <-s.slots }()
		s.send(ctx, id, answer())
	})
}

// handleMessage lets mcp-go handle a message. What panics there becomes an
// error without the panic's text.
func (e *Edge) handleMessage(ctx context.Context, id requestID, message []byte) (response any) {
	defer func() {
		if cause := recover(); cause != nil {
			response = faultFor(id, mcp.INTERNAL_ERROR, faultText(e.fault("a message panicked", cause, debug.Stack())))
		}
	}()
	if r := e.mcp.HandleMessage(ctx, message); r != nil {
		return r
	}
	return nil
}

// send writes one message, which answers the request of the id, if any.
func (s *stdio) send(ctx context.Context, id requestID, message any) {
	if message == nil {
		return
	}
	data, err := json.Marshal(message)
	if err != nil {
		fault := s.edge.fault("an answer could not be written", err, nil)
		data, _ = json.Marshal(faultFor(id, mcp.INTERNAL_ERROR, faultText(fault))) // two texts always marshal
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	err = errors.Join(requestOf(ctx).write(s.out, append(data, '\n')), s.out.Flush())
	if err != nil {
		s.edge.log.Warn("an answer could not be sent: the client is gone", "error", err)
	}
}

// notify sends notifications, and requests of ours, as they come.
func (s *stdio) notify(ctx context.Context) {
	for {
		select {
		case n := <-s.peer.notifications:
			s.send(ctx, "", n)
		case r := <-s.peer.requests:
			s.send(ctx, "", r)
		case <-ctx.Done():
			return
		}
	}
}

// shutDown lets calls come to their end, after a while ends them, and does not
// wait for ever for a client that does not read.
func (s *stdio) shutDown() error {
	t := s.edge.times
	giveUp := time.AfterFunc(t.drain, s.edge.calls.stop)
	defer giveUp.Stop()
	done := make(chan struct{})
	go func() {
		s.handlers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(t.drain + t.write):
		return errNotRead
	}
}
