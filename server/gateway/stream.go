package gateway

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools/scrub"
)

// streams is what a run writes while it is under way, by where it is written.
type streams struct {
	mu  sync.Mutex
	all map[string]*scrub.Stream
}

// errEarly is a family's mistake.
var errEarly = errors.New("a call that is only described has nothing to stream")

// Stream implements tools.Gate. What the caller is shown is on disk by then.
func (j judge) Stream(name, lines string) error {
	if j.before {
		return errEarly
	}
	s := &j.call.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]*scrub.Stream{}
	}
	if s.all[name] == nil {
		s.all[name] = &scrub.Stream{}
	}
	return j.show(name, s.all[name].Next(lines))
}

// endStreams shows what was kept back. If it can't be recorded, then neither can
// the outcome, which says so.
func (j judge) endStreams() {
	s := &j.call.streams
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.all)) {
		_ = j.show(name, s.all[name].Rest())
	}
}

func (j judge) show(name, text string) error {
	if text == "" {
		return nil
	}
	g, c := j.gateway, j.call
	now := g.now()
	e := c.event(now, recorder.Output{Stream: name, Offset: now.Sub(c.started).Milliseconds()})
	e.Content = recorder.NewContent([]byte(text))
	if c.in.Stream == nil {
		return c.session.kept(g.config.Record.Note(e))
	}
	if err := g.append(c, e); err != nil {
		return err
	}
	c.in.Stream(name, text)
	return nil
}
