package recorder

import (
	"sync"
	"time"
)

const (
	// probeEvery is how often an unavailable record is tried again, on demand.
	probeEvery = 100 * time.Millisecond
	// maxNoted and maxNotedBytes bound the events that nobody waits for.
	maxNoted      = 1024
	maxNotedBytes = 8 << 20
)

// queue holds the events that wait for the next commit, in order.
type queue struct {
	mu      sync.Mutex
	pending *batch
	closed  bool
	// down is why the last commit failed, nil when it did not. Until retry, or
	// while somebody tries, it is the answer to everybody.
	down   error
	retry  time.Time
	trying bool
}

// batch is what goes into one commit.
type batch struct {
	drafts []draft
	bytes  int
	// awaited says that somebody waits for the commit.
	awaited bool
	// done is closed when err says how the commit went.
	done chan struct{}
	err  error
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// put adds drafts to the batch of the next commit. It returns the batch when the
// caller has to await it: always with wait, and otherwise when much is waiting
// already or the record is unavailable. Other drafts are only noted.
func (q *queue) put(drafts []draft, wait bool) (*batch, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if q.down != nil && (q.trying || time.Now().Before(q.retry)) {
		return nil, q.down
	}
	q.trying = q.down != nil
	b := q.pending
	for _, d := range drafts {
		b.bytes += d.size()
	}
	full := len(b.drafts)+len(drafts) > maxNoted || b.bytes > maxNotedBytes
	await := wait || full || q.trying
	for _, d := range drafts {
		d.noted = !await
		b.drafts = append(b.drafts, d)
	}
	b.awaited = b.awaited || await
	if !await {
		return nil, nil
	}
	return b, nil
}

// take begins a new batch and returns the one before it, or nil when there is
// nothing to commit.
func (q *queue) take() *batch {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.pending
	if len(b.drafts) == 0 && !b.awaited {
		return nil
	}
	q.pending = newBatch()
	return b
}

// settle tells everybody how the commit of a batch went.
func (q *queue) settle(b *batch, err error) {
	q.mu.Lock()
	q.down, q.trying, q.retry = err, false, time.Now().Add(probeEvery)
	q.mu.Unlock()
	b.err = err
	close(b.done)
}

// close refuses everything from here on. It reports whether it was the first
// to do so.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	first := !q.closed
	q.closed = true
	return first
}

// serving reports whether the queue is open and the last commit went well.
func (q *queue) serving() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.down == nil && !q.closed
}
