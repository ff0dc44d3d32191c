package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
)

// Record is where notices are kept. See package recorder for its promises.
type Record interface {
	Change(ctx context.Context, set []recorder.Standing, events ...recorder.Event) error
}

// Reader reads what is kept.
type Reader interface {
	Standings(ctx context.Context, kind, phase string) ([]recorder.Standing, error)
}

// Target is where people are told: a webhook, or Slack.
type Target struct {
	Name string
	// Webhook gets JSON that is signed with Secret.
	Webhook, Secret string
	// Slack is the address of an incoming webhook of Slack's, which is a secret
	// itself.
	Slack string
}

// Options are what an outbox is made of.
type Options struct {
	Record  Record
	Reader  Reader
	Targets []Target
	// Console is the address at which people answer, or "".
	Console string
	// Log is for the operator; it gets no secrets. Nil discards.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Times are those that tests make smaller; zeros stand for the usual ones.
	Times Times
}

// Times are how long things take.
type Times struct {
	// Poll is how soon a notice is seen, and Timeout how long a receiver may
	// take.
	Poll, Timeout time.Duration
	// First is the wait after the first failure. It doubles, up to Most.
	First, Most time.Duration
	// GiveUp is how old a notice gets.
	GiveUp time.Duration
}

var usual = Times{Poll: time.Second, Timeout: 10 * time.Second, First: 5 * time.Second, Most: 30 * time.Minute, GiveUp: 24 * time.Hour}

func (t *Times) complete() {
	for _, d := range []struct{ is, usually *time.Duration }{
		{&t.Poll, &usual.Poll}, {&t.Timeout, &usual.Timeout}, {&t.First, &usual.First}, {&t.Most, &usual.Most}, {&t.GiveUp, &usual.GiveUp},
	} {
		if *d.is <= 0 {
			*d.is = *d.usually
		}
	}
}

// Outbox holds notices until they are sent. Its methods are safe for concurrent
// use, also by several processes on one record.
type Outbox struct {
	options Options
	client  *http.Client
	log     *slog.Logger
	now     func() time.Time
	times   Times
}

// New makes an outbox.
func New(o Options) *Outbox {
	b := &Outbox{options: o, log: o.Log, now: o.Now, times: o.Times}
	b.times.complete()
	b.client = newClient(b.times.Timeout)
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if b.now == nil {
		b.now = time.Now
	}
	return b
}

// Notices are what is to be put on record together with a new request.
func (b *Outbox) Notices(r approval.Request) []recorder.Standing {
	var out []recorder.Standing
	for _, t := range b.options.Targets {
		p := parcel{Target: t.Name, Made: r.Asked, Notice: notice(&r, r.ID+"."+t.Name, b.options.Console)}
		st, err := p.standing(waiting, r.Asked, 0)
		if err != nil {
			b.log.Error("a notice could not be written", "target", t.Name, "error", err)
			continue
		}
		out = append(out, st)
	}
	return out
}

// Run sends what waits, until ctx ends. One target that does not answer keeps
// no other waiting.
func (b *Outbox) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, t := range b.options.Targets {
		all.Go(func() { b.serve(ctx, t) })
	}
	all.Wait()
}

func (b *Outbox) serve(ctx context.Context, t Target) {
	tick := time.NewTicker(b.times.Poll)
	defer tick.Stop()
	for {
		if err := b.deliver(ctx, t); err != nil && ctx.Err() == nil {
			b.log.Error("the outbox of notices could not be used", "target", t.Name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// deliver sends what is due to a target.
func (b *Outbox) deliver(ctx context.Context, t Target) error {
	list, err := b.options.Reader.Standings(ctx, Kind, waiting)
	if err != nil {
		return err
	}
	for _, st := range list {
		var p parcel
		if err := json.Unmarshal(st.Data, &p); err != nil || p.Notice.ID != st.ID {
			b.log.Error("a notice that can't be read was passed over", "notice", st.ID)
			continue
		}
		if p.Target != t.Name || b.now().Before(st.Due) {
			continue
		}
		if err := b.try(ctx, t, p, st.Version); err != nil && !errors.Is(err, recorder.ErrStale) {
			return err
		}
	}
	return ctx.Err()
}

// try sends one notice. First it claims it: until that has run out, no other
// process sends it.
func (b *Outbox) try(ctx context.Context, t Target, p parcel, version int64) error {
	p.Tries++
	if err := b.put(ctx, p, waiting, b.now().Add(3*b.times.Timeout), version); err != nil {
		return err
	}
	failed := b.send(ctx, t, p.Notice)
	if failed != nil && ctx.Err() != nil {
		return nil // we are ending, and whoever comes next sends it
	}
	phase, due := sent, time.Time{}
	if failed != nil {
		phase, due = waiting, b.now().Add(b.backoff(p.Tries))
		if due.Sub(p.Made) > b.times.GiveUp {
			phase, due = givenUp, time.Time{}
		}
		b.log.Warn("a notice could not be sent", "target", t.Name, "notice", p.Notice.ID, "tries", p.Tries, "given_up", phase == givenUp, "error", failed)
	}
	return b.put(context.WithoutCancel(ctx), p, phase, due, version+1)
}

func (b *Outbox) put(ctx context.Context, p parcel, phase string, due time.Time, version int64) error {
	st, err := p.standing(phase, due, version)
	if err != nil {
		return err
	}
	return b.options.Record.Change(ctx, []recorder.Standing{st})
}

// backoff is how long to wait after so many tries.
func (b *Outbox) backoff(tries int) time.Duration {
	wait := b.times.First
	for ; tries > 1 && wait < b.times.Most; tries-- {
		wait *= 2
	}
	return min(wait, b.times.Most)
}
