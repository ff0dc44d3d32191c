package kubectl

import (
	"encoding/json"
	"io"
	"slices"
)

// maskStream masks each event of a watch as it comes.
func maskStream(s *sent, body io.ReadCloser) io.ReadCloser {
	return &eventReader{sent: s, body: body, events: json.NewDecoder(io.LimitReader(body, maxAnswer))}
}

type eventReader struct {
	sent   *sent
	body   io.ReadCloser
	events *json.Decoder
	rest   []byte
}

// Read implements io.Reader.
func (e *eventReader) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		var event json.RawMessage
		err := e.events.Decode(&event)
		if err != nil {
			return 0, err
		}
		if event, err = maskJSON(e.sent, event); err != nil {
			return 0, err
		}
		e.rest = slices.Concat(event, []byte{'\n'})
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// Close implements io.Closer.
func (e *eventReader) Close() error { return e.body.Close() }
