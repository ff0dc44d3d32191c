package recorder

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
)

const (
	// probeBusy bounds how long a commit waits for a lock while the record is
	// unavailable: callers are waiting to hear that it still is.
	probeBusy = 100 * time.Millisecond
	// flushAfter is how long a noted event waits for a commit to ride along with.
	flushAfter = 50 * time.Millisecond
	// publishAfter is how long the checkpoint file may lag behind the log.
	publishAfter = time.Second
)

// writer commits what the queue holds, one transaction at a time. There is no
// goroutine for it: of those that wait for a batch, the first whose turn it is
// commits the whole batch, and meanwhile the next one fills.
type writer struct {
	queue   *queue
	commits atomic.Int64 // that went well

	// turn is held by whoever commits. It guards all that follows.
	turn   chan struct{}
	path   string
	busy   time.Duration
	packer *packer
	signer note.Signer
	heads  headKeeper
	log    *ownLog
	store  *store // nil after a commit failed
	// kept are noted events whose commit failed. They go first in the next.
	kept []draft
	// doubt is a proposal whose commit failed and may have happened all the
	// same; the first doubtful of the kept events are in it.
	doubt    *proposal
	doubtful int

	// flushing and publishing say that a timer runs.
	flushing   atomic.Bool
	publishing bool
	ended      bool
}

// await returns how the commit of a batch went.
func (w *writer) await(b *batch) error {
	select {
	case <-b.done:
	case w.turn <- struct{}{}:
		defer w.pass()
		select {
		case <-b.done:
		default:
			w.flush() // the batch is still pending: it is only taken in turn
		}
	}
	return b.err
}

// pass ends the turn.
func (w *writer) pass() { <-w.turn }

var errInterrupted = errors.New("a fault of ours interrupted the commit: try again, and report it")

// flush commits the pending batch. The caller holds the turn. It runs in the
// goroutine of a caller, so if it panics, the others must not wait forever.
func (w *writer) flush() {
	b := w.queue.take()
	if b == nil {
		return
	}
	err, whole := unavailable(w.path, errInterrupted), false
	defer func() {
		if !whole {
			w.disconnect() // to read anew where the log stands
		}
		w.queue.settle(b, err)
	}()
	err = w.commit(b.drafts, changes{})
	whole = true
}

// flushSoon sees to it that noted events do not wait long.
func (w *writer) flushSoon() {
	if w.flushing.Swap(true) {
		return
	}
	time.AfterFunc(flushAfter, func() {
		w.flushing.Store(false)
		w.turn <- struct{}{}
		defer w.pass()
		w.flush()
	})
}

// publishSoon sees to it that the checkpoint file does not lag far behind.
func (w *writer) publishSoon() {
	if w.publishing {
		return
	}
	w.publishing = true
	time.AfterFunc(publishAfter, func() {
		w.turn <- struct{}{}
		defer w.pass()
		w.publishing = false
		if !w.ended {
			// A failure leaves an older file, which says less but nothing wrong.
			_ = w.heads.publish(w.log.checkpoint, false)
		}
	})
}

// close commits what is left, and ends the log with the events that last makes
// of what still goes on.
func (w *writer) close(last func(live) ([]draft, error)) error {
	w.turn <- struct{}{}
	defer w.pass()
	defer w.disconnect()
	w.ended = true
	w.flush()
	drafts, err := last(w.log.live)
	if err != nil {
		return err
	}
	if err := w.commit(drafts, changes{}); err != nil {
		return err
	}
	return w.heads.publish(w.log.checkpoint, true)
}

// commit makes drafts and standings durable, after what was kept of earlier
// drafts. When it fails, those that were only noted are kept for the next.
func (w *writer) commit(drafts []draft, c changes) error {
	ctx := context.Background() // whoever waits for this may go; the events may not
	if err := w.connect(ctx); err != nil {
		w.kept = append(w.kept, noted(drafts)...)
		return unavailable(w.path, err)
	}
	all := slices.Concat(w.kept, drafts)
	next, err := w.append(ctx, all, c)
	if errors.Is(err, ErrStale) {
		return err // and all is as it was
	}
	if err == nil {
		w.log.accept(next)
		w.kept = nil
		w.commits.Add(1)
		w.publishSoon()
		return nil
	}
	w.kept = noted(all)
	w.doubt, w.doubtful = next, len(w.kept)
	w.disconnect()
	if happened, _ := w.resolve(ctx); happened {
		return nil
	}
	return unavailable(w.path, err)
}

// append writes drafts and standings in one transaction and returns what the log
// is then.
func (w *writer) append(ctx context.Context, drafts []draft, c changes) (next *proposal, err error) {
	err = w.store.transact(ctx, func() (err error) {
		stood, err := c.apply(ctx, w.store)
		if err != nil {
			return err
		}
		drafts := slices.Concat(drafts, stood)
		next, err = w.log.propose(drafts, w.packer, w.signer, func(session string) (int64, error) {
			return w.store.countOf(ctx, w.log.id, session)
		})
		if err != nil {
			return err
		}
		return w.store.write(ctx, w.log, next)
	})
	return next, err
}

// connect opens the file anew after a commit failed.
func (w *writer) connect(ctx context.Context) error {
	if w.store != nil {
		return nil
	}
	_, err := w.resolve(ctx)
	return err
}

func (w *writer) disconnect() {
	if w.store != nil {
		w.store.close()
		w.store = nil
	}
}

// resolve opens the file and finds out whether the doubtful proposal is on
// disk. The log goes on from where the file says that it is.
func (w *writer) resolve(ctx context.Context) (happened bool, err error) {
	s, err := openStore(ctx, w.path, probeBusy, false)
	if err != nil {
		return false, err
	}
	head, err := s.headOf(ctx, w.log.id)
	switch {
	case err != nil:
	case head == w.log.checkpoint:
	case w.doubt != nil && head == w.doubt.checkpoint:
		happened, err = true, s.settle(ctx)
	default:
		err = errTaken
	}
	if err != nil {
		s.close()
		return false, err
	}
	if happened {
		w.log.accept(w.doubt)
		w.kept = w.kept[w.doubtful:]
	}
	s.patience = w.busy
	w.store, w.doubt, w.doubtful = s, nil, 0
	return happened, nil
}

func noted(drafts []draft) []draft {
	return slices.DeleteFunc(slices.Clone(drafts), func(d draft) bool { return !d.noted })
}
