package approval

import (
	"context"
	"errors"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
)

// pollEvery is how soon a change by another process is noticed.
const pollEvery = 250 * time.Millisecond

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
	seen := d.seen
	d.mu.Unlock()
	list, err := d.news(ctx, seen)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, st := range list {
		d.seen = max(d.seen, st.Changed)
		if st.Kind != Kind {
			continue
		}
		r, err := read(st)
		if err != nil {
			d.log.Error("a request for approval was passed over", "error", err)
			continue
		}
		d.take(r)
	}
	return nil
}

// news are the standings that changed, or at first those that are open.
func (d *Desk) news(ctx context.Context, seen int64) ([]recorder.Standing, error) {
	if seen > 0 {
		return d.options.Reader.StandingsSince(ctx, seen)
	}
	requested, err := d.options.Reader.Standings(ctx, Kind, string(Requested))
	if err != nil {
		return nil, err
	}
	approved, err := d.options.Reader.Standings(ctx, Kind, string(Approved))
	return append(requested, approved...), err
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
		_, err := d.change(ctx, id, func(r Request) (Request, []recorder.Event, error) {
			next, err := r.expire(d.now())
			return next, []recorder.Event{event(r, recorder.ApprovalEnded{Approval: id, Phase: string(Expired), Why: next.Why})}, err
		})
		if err != nil && !errors.Is(err, ErrEnded) && ctx.Err() == nil {
			d.log.Error("a request for approval could not be ended", "approval", id, "error", err)
		}
	}
}

// Await returns the request once it is not only requested any more, or as it is
// when ctx or Run ends.
func (d *Desk) Await(ctx context.Context, id string) (Request, error) {
	for {
		d.mu.Lock()
		r, open := d.open[id]
		changed := d.changed
		d.mu.Unlock()
		if !open || r.Phase != Requested || !d.now().Before(r.Expires) {
			return d.Get(context.WithoutCancel(ctx), id)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return r, nil
		case <-d.closed:
			return r, nil
		case <-time.After(time.Until(r.Expires)):
		}
	}
}

// Changes returns a channel that is closed when a request changes.
func (d *Desk) Changes() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}
