package sql_test

import (
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chaperone-dev/chaperone/tools/sql"
)

// proxy stands between the family and the server, and meddles.
type proxy struct {
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]bool
	// sends and answers are told what is about to be passed on, and return
	// what is; nil passes everything. cut ends the connection.
	sends, answers func(data []byte, cut func()) []byte
}

// newProxy starts a proxy in front of the shared server.
func newProxy(t *testing.T) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, open: map[net.Conn]bool{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		p.cutAll()
		running.Wait()
	})
	return p
}

// config is that of a connection through the proxy.
func (p *proxy) config(t *testing.T, database string) sql.Config {
	t.Helper()
	u, err := url.Parse(server.Superuser(database))
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.listener.Addr().String()
	return sql.Config{DSN: u.String()}
}

// meddle sets what is done from now on.
func (p *proxy) meddle(sends, answers func(data []byte, cut func()) []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sends, p.answers = sends, answers
}

// cutAll ends every connection.
func (p *proxy) cutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
}

func (p *proxy) serve(client net.Conn) {
	upstream, err := net.Dial("tcp", serverAddress())
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.open[client], p.open[upstream] = true, true
	p.mu.Unlock()
	cut := func() { _ = client.Close(); _ = upstream.Close() }
	var both sync.WaitGroup
	both.Go(func() { p.pass(client, upstream, cut, func() func([]byte, func()) []byte { return p.sends }) })
	both.Go(func() { p.pass(upstream, client, cut, func() func([]byte, func()) []byte { return p.answers }) })
	both.Wait()
	p.mu.Lock()
	delete(p.open, client)
	delete(p.open, upstream)
	p.mu.Unlock()
}

func (p *proxy) pass(from, to net.Conn, cut func(), which func() func([]byte, func()) []byte) {
	defer cut()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		data := buffer[:n]
		p.mu.Lock()
		meddle := which()
		p.mu.Unlock()
		if meddle != nil {
			data = meddle(data, cut)
		}
		if _, err := to.Write(data); err != nil {
			return
		}
	}
}

func serverAddress() string {
	u, err := url.Parse(server.Superuser("postgres"))
	if err != nil {
		return ""
	}
	return u.Host
}

// commits reports whether a client's message is the commit of a call. When a
// connection is set up, the statement's text goes over the wire, too.
func commits(data []byte) bool {
	text := string(data)
	return strings.Contains(text, "chaperone_commit") && !strings.Contains(text, "COMMIT")
}
