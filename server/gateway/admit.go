package gateway

import (
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
	if d.inside[principal] >= d.most {
		return nil, &tools.Refusal{
			Rule: "busy", Reason: fmt.Sprintf("you have %d calls under way, and more are not let in at a time", d.most),
			Hint: "wait until one of them is done, then try again", Later: true,
		}
	}
	d.inside[principal]++
	return func() { d.leave(principal) }, nil
}

// stepOut lets a call that only waits make room for others. back lets it in
// again, whatever the number of them.
func (d *doorkeeper) stepOut(principal string) (back func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside[principal]--
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.inside[principal]++
	}
}

func (d *doorkeeper) leave(principal string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inside[principal]--; d.inside[principal] == 0 {
		delete(d.inside, principal)
	}
}
