package approval

import (
	"context"
	"errors"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
)

// pollEvery is how soon a change by another process is noticed.
const pollEvery = 250 * time.Millisecond

// lookEvery is how often who waits looks at the clock.
const lookEvery = time.Second

// Run follows what other processes change and lets requests expire, until ctx
// ends. Then nothing is awaited any more, so that no call keeps a process that
// is told to stop. It must be called once.
func (d *Desk) Run(ctx context.Context) {
	defer close(d.closed)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := d.catchUp(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("changes of requests for approval could not be read", "error", err)
		}
		d.expire(ctx)
	}
}

// catchUp takes in what has changed on record.
func (d *Desk) catchUp(ctx context.Context) error {
	d.mu.Lock()
	seen, loaded := d.seen, d.loaded
	d.mu.Unlock()
	seen, list, err := d.news(ctx, seen, loaded)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loaded, d.seen = true, max(d.seen, seen)
	for _, st := range list {
		if loaded {
			d.seen = max(d.seen, st.Changed)
		}
		if st.Kind != Kind {
			continue
		}
		r, err := d.read(st)
		if err != nil {
			d.log.Error("a request for approval was passed over", "error", err)
			continue
		}
		d.take(r)
	}
	return nil
}

// news are the standings that changed since what was seen, or at first those
// that are open, and what has been seen by then.
func (d *Desk) news(ctx context.Context, seen int64, loaded bool) (_ int64, list []recorder.Standing, err error) {
	if loaded {
		list, err = d.options.Reader.StandingsSince(ctx, seen)
		return seen, list, err
	}
	// What changes while the open ones are listed comes once more.
	latest, err := d.options.Reader.RecentStandings(ctx, Kind, 1)
	if err != nil {
		return 0, nil, err
	}
	for _, st := range latest {
		seen = st.Changed
	}
	for _, phase := range []Phase{Requested, Approved} {
		open, err := d.options.Reader.Standings(ctx, Kind, string(phase))
		if err != nil {
			return 0, nil, err
		}
		list = append(list, open...)
	}
	return seen, list, nil
}

// expire ends the requests whose time has run out.
func (d *Desk) expire(ctx context.Context) {
	d.mu.Lock()
	var due []string
	for id, r := range d.open {
		if !d.now().Before(r.Expires) {
			due = append(due, id)
		}
	}
	d.mu.Unlock()
	for _, id := range due {
		if err := d.lapse(ctx, id); err != nil && ctx.Err() == nil {
			d.log.Error("a request for approval could not be ended", "approval", id, "error", err)
		}
	}
}

// lapse ends a request if its time has run out.
func (d *Desk) lapse(ctx context.Context, id string) error {
	_, err := d.change(ctx, id, func(r Request) (Request, []recorder.Event, error) {
		next, err := r.expire(d.now())
		return next, []recorder.Event{expired(r, next)}, err
	})
	if errors.Is(err, ErrEnded) {
		return nil
	}
	return err
}

// Await returns the request once it is not only requested any more, or as it is
// when ctx or Run ends.
func (d *Desk) Await(ctx context.Context, id string) (Request, error) {
	for {
		d.mu.Lock()
		r, open := d.open[id]
		changed := d.changed
		d.mu.Unlock()
		left := r.Expires.Sub(d.now())
		if !open || r.Phase != Requested || left <= 0 {
			ctx := context.WithoutCancel(ctx)
			if err := d.lapse(ctx, id); err != nil {
				return r, err
			}
			return d.Get(ctx, id)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return r, nil
		case <-d.closed:
			return r, nil
		case <-time.After(min(left, lookEvery)): // the clock may be put forward
		}
	}
}

// Changes returns a channel that is closed when a request changes.
func (d *Desk) Changes() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}
