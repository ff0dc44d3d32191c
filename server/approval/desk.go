package approval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
)

// Kind is that of the standings that hold requests.
const Kind = "approval"

// Record is where requests are kept. See package recorder for its promises.
type Record interface {
	Change(ctx context.Context, set []recorder.Standing, events ...recorder.Event) error
	Key(purpose string) [32]byte
}

// Reader reads what is kept.
type Reader interface {
	Standing(ctx context.Context, kind, id string) (recorder.Standing, error)
	Standings(ctx context.Context, kind, phase string) ([]recorder.Standing, error)
	RecentStandings(ctx context.Context, kind string, n int) ([]recorder.Standing, error)
	StandingsSince(ctx context.Context, changed int64) ([]recorder.Standing, error)
}

// Options are what a desk is made of.
type Options struct {
	Record Record
	Reader Reader
	// Expires is how long a request waits where its rules do not say; 0 stands
	// for half an hour.
	Expires time.Duration
	// Approvers says whose the keys are by which people answer, as the
	// configuration has it, each as they are to be on record; nil takes no answer
	// by key.
	Approvers map[string]policy.Principal
	// Open is how many requests of one principal may be open at a time; 0 stands
	// for 50.
	Open int
	// Notices are standings to set together with a new request, for whoever
	// tells people of it; nil tells nobody.
	Notices func(Request) []recorder.Standing
	// Log is for the operator; nil discards.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

const (
	defaultExpires = 30 * time.Minute
	defaultOpen    = 50
)

// Desk is where calls wait and people answer. Its methods are safe for
// concurrent use, also by several processes on one record.
type Desk struct {
	options Options
	sealer  sealer
	keeper  keeper
	log     *slog.Logger
	now     func() time.Time

	// asking lets one request be made at a time, so that no caller gets past the
	// bound on open ones.
	asking sync.Mutex

	mu sync.Mutex
	// open are the requests that can still come to something, by id, as this
	// process has last seen them.
	open map[string]Request
	// byKey leads from a call to its open request.
	byKey map[string]string
	// changed is closed, and made anew, when something in open changes.
	changed chan struct{}
	// seen is the latest change that was taken in, once loaded.
	seen   int64
	loaded bool
	// closed is closed when nothing more is awaited.
	closed chan struct{}
}

// NewDesk opens the desk with the requests that are open on record.
func NewDesk(ctx context.Context, o Options) (*Desk, error) {
	d := &Desk{options: o, keeper: o.Record.Key("approval requests"), log: o.Log, now: o.Now, open: map[string]Request{}, byKey: map[string]string{}, changed: make(chan struct{}), closed: make(chan struct{})}
	if d.options.Expires <= 0 {
		d.options.Expires = defaultExpires
	}
	if d.options.Open <= 0 {
		d.options.Open = defaultOpen
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if d.now == nil {
		d.now = time.Now
	}
	var err error
	if d.sealer, err = newSealer(o.Record.Key("approvals")); err != nil {
		return nil, err
	}
	return d, d.catchUp(ctx)
}

// Get returns a request as it is on record.
func (d *Desk) Get(ctx context.Context, id string) (Request, error) {
	st, err := d.options.Reader.Standing(ctx, Kind, id)
	if err != nil {
		return Request{}, err
	}
	return d.read(st)
}

// Call returns the call that waits for a request.
func (d *Desk) Call(r Request) ([]byte, error) { return d.sealer.open(r.Sealed, r.ID) }

// Answer takes what one person says to a request. One by key says when, and is
// signed; see [Request.Statement].
func (d *Desk) Answer(ctx context.Context, id string, a Answer) (Request, error) {
	if now := d.now().UTC(); a.By.Method != policy.Key {
		a.At, a.Signature = now, nil
	} else if now.Sub(a.At).Abs() > signedWithin {
		return Request{}, ErrSignedWhen
	}
	a.Comment = strings.TrimSpace(a.Comment)
	return d.change(ctx, id, func(r Request) (Request, []recorder.Event, error) {
		next, err := r.answer(a)
		if err == nil {
			err = d.signed(r, a)
		}
		if err != nil {
			return r, nil, err
		}
		said, err := answered(r, a, next.Phase)
		return next, []recorder.Event{said}, err
	})
}

func answered(r Request, a Answer, phase Phase) (recorder.Event, error) {
	digest, err := r.Digest()
	return event(r, recorder.ApprovalAnswered{
		Approval: r.ID, By: a.By, Verdict: string(a.Verdict), Comment: a.Comment, At: a.At, Via: a.Via, Preview: a.Seen,
		Request: digest, Signature: a.Signature, Phase: string(phase),
	}), err
}

// Spend lets the call of an approved request run, once: of all who try, in any
// process and at any time, one gets nil. The events are recorded with it, or
// not at all. acted is the request as the call was prepared by it: what was
// approved has to be the same.
func (d *Desk) Spend(ctx context.Context, acted Request, call, session string, events ...recorder.Event) error {
	_, err := d.change(ctx, acted.ID, func(r Request) (Request, []recorder.Event, error) {
		next, err := r.spend(call, session, d.now())
		if err == nil {
			err = errors.Join(d.genuine(r), same(r, acted))
		}
		spent := recorder.Event{Session: session, Call: call, Body: recorder.ApprovalSpent{Approval: r.ID}}
		// Before the last, which is the start of the call.
		return next, slices.Insert(slices.Clone(events), max(len(events)-1, 0), spent), err
	})
	return err
}

// Cancel ends a request that has lost its meaning.
func (d *Desk) Cancel(ctx context.Context, id, why string) error {
	_, err := d.change(ctx, id, func(r Request) (Request, []recorder.Event, error) {
		next, err := r.cancel(why)
		return next, []recorder.Event{event(r, recorder.ApprovalEnded{Approval: id, Phase: string(Cancelled), Why: why})}, err
	})
	return err
}

// List returns the requests that are open, those that end first first.
func (d *Desk) List(ctx context.Context) ([]Request, error) {
	var out []Request
	for _, phase := range []Phase{Requested, Approved} {
		list, err := d.options.Reader.Standings(ctx, Kind, string(phase))
		if err != nil {
			return nil, err
		}
		out = append(out, d.readable(list)...)
	}
	return out, nil
}

// Recent returns the latest requests, whatever has become of them.
func (d *Desk) Recent(ctx context.Context, n int) ([]Request, error) {
	list, err := d.options.Reader.RecentStandings(ctx, Kind, n)
	return d.readable(list), err
}

// readable are the requests that can be read: one that was changed by hand must
// not hide the others.
func (d *Desk) readable(list []recorder.Standing) []Request {
	out := make([]Request, 0, len(list))
	for _, st := range list {
		r, err := d.read(st)
		if err != nil {
			d.log.Error("a request for approval was passed over", "error", err)
			continue
		}
		out = append(out, r)
	}
	return out
}

// maxTries is how often a change is tried again when another was faster.
const maxTries = 20

// change makes a request what next says, in one transaction with the events.
func (d *Desk) change(ctx context.Context, id string, next func(Request) (Request, []recorder.Event, error)) (Request, error) {
	for range maxTries {
		r, err := d.Get(ctx, id)
		if err != nil {
			return r, err
		}
		changed, events, err := next(r)
		// Whoever finds that its time is over ends it, so that a clock that is
		// put back does not open it again.
		over, overErr := r.expire(d.now())
		late := overErr == nil && changed.Phase != Expired
		if late {
			changed, events, err = over, []recorder.Event{expired(r, over)}, nil
		}
		if err != nil {
			return r, err
		}
		changed, err = d.put(ctx, changed, nil, events...)
		if errors.Is(err, recorder.ErrStale) {
			continue
		}
		if late && err == nil {
			err = ErrEnded
		}
		return changed, err
	}
	return Request{}, fmt.Errorf("the request %s changes too fast: try again", id)
}

// put writes a request, and takes it in.
func (d *Desk) put(ctx context.Context, r Request, more []recorder.Standing, events ...recorder.Event) (Request, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return r, err
	}
	data = d.keeper.sign(data, r.ID, r.version+1)
	st := recorder.Standing{Kind: Kind, ID: r.ID, Phase: string(r.Phase), Due: r.Expires, Version: r.version, Data: data}
	if err := d.options.Record.Change(ctx, append(more, st), events...); err != nil {
		return r, err
	}
	r.version++
	d.mu.Lock()
	defer d.mu.Unlock()
	d.take(r)
	return r, nil
}

// take notes a request as it is now. d.mu is held.
func (d *Desk) take(r Request) {
	if known, ok := d.open[r.ID]; ok && known.version > r.version {
		return
	}
	if r.Phase.Open() {
		d.open[r.ID], d.byKey[r.Key] = r, r.ID
	} else {
		delete(d.open, r.ID)
		if d.byKey[r.Key] == r.ID {
			delete(d.byKey, r.Key)
		}
	}
	close(d.changed)
	d.changed = make(chan struct{})
}

// read takes a request from the record. One that we did not write is none, and
// what it can be listed by must not differ from what is acted on.
func (d *Desk) read(st recorder.Standing) (r Request, err error) {
	data, ok := d.keeper.verified(st.Data, st.ID, st.Version)
	if ok {
		err = json.Unmarshal(data, &r)
	}
	if !ok || err != nil || r.ID != st.ID || string(r.Phase) != st.Phase {
		return Request{}, fmt.Errorf("the request %s was changed by hand: run `chaperone sessions verify`", st.ID)
	}
	r.version = st.Version
	return r, nil
}

func expired(r, over Request) recorder.Event {
	return event(r, recorder.ApprovalEnded{Approval: r.ID, Phase: string(Expired), Why: over.Why})
}

func event(r Request, body recorder.Body) recorder.Event {
	return recorder.Event{Session: r.Session, Call: r.Call, Body: body}
}
