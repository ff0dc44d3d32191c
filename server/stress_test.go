package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/chaperone-dev/chaperone/recorder"
)

// TestStress lets many clients do small things at the same time, in every order,
// and looks at what is left of it: nothing.
func TestStress(t *testing.T) {
	const clients, rounds = 200, 8
	// What the process needs for itself is there before counting.
	warm := newTestSite(t)
	warm.serveHTTP().connect(t, "warm").call("fake_read", "x")
	before := runtime.NumGoroutine()
	t.Run("clients", func(t *testing.T) {
		s := newTestSite(t)
		s.fake.hold("held")
		h := s.serveHTTP()
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() { h.play(t, i, rounds) })
		}
		all.Wait()
		h.wait(t)
		s.allEnded(clients * rounds)
	})
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

// allEnded checks that there are so many calls on record, each with an outcome.
func (s *testSite) allEnded(least int64) {
	s.t.Helper()
	r, err := recorder.OpenReader(s.t.Context(), s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	sessions, err := r.Sessions(s.t.Context(), recorder.SessionFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	var received, unended int64
	for _, session := range sessions {
		received += session.Calls.Received
		unended += session.Calls.Unended()
	}
	if received < least || unended != 0 {
		s.t.Errorf("%d calls are on record, and %d of them have no outcome", received, unended)
	}
}

// play is what one client does. Ten share a principal.
func (h *served) play(t *testing.T, n, rounds int) {
	name := fmt.Sprintf("user%c", 'a'+n/10)
	c := h.modern(t, name)
	if n%4 != 0 {
		c = h.connect(t, name)
	}
	if n%3 == 0 && c.session != "" {
		stream, hangUp, err := c.listen() //nolint:bodyclose // hangUp does
		if err != nil || stream.StatusCode != http.StatusOK {
			t.Errorf("client %d can't listen: %v", n, err)
			return
		}
		defer hangUp()
	}
	for i := range rounds {
		want := fmt.Sprintf("%d/%d", n, i)
		if r := c.call("fake_read", want).tool(t); r.Text != want && r.Rule != "busy" {
			t.Errorf("client %d: %+v", n, r)
		}
		ctx, hangUp := context.WithCancel(t.Context())
		switch rand.IntN(4) {
		case 0: // hangs up on a call
			hangUp()
			<-c.goCall(ctx, fmt.Sprint("dropped", i), "fake_write", "dropped")
		case 1: // cancels a call
			if c.session != "" {
				done := c.goCall(ctx, fmt.Sprint("cancelled", i), "fake_write", "held")
				c.cancel(fmt.Sprint("cancelled", i))
				<-done
			}
		case 2:
			c.call("nothing", "of the kind")
		}
		hangUp()
	}
	if n%2 == 0 && c.session != "" {
		c.send(http.MethodDelete, nil)
	}
}
