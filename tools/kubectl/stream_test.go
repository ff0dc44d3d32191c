package kubectl

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chaperone-dev/chaperone/tools"
)

// heard is what a gate was streamed.
type heard struct {
	mu     sync.Mutex
	pieces []string
	texts  map[string]string
}

// listen has the stage's gate keep what it is streamed, and do something with
// each piece.
func (s *stage) listen(do func(piece string) error) *heard {
	h := &heard{texts: map[string]string{}}
	s.gate.heard = func(stream, lines string) error {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.pieces = append(h.pieces, lines)
		h.texts[stream] += lines
		return do(lines)
	}
	return h
}

func silent(string) error { return nil }

func (s *stage) box() {
	s.t.Helper()
	s.must("run box --image=box")
	s.must("wait --for=condition=Ready pod/box --timeout=20s")
}

// TestStreams: what comes over time is told as it comes, whole, and what does not
// is not told.
func TestStreams(t *testing.T) {
	s := newStage(t)
	s.box()
	h := s.listen(silent)
	s.must("get pods -o yaml")
	s.must("logs box")
	if len(h.pieces) > 0 {
		t.Errorf("what ends at once is told in pieces: %q", h.pieces)
	}
	// A line comes every tenth of a second.
	out := s.must("logs box -f --limit-bytes=300")
	if len(h.pieces) < 2 || h.texts["stdout"] != out || len(out) != 300 {
		t.Errorf("%d pieces %q of %q", len(h.pieces), h.texts["stdout"], out)
	}
	for _, piece := range h.pieces[:len(h.pieces)-1] {
		if !strings.HasSuffix(piece, "\n") {
			t.Errorf("%q is cut within a line", piece)
		}
	}
	h = s.listen(silent)
	if r, err := s.call("exec -i box -- cat", "one\ntwo"); err != nil || h.texts["stdout"] != r.Output || r.Output != "one\ntwo" {
		t.Errorf("%q of %+v, %v", h.texts, r, err)
	}
	_, _ = s.call("exec box -- nothing", "")
	if !strings.Contains(h.texts["stderr"], "exit code 127") {
		t.Errorf("%q", h.texts)
	}
}

// TestStreamsAtOnce: a piece is told while the command goes on.
func TestStreamsAtOnce(t *testing.T) {
	s := newStage(t)
	s.box()
	ctx, cancel := context.WithCancel(t.Context())
	created := false
	h := s.listen(func(piece string) error {
		switch {
		case !created:
			created = true
			labels := map[string]string{"told": "while-it-watches"}
			pod, err := s.client.CoreV1().Pods(s.namespace).Get(t.Context(), "box", metav1.GetOptions{})
			if err != nil {
				return err
			}
			pod.Labels = labels
			_, err = s.client.CoreV1().Pods(s.namespace).Update(t.Context(), pod, metav1.UpdateOptions{})
			return err
		case strings.Contains(piece, "while-it-watches"):
			cancel()
		}
		return nil
	})
	plan, err := s.conn.Describe(ctx, s.request("get pods -w --show-labels", ""))
	if err != nil {
		t.Fatal(err)
	}
	_, err = plan.Run(ctx, s.gate, tools.Limits{})
	var f *tools.Failure
	if !errors.As(err, &f) || f.Code != "cancelled" {
		t.Errorf("%v after %q", err, h.pieces)
	}
}

// TestStreamUntold: what can't be told ends the command.
func TestStreamUntold(t *testing.T) {
	s := newStage(t)
	s.box()
	full := errors.New("the disk is full")
	s.listen(func(string) error { return full })
	if r, err := s.call("logs box -f", ""); !errors.Is(err, full) {
		t.Errorf("%+v %v", r, err)
	}
}
