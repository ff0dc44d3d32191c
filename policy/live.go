package policy

import (
	"context"
	"sync/atomic"
)

// Live is the policy in force, while its files change. Its methods are safe
// for concurrent use; a caller that has taken a [Policy] keeps deciding by it.
type Live struct {
	options  Options
	current  atomic.Pointer[Policy]
	rejected atomic.Pointer[Rejected]
}

// Open loads the policy to start with. A policy that does not load is an
// error: there is no last good one to fall back to.
func Open(ctx context.Context, o Options) (*Live, error) {
	p, err := Load(ctx, o)
	if err != nil {
		return nil, err
	}
	l := &Live{options: o}
	l.current.Store(p)
	return l, nil
}

// Policy is the policy in force.
func (l *Live) Policy() *Policy { return l.current.Load() }

// Rejected says why the files as they are now are not in force, nil when they
// are.
func (l *Live) Rejected() *Rejected { return l.rejected.Load() }

// Change is what came of files that changed. One of its fields is set.
type Change struct {
	// Policy is in force from now on.
	Policy *Policy
	// Rejected is why the last good policy stays in force.
	Rejected *Rejected
}

// take puts what was read into force, unless it is faulty.
func (l *Live) take(ctx context.Context, sources []source, err error) Change {
	var p *Policy
	if err == nil {
		p, err = load(ctx, l.options, sources)
	}
	if err != nil {
		rejected := reject(err)
		l.rejected.Store(rejected)
		return Change{Rejected: rejected}
	}
	l.current.Store(p)
	l.rejected.Store(nil)
	return Change{Policy: p}
}
