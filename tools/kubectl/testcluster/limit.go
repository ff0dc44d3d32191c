package main

import (
	"io"
	"net/url"
	"strconv"
)

// bounded is w, cut off after as many bytes as the query allows.
func bounded(w io.Writer, query url.Values) io.Writer {
	n, err := strconv.Atoi(query.Get("limitBytes"))
	if err != nil {
		return w
	}
	return &boundedWriter{w: w, left: n}
}

type boundedWriter struct {
	w    io.Writer
	left int
}

// Write fails with io.ErrShortWrite at the bound, after what fits.
func (b *boundedWriter) Write(p []byte) (int, error) {
	n, err := b.w.Write(p[:min(len(p), b.left)])
	b.left -= n
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}
