package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
)

// hijackedWriter notices the end of a connection that was taken over for a
// command: net/http no longer does, and a command that writes nothing would
// never end.
type hijackedWriter struct {
	http.ResponseWriter
	ended context.CancelFunc
}

// Hijack is http.Hijacker's. All reading is done through the buffer, for it may
// hold the client's first bytes.
func (w *hijackedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	watched := &watchedConn{conn, buffered.Reader, w.ended}
	return watched, bufio.NewReadWriter(bufio.NewReader(watched), buffered.Writer), nil
}

// watchedConn calls ended when its client is gone: there is nothing more to
// read, or the protocol said good-bye and closed it.
type watchedConn struct {
	net.Conn
	reader io.Reader
	ended  context.CancelFunc
}

// Read is net.Conn's.
func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	if err != nil {
		c.ended()
	}
	return n, err
}

// Close is net.Conn's.
func (c *watchedConn) Close() error {
	c.ended()
	return c.Conn.Close()
}
