package approval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
)

// keyKind is that of the standings that say which request a call waits for.
// Whoever asks sets it together with the request, so that of several processes
// that are asked the same at once one makes a request and the others find it.
const keyKind = "approval-key"

// ErrTooMany is the error of asking for more than one principal may have open.
var ErrTooMany = errors.New("too many requests for approval are open")

// Ask puts a request on the desk, together with events, or returns the open one
// that the same call under the same policy waits for already, in any process;
// then the events are not recorded. call is the call itself, as its caller may
// make it again. The error is [ErrTooMany] where the principal has as many open
// as one may have.
func (d *Desk) Ask(ctx context.Context, r Request, call []byte, events ...recorder.Event) (_ Request, fresh bool, err error) {
	d.asking.Lock()
	defer d.asking.Unlock()
	for range maxTries {
		known, key, err := d.known(ctx, r.Key, r.Policy)
		if err != nil || known != nil {
			return orNone(known), false, err
		}
		if err := d.room(r.Principal); err != nil {
			return Request{}, false, err
		}
		asked, err := d.ask(ctx, r, key, call, events)
		if !errors.Is(err, recorder.ErrStale) {
			return asked, true, err
		}
	}
	return Request{}, false, errors.New("others ask the same too fast: try again")
}

func orNone(r *Request) Request {
	if r == nil {
		return Request{}
	}
	return *r
}

// ask makes the request the one that its call waits for.
func (d *Desk) ask(ctx context.Context, r Request, key recorder.Standing, call []byte, events []recorder.Event) (Request, error) {
	now := d.now().UTC()
	r.ID = ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String()
	r.Phase, r.Asked = Requested, now
	r.Window = r.Rules.Wait(d.options.Expires)
	r.Expires = now.Add(r.Window)
	r.Sealed = d.sealer.seal(call, r.ID)
	var err error
	if key.Data, err = json.Marshal(r.ID); err != nil {
		return r, err
	}
	set := []recorder.Standing{key}
	if d.options.Notices != nil {
		set = append(set, d.options.Notices(r)...)
	}
	events = append(events[:len(events):len(events)], recorder.Event{Time: now, Session: r.Session, Call: r.Call, Body: recorder.ApprovalRequested{
		Approval: r.ID, Rules: r.Rules, Expires: r.Expires, Policy: r.Policy, Preview: r.Preview.Digest(), Key: r.Key,
	}})
	return d.put(ctx, r, set, events...)
}

// known is the open request that a call waits for on record, or nil; and what
// to set to make it wait for another.
func (d *Desk) known(ctx context.Context, key, policy string) (*Request, recorder.Standing, error) {
	st, err := d.options.Reader.Standing(ctx, keyKind, key)
	if errors.Is(err, recorder.ErrNotFound) {
		return nil, recorder.Standing{Kind: keyKind, ID: key, Phase: "asked"}, nil
	}
	if err != nil {
		return nil, st, err
	}
	r, err := d.named(ctx, st)
	switch {
	case errors.Is(err, recorder.ErrUnavailable), ctx.Err() != nil:
		return nil, st, errors.Join(err, ctx.Err())
	case err != nil:
		d.log.Error("a request for approval was passed over", "error", err)
		return nil, st, nil
	case r.Key != key || !d.waits(r, policy):
		return nil, st, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.take(r)
	return &r, st, nil
}

// named is the request that a standing names.
func (d *Desk) named(ctx context.Context, st recorder.Standing) (Request, error) {
	var id string
	if err := json.Unmarshal(st.Data, &id); err != nil {
		return Request{}, err
	}
	return d.Get(ctx, id)
}

// waits reports whether a request is open under a policy.
func (d *Desk) waits(r Request, policy string) bool {
	return r.Phase.Open() && r.Policy == policy && d.now().Before(r.Expires)
}

// Waiting returns the open request of a call under a policy, as far as this
// process has seen. What it misses Ask finds.
func (d *Desk) Waiting(key, policy string) (Request, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.open[d.byKey[key]]
	if !d.waits(r, policy) {
		return Request{}, false
	}
	return r, true
}

// room refuses a principal who has too much open already, as far as this process
// has seen. d.asking is held.
func (d *Desk) room(p policy.Principal) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	open, first := 0, time.Time{}
	for _, r := range d.open {
		if !r.Phase.Open() || !d.now().Before(r.Expires) || r.Principal.Issuer != p.Issuer || r.Principal.Subject != p.Subject {
			continue
		}
		if open++; first.IsZero() || r.Expires.Before(first) {
			first = r.Expires
		}
	}
	if open < d.options.Open {
		return nil
	}
	return fmt.Errorf("%w: you have %d, and one may have no more; the first of them ends at %s", ErrTooMany, open, first.Format(time.RFC3339))
}
