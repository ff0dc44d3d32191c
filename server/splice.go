package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/chaperone-dev/chaperone/server/gateway"
)

// spliced is the result of a request, and the marks that stand for it.
//
// A result goes out twice in one message, as text and as structured content,
// and mcp-go encodes a message twice, whole, in memory. It gets marks instead,
// for which the result is put in as the message is written. A client can't know
// the marks, so that nothing it sends can be taken for one.
type spliced struct {
	text, content string
	pieces        [][]byte
}

// splice keeps a reply for the message that answers the request of ctx, and
// returns what stands for it there: the same JSON as text and as structured
// content.
func splice(ctx context.Context, reply gateway.Reply) (*mcp.CallToolResult, error) {
	f := requestOf(ctx)
	if f == nil {
		return nil, errors.New("the request is not known; make it again")
	}
	s := &spliced{text: "text-" + rand.Text(), content: "content-" + rand.Text(), pieces: reply.Pieces()}
	f.spliced.Store(s)
	return &mcp.CallToolResult{
		Content:           []mcp.Content{mcp.TextContent{Type: "text", Text: s.text}},
		StructuredContent: s.content,
		IsError:           reply.Error(),
	}, nil
}

// write writes a message, with the request's result in the places of its marks,
// if it is the one that has them: the text's first, since names are in order.
func (f *inflight) write(w io.Writer, message []byte) error {
	var s *spliced
	if f != nil {
		s = f.spliced.Load()
	}
	if s == nil {
		_, err := w.Write(message)
		return err
	}
	head, rest, _ := bytes.Cut(message, []byte(s.text))
	middle, tail, found := bytes.Cut(rest, []byte(`"`+s.content+`"`))
	if !found {
		_, err := w.Write(message)
		return err
	}
	return errors.Join(put(w, head), s.writeText(w), put(w, middle), put(w, s.pieces...), put(w, tail))
}

func put(w io.Writer, pieces ...[]byte) error {
	for _, data := range pieces {
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// writeText writes JSON of one line as it stands between the quotes of a JSON
// string: there is nothing else in it that has to be escaped.
func (s *spliced) writeText(w io.Writer) error {
	var escaped []byte
	for _, p := range s.pieces {
		for part := range slices.Chunk(p, piece) {
			escaped = escape(escaped[:0], part)
			if _, err := w.Write(escaped); err != nil {
				return err
			}
		}
	}
	return nil
}

func escape(out, text []byte) []byte {
	for len(text) > 0 {
		plain := bytes.IndexAny(text, `"\`)
		if plain < 0 {
			return append(out, text...)
		}
		out = append(append(out, text[:plain]...), '\\', text[plain])
		text = text[plain+1:]
	}
	return out
}

// splicer is the writer of one request's answers.
type splicer struct {
	*patientWriter
	request *inflight
}

// Write implements http.ResponseWriter. mcp-go writes each message at once.
func (w splicer) Write(message []byte) (int, error) {
	if err := w.request.write(w.patientWriter, message); err != nil {
		return 0, err
	}
	return len(message), nil
}
