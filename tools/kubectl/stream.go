package kubectl

import (
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/chaperone-dev/chaperone/tools"
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
	// columns are those of the first table; the tables after it have none.
	columns any
}

// Read implements io.Reader.
func (e *eventReader) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		var event json.RawMessage
		err := e.events.Decode(&event)
		if err != nil {
			return 0, err
		}
		if event, err = e.mask(event); err != nil {
			return 0, err
		}
		e.rest = slices.Concat(event, []byte{'\n'})
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// mask masks one event.
func (e *eventReader) mask(event []byte) ([]byte, error) {
	if !needsMask(e.sent, event) {
		return event, nil
	}
	whole, err := decode(event)
	if err != nil {
		return nil, errors.New("the server's event is no object that can be read")
	}
	table, _ := whole["object"].(map[string]any)
	if table["kind"] != "Table" {
		return maskJSON(e.sent, event)
	}
	own, has := table["columnDefinitions"].([]any)
	if has && len(own) > 0 {
		e.columns = own
	} else {
		table["columnDefinitions"] = e.columns
	}
	maskObject(e.sent.Resource, e.sent.masker, whole)
	e.sent.hideCells(table)
	if len(own) == 0 {
		delete(table, "columnDefinitions")
	}
	return json.Marshal(whole)
}

// Close implements io.Closer.
func (e *eventReader) Close() error { return e.body.Close() }

// follows reports whether the command goes on until it is ended.
func (c command) follows() bool {
	for _, name := range []string{"follow", "watch", "watch-only"} {
		if value, ok := c.flag(name); ok && value == "true" {
			return true
		}
	}
	return false
}

// takesTime are commands whose output is of interest before they end.
var takesTime = map[string]bool{"exec": true, "wait": true, "rollout status": true, "drain": true}

// output collects what the command writes, and where that comes over time, tells
// the gate as it comes.
func (c command) output(gate tools.Gate, limits tools.Limits) *output {
	out := newOutput(limits.Bytes)
	if c.follows() || takesTime[c.name] {
		out.tell = gate.Stream
	}
	return out
}
