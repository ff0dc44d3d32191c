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
	"sync/atomic"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/chaperone-dev/chaperone/policy"
)

// maxMessage bounds one message of a client, over any transport.
const maxMessage = 1 << 20

// drainTime is how long calls that are under way have to end by themselves
// when their client has gone or the program is told to stop.
const drainTime = 30 * time.Second

// ServeStdio serves one client over a pair of streams, one JSON-RPC message on
// each line, until in ends or ctx does. Calls under way are brought to their end.
//
// It is our own loop around mcp-go's message handler, because mcp-go's has a
// queue in which a cancellation gets lost, drops calls when the input ends,
// reads lines of any length, and keeps its session in a global variable.
func (e *Edge) ServeStdio(ctx context.Context, in io.Reader, out io.Writer, who policy.Principal) error {
	own := &session{principal: who, transport: "stdio"}
	peer := &stdioPeer{edge: e, session: own, out: out, slots: make(chan struct{}, maxHandlers), notifications: make(chan mcp.JSONRPCNotification, 64)}
	served, cancel := context.WithCancel(e.mcp.WithContext(withSession(ctx, own), peer))
	defer cancel()
	if err := e.mcp.RegisterSession(served, peer); err != nil {
		return fmt.Errorf("the session could not be opened: %w", err)
	}
	defer e.mcp.UnregisterSession(context.WithoutCancel(ctx), peer.SessionID())
	go peer.notify(served)

	lines := make(chan []byte)
	readError := make(chan error, 1)
	go func() { readError <- readLines(served, in, lines) }()
	err := peer.serve(served, lines, readError)
	e.shutDown(&peer.handlers)
	own.close(e.gateway, "the client is gone")
	return err
}

// shutDown lets calls come to their end, and after a while ends them.
func (e *Edge) shutDown(handlers *sync.WaitGroup) {
	timer := time.AfterFunc(drainTime, e.calls.stop)
	defer timer.Stop()
	handlers.Wait()
}

// stdioPeer is the client at the other end. It is mcp-go's ClientSession.
type stdioPeer struct {
	edge     *Edge
	session  *session
	handlers sync.WaitGroup

	writing sync.Mutex
	out     io.Writer

	// slots bounds the handlers; when all are taken, reading waits.
	slots         chan struct{}
	notifications chan mcp.JSONRPCNotification
	initialized   atomic.Bool
}

// maxHandlers is far more than the calls that the gateway lets in at a time.
const maxHandlers = 256

// serve handles messages until there are no more.
func (p *stdioPeer) serve(ctx context.Context, lines <-chan []byte, readError <-chan error) error {
	for {
		select {
		case line := <-lines:
			p.take(ctx, line)
		case err := <-readError:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// header is what the edge itself needs of a message.
type header struct {
	Method string          `json:"method"`
	ID     json.RawMessage `json:"id"`
	Params struct {
		RequestID json.RawMessage `json:"requestId"`
	} `json:"params"`
}

// take handles one message, requests beside each other and the rest in order.
func (p *stdioPeer) take(ctx context.Context, line []byte) {
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		h = header{}
	}
	if h.Method == string(mcp.MethodNotificationCancelled) {
		p.edge.calls.cancel(p.session, h.Params.RequestID)
		return
	}
	if len(h.ID) == 0 {
		p.answer(p.edge.handleMessage(ctx, h.ID, line))
		return
	}
	ctx, end := p.edge.calls.begin(ctx, p.session, h.ID)
	p.slots <- struct{}{}
	p.handlers.Go(func() {
		defer func() { <-p.slots }()
		defer end()
		p.answer(p.edge.handleMessage(ctx, h.ID, line))
	})
}

// handleMessage lets mcp-go handle a message. What panics there becomes an
// error without the panic's text.
func (e *Edge) handleMessage(ctx context.Context, id json.RawMessage, message []byte) (response mcp.JSONRPCMessage) {
	defer func() {
		if fault := recover(); fault != nil {
			e.log.Error("a message panicked", "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
			response = mcp.NewJSONRPCError(mcp.NewRequestId(id), mcp.INTERNAL_ERROR, "internal error", nil)
		}
	}()
	return e.mcp.HandleMessage(ctx, message)
}

func (p *stdioPeer) answer(response any) {
	if response == nil {
		return
	}
	data, err := json.Marshal(response)
	if err != nil {
		p.edge.log.Error("a response could not be written", "error", err)
		return
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if _, err := p.out.Write(append(data, '\n')); err != nil {
		p.edge.log.Warn("a response could not be sent: the client is gone", "error", err)
	}
}

// notify sends notifications as they come.
func (p *stdioPeer) notify(ctx context.Context) {
	for {
		select {
		case n := <-p.notifications:
			p.answer(n)
		case <-ctx.Done():
			return
		}
	}
}

// SessionID implements mcp-go's ClientSession. Nothing of ours is keyed on it.
func (p *stdioPeer) SessionID() string { return "stdio" }

// NotificationChannel implements mcp-go's ClientSession.
func (p *stdioPeer) NotificationChannel() chan<- mcp.JSONRPCNotification { return p.notifications }

// Initialize implements mcp-go's ClientSession.
func (p *stdioPeer) Initialize() { p.initialized.Store(true) }

// Initialized implements mcp-go's ClientSession.
func (p *stdioPeer) Initialized() bool { return p.initialized.Load() }

// readLines sends each line of in, and returns when it ends or a line is too long.
func readLines(ctx context.Context, in io.Reader, lines chan<- []byte) error {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 0, 64<<10), maxMessage)
	for scanner.Scan() {
		if len(scanner.Bytes()) == 0 {
			continue
		}
		select {
		case lines <- append([]byte(nil), scanner.Bytes()...):
		case <-ctx.Done():
			return nil
		}
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a message is longer than %d bytes; the client must send shorter ones", maxMessage)
	}
	return scanner.Err()
}
