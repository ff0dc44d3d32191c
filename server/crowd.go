package server

import "sync"

// crowd counts what each principal has under way, so that one can't take all
// the room that there is.
type crowd struct {
	most int

	mu     sync.Mutex
	inside map[caller]int
}

func newCrowd(most int) *crowd { return &crowd{most: most, inside: map[caller]int{}} }

// enter lets one more in, until leave is called, unless there are enough.
func (c *crowd) enter(who caller) (leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inside[who] >= c.most {
		return nil, false
	}
	c.inside[who]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.inside[who]--; c.inside[who] == 0 {
			delete(c.inside, who)
		}
	}, true
}
