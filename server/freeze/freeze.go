// Package freeze keeps what is frozen: calls that are refused, all of them or
// those of one principal, session or connection, until somebody thaws it.
package freeze

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

// Scope says what a freeze is about.
type Scope string

// The scopes.
const (
	Everything Scope = "everything"
	Principal  Scope = "principal"
	Session    Scope = "session"
	Connection Scope = "connection"
)

// Freeze is one freeze. Name says which principal (by subject), session or
// connection it is about; it is "" for everything.
type Freeze struct {
	Scope Scope            `json:"scope"`
	Name  string           `json:"name,omitempty"`
	By    policy.Principal `json:"by"`
	Why   string           `json:"why,omitempty"`
	At    time.Time        `json:"at"`
}

// Caller is who a call is by, and where it goes.
type Caller struct{ Subject, Session, Connection string }

// covers reports whether the freeze is about a caller.
func (f Freeze) covers(c Caller) bool {
	switch f.Scope {
	case Everything:
		return true
	case Principal:
		return f.Name == c.Subject
	case Session:
		return f.Name == c.Session
	case Connection:
		return f.Name == c.Connection
	}
	return true // a scope that is not known here stops everything
}

// Kind is that of the standings that hold freezes.
const Kind = "freeze"

const (
	phaseOn  = "on"
	phaseOff = "off"
)

// Record is where freezes are kept.
type Record interface {
	Change(ctx context.Context, set []recorder.Standing, events ...recorder.Event) error
}

// Reader reads what is kept.
type Reader interface {
	Standing(ctx context.Context, kind, id string) (recorder.Standing, error)
	Standings(ctx context.Context, kind, phase string) ([]recorder.Standing, error)
}

// Board is what is frozen, as this process knows it. Its methods are safe for
// concurrent use.
type Board struct {
	record Record
	reader Reader
	log    *slog.Logger

	// reading lets one reading follow the other, so that an older one does not
	// undo a newer one.
	reading sync.Mutex

	mu      sync.Mutex
	on      []Freeze
	changed chan struct{}
}

// Open reads what is frozen. record may be nil for a board that is only read,
// and log for one that tells nobody.
func Open(ctx context.Context, record Record, reader Reader, log *slog.Logger) (*Board, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	b := &Board{record: record, reader: reader, log: log, changed: make(chan struct{})}
	return b, b.refresh(ctx)
}

// pollEvery is how soon a freeze by another process holds.
const pollEvery = 250 * time.Millisecond

// Run follows what other processes freeze and thaw, until ctx ends.
func (b *Board) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := b.refresh(ctx); err != nil && ctx.Err() == nil {
				b.log.Error("what is frozen could not be read", "error", err)
			}
		}
	}
}

// Find returns a freeze that covers the caller.
func (b *Board) Find(c Caller) (Freeze, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.on, func(f Freeze) bool { return f.covers(c) })
	if i < 0 {
		return Freeze{}, false
	}
	return b.on[i], true
}

// List returns all freezes.
func (b *Board) List() []Freeze {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.on)
}

// Changes returns a channel that is closed when something is frozen or thawed.
func (b *Board) Changes() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// Set freezes. What is frozen already stays so.
func (b *Board) Set(ctx context.Context, f Freeze) error {
	if err := f.check(); err != nil {
		return err
	}
	return b.put(ctx, f, phaseOn, recorder.Frozen{Scope: string(f.Scope), Name: f.Name, By: f.By, Why: f.Why})
}

// Lift thaws.
func (b *Board) Lift(ctx context.Context, f Freeze) error {
	if err := f.check(); err != nil {
		return err
	}
	return b.put(ctx, f, phaseOff, recorder.Thawed{Scope: string(f.Scope), Name: f.Name, By: f.By})
}

// maxWhy bounds what a freeze may say, in bytes.
const maxWhy = 500

func (f Freeze) check() error {
	known := slices.Contains([]Scope{Everything, Principal, Session, Connection}, f.Scope)
	switch {
	case !known:
		return fmt.Errorf("%q is nothing that can be frozen: everything, a principal, a session or a connection can", f.Scope)
	case (f.Name == "") != (f.Scope == Everything):
		return fmt.Errorf("name the %s, and nothing for everything", f.Scope)
	case len(f.Why) > maxWhy || len(f.Name) > maxWhy:
		return fmt.Errorf("the reason is longer than %d bytes", maxWhy)
	}
	return nil
}

func (b *Board) put(ctx context.Context, f Freeze, phase string, body recorder.Body) error {
	id := string(f.Scope) + ":" + f.Name
	for range 10 {
		now, err := b.reader.Standing(ctx, Kind, id)
		if err != nil && !errors.Is(err, recorder.ErrNotFound) {
			return err
		}
		if now.Phase == phase || now.Version == 0 && phase == phaseOff {
			return b.refresh(ctx)
		}
		data, err := json.Marshal(f)
		if err != nil {
			return err
		}
		next := recorder.Standing{Kind: Kind, ID: id, Phase: phase, Version: now.Version, Data: data}
		if err = b.record.Change(ctx, []recorder.Standing{next}, recorder.Event{Body: body}); err == nil {
			return b.refresh(ctx)
		}
		if !errors.Is(err, recorder.ErrStale) {
			return err
		}
	}
	return errors.New("it changes too fast: try again")
}

// refresh reads what is frozen now.
func (b *Board) refresh(ctx context.Context) error {
	b.reading.Lock()
	defer b.reading.Unlock()
	list, err := b.reader.Standings(ctx, Kind, phaseOn)
	if err != nil {
		return err
	}
	var on []Freeze
	for _, st := range list {
		var f Freeze
		if err := json.Unmarshal(st.Data, &f); err != nil || string(f.Scope)+":"+f.Name != st.ID {
			f = Freeze{Scope: Everything, Why: "a freeze on record can't be read"}
		}
		on = append(on, f)
	}
	slices.SortFunc(on, func(x, y Freeze) int { return strings.Compare(string(x.Scope)+":"+x.Name, string(y.Scope)+":"+y.Name) })
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.EqualFunc(on, b.on, func(x, y Freeze) bool { return x.Scope == y.Scope && x.Name == y.Name }) {
		close(b.changed)
		b.changed = make(chan struct{})
	}
	b.on = on
	return nil
}
