package gateway

import (
	"context"
	"fmt"
	"sync"

	"github.com/chaperone-dev/chaperone/tools"
)

// doorkeeper counts the calls under way, so that one principal can't keep the
// gateway from the others.
type doorkeeper struct {
	most int

	mu     sync.Mutex
	inside map[string]int
	all    int
	// closed is set once no more are let in, and closed when all have left.
	closed chan struct{}
}

const defaultConcurrent = 16

func newDoorkeeper(most int) *doorkeeper {
	if most <= 0 {
		most = defaultConcurrent
	}
	return &doorkeeper{most: most, inside: map[string]int{}}
}

// enter lets one call of a principal in, until leave is called.
func (d *doorkeeper) enter(principal string) (leave func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed != nil:
		return nil, &tools.Refusal{Rule: "shutdown", Reason: "the gateway is shutting down", Hint: "try again in a while", Later: true}
	case d.inside[principal] >= d.most:
		return nil, &tools.Refusal{
			Rule: "busy", Reason: fmt.Sprintf("you have %d calls under way, and more are not let in at a time", d.most),
			Hint: "wait until one of them is done, then try again", Later: true,
		}
	}
	d.inside[principal]++
	d.all++
	return func() { d.leave(principal) }, nil
}

func (d *doorkeeper) leave(principal string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.inside[principal]--; d.inside[principal] == 0 {
		delete(d.inside, principal)
	}
	if d.closed != nil && d.all == 0 {
		close(d.closed)
	}
}

// close lets nobody in any more and waits until all have left.
func (d *doorkeeper) close(ctx context.Context) error {
	d.mu.Lock()
	if d.closed == nil {
		d.closed = make(chan struct{})
		if d.all == 0 {
			close(d.closed)
		}
	}
	empty := d.closed
	d.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
