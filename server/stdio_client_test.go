package server

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"sync"
	"testing"
	"time"
)

// pipeClient is an MCP client over a pair of pipes.
type pipeClient struct {
	t     testing.TB
	in    *io.PipeWriter
	out   *io.PipeReader
	ended chan error
	// stop tells the server to stop, as a signal does.
	stop context.CancelFunc

	mu      sync.Mutex
	waiting map[string]chan rpcReply
	// nobody gets what answers no request.
	nobody chan rpcReply
}

// pipe serves a client over standard input and output, which are pipes.
func (s *testSite) pipe() *pipeClient {
	s.t.Helper()
	inReader, in := io.Pipe()
	out, outWriter := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	p := &pipeClient{
		t: s.t, in: in, out: out, ended: make(chan error, 1), stop: cancel,
		waiting: map[string]chan rpcReply{}, nobody: make(chan rpcReply, 100),
	}
	go func() {
		p.ended <- s.edge.ServeStdio(ctx, inReader, outWriter, principal("local"))
		_ = outWriter.Close()
	}()
	go p.read()
	s.t.Cleanup(func() {
		_ = in.Close()
		_ = out.Close()
		cancel()
	})
	return p
}

func (p *pipeClient) read() {
	for lines := bufio.NewReader(p.out); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var r rpcReply
		if err := json.Unmarshal(line, &r); err != nil {
			p.t.Errorf("a line of the output is not JSON: %q", line)
			return
		}
		r.body = string(line)
		p.mu.Lock()
		c := p.waiting[string(r.ID)]
		delete(p.waiting, string(r.ID))
		p.mu.Unlock()
		if c == nil {
			c = p.nobody
		}
		c <- r
	}
}

// write writes lines as they are.
func (p *pipeClient) write(lines ...[]byte) {
	p.t.Helper()
	var all []byte
	for _, l := range lines {
		all = append(append(all, l...), '\n')
	}
	if _, err := p.in.Write(all); err != nil {
		p.t.Fatal(err)
	}
}

// await says that an answer to the id is waited for.
func (p *pipeClient) await(id string) <-chan rpcReply {
	c := make(chan rpcReply, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting[id] = c
	return c
}

// begin sends a request whose id is a number, and does not wait.
func (p *pipeClient) begin(id int, method string, params any) <-chan rpcReply {
	p.t.Helper()
	raw, _ := json.Marshal(id)
	c := p.await(string(raw))
	p.write(message(id, method, params))
	return c
}

func (p *pipeClient) request(id int, method string, params any) rpcReply {
	p.t.Helper()
	return within(p.t, p.begin(id, method, params), method)
}

func (p *pipeClient) initialize(version string) rpcReply {
	p.t.Helper()
	r := p.request(0, "initialize", map[string]any{"protocolVersion": version, "capabilities": map[string]any{}, "clientInfo": map[string]string{"name": "pipe", "version": "1"}})
	p.write(message(nil, "notifications/initialized", nil))
	return r
}

// finish waits for the server to end, and returns what it said.
func (p *pipeClient) finish() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		return err
	case <-time.After(patience):
		p.t.Fatal("ServeStdio does not end")
	}
	return nil
}
