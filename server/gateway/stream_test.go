package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

const keyBegins, keyEnds = "-----BEGIN PRIVATE KEY-----\nMIIEow\n", "-----END PRIVATE KEY-----\n"

// pieces are what the record holds of a call's streams.
func (s *stage) pieces(call string) (out []string) {
	s.t.Helper()
	for _, e := range s.events(call) {
		if b, ok := e.Body.(recorder.Output); ok {
			out = append(out, b.Stream+" "+e.Content.Text)
		}
	}
	return out
}

// What a run writes is on record in the pieces that it came in, without any part
// of a secret, and a caller is shown only what is on disk.
func TestStream(t *testing.T) {
	s := newStage(t)
	written := []string{"one\n", "two ghp_" + strings.Repeat("d", 36) + "\n", keyBegins, "more\n" + keyEnds + "three\n", "four"}
	s.target.run = func(_ context.Context, g tools.Gate) (tools.Result, error) {
		for _, w := range written {
			if err := g.Stream("stdout", w); err != nil {
				return nil, err
			}
		}
		return s.target.result(), g.Stream("stderr", keyBegins)
	}
	want := []string{"stdout one\n", "stdout two [GitHub token removed]\n", "stdout [private key removed]\nthree\n", "stdout four", "stderr [private key removed]"}
	if got := s.pieces(s.call("fake_read").Call); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("on record are %q", got)
	}
	var shown []string
	reply := s.gateway.Call(t.Context(), s.session, Incoming{Tool: "fake_read", Args: []byte(`{"connection":"one"}`), Stream: func(_, lines string) {
		shown = append(shown, lines)
		if n := len(s.events("")); n == 0 || s.events("")[n-1].Content.Text != lines {
			t.Errorf("%q is shown before it is on disk", lines)
		}
	}})
	if len(shown) != len(want) || reply.Error() {
		t.Errorf("%+v shows %q", reply, shown)
	}
}

// What can't be recorded ends the run, and nobody is shown it.
func TestStreamUnrecorded(t *testing.T) {
	s := newStage(t)
	s.record.fail = failing(recorder.KindOutput, errDisk)
	s.target.run = func(_ context.Context, g tools.Gate) (tools.Result, error) {
		err := g.Stream("stdout", "one\n")
		if !errors.Is(err, errDisk) {
			t.Errorf("%v", err)
		}
		return nil, err
	}
	reply := s.gateway.Call(t.Context(), s.session, Incoming{Tool: "fake_read", Args: []byte(`{"connection":"one"}`), Stream: func(_, lines string) { t.Errorf("%q is shown", lines) }})
	if !reply.Error() {
		t.Errorf("%+v", reply)
	}
}

// Nothing is streamed while a call is only described.
func TestStreamEarly(t *testing.T) {
	s := newStage(t)
	s.target.describe = func(_ context.Context, r tools.Request) error { return r.Gate.Stream("stdout", "one\n") }
	if reply := s.call("fake_read"); !reply.Error() || len(s.pieces(reply.Call)) > 0 {
		t.Errorf("%+v", reply)
	}
}
