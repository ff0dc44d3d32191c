package console

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// lookEvery is how often it is looked what runs, and whether the session
	// still holds; it is also how often at most a page is told.
	lookEvery = 500 * time.Millisecond
	// sayEvery is how often a stream says something, so that nobody between
	// takes it for dead.
	sayEvery = 15 * time.Second
)

// events tells a page that something has changed, and not what: the page then
// asks for what its reader may see.
func (c *Console) events(v *visit) error {
	leave, ok := c.streams.enter(v.who().Issuer + "\x00" + v.who().Subject)
	if !ok {
		return &failure{http.StatusTooManyRequests, "You have too many pages open.", "Close some of them."}
	}
	defer leave()
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no")
	v.w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(v.w)
	say := func(what string) bool {
		_, err := io.WriteString(v.w, what)
		return err == nil && control.Flush() == nil
	}
	seen := c.look(v)
	// What changed before the stream was there is told at once.
	if !say("retry: 2000\n\ndata: changed\n\n") {
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	said := c.now()
	for {
		select {
		case <-v.r.Context().Done():
			return nil
		case <-tick.C:
		}
		if _, ok := c.sessions.get(v.session.key); !ok {
			return nil
		}
		before := seen
		seen = c.look(v)
		var what string
		switch {
		case before.changed(seen):
			what = "data: changed\n\n"
		case c.now().Sub(said) >= sayEvery:
			what = ": still here\n\n"
		default:
			continue
		}
		if said = c.now(); !say(what) {
			return nil
		}
	}
}

// glance is how things are: two channels that are closed when they change, and
// the calls that run.
type glance struct {
	requests, freezes <-chan struct{}
	calls             string
}

func (c *Console) look(v *visit) glance {
	return glance{c.options.Desk.Changes(), c.options.Freezes.Changes(), c.calls(v)}
}

// changed reports whether things have changed since, to what they are next. What
// changes after next was taken shows by next.
func (g glance) changed(next glance) bool {
	return g.calls != next.calls || ended(g.requests) || ended(g.freezes)
}

// calls is a text that differs when the calls differ that the person may see.
func (c *Console) calls(v *visit) string {
	var all strings.Builder
	for _, r := range c.running(v.who()) {
		fmt.Fprintf(&all, "%s %s\n", r.ID, r.Doing)
	}
	return all.String()
}

func ended(changes <-chan struct{}) bool {
	select {
	case <-changes:
		return true
	default:
		return false
	}
}
