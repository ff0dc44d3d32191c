package recorder

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/oklog/ulid/v2"
)

// Options say where to record and how.
type Options struct {
	// Dir is the data folder. It is made if it is missing.
	Dir string
	// Version of the program, for the record.
	Version string
	// Now is the clock for events without a time; nil is time.Now.
	Now func() time.Time
	// Busy is how long a commit waits for another process that holds the
	// file; 0 stands for five seconds.
	Busy time.Duration
}

// Recorder writes the record. Its methods are safe for concurrent use.
type Recorder struct {
	keys      keys
	packer    *packer
	now       func() time.Time
	recovered int
	lock      *flock.Flock
	queue     *queue
	writer    *writer

	mu      sync.Mutex
	entropy *ulid.MonotonicEntropy
}

// Append records events, in order and in one transaction. They are durably on
// disk when it returns nil, and so is everything that was noted before. Events
// get an id and a time where they have none.
//
// An error wraps [ErrUnavailable] when the record cannot be written: then
// nothing that depends on the events may run. If the disk failed at the last
// moment, they may turn out to be on record all the same. Once the events are
// handed over, the end of ctx no longer matters.
func (r *Recorder) Append(ctx context.Context, events ...Event) error {
	drafts, err := r.drafts(events)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := r.queue.put(drafts, true)
	if err != nil {
		return err
	}
	return r.writer.await(b)
}

// Note records events with the next commit: before whatever is appended later,
// and shortly after in any case. Until then they are lost if the process dies.
// When much is waiting already, or the record is unavailable, it does what
// Append does.
func (r *Recorder) Note(events ...Event) error {
	drafts, err := r.drafts(events)
	if err != nil {
		return err
	}
	b, err := r.queue.put(drafts, false)
	if err != nil {
		return err
	}
	if b != nil {
		return r.writer.await(b)
	}
	r.writer.flushSoon()
	return nil
}

// Ready returns nil when the last commit went well. After one that failed it
// tries again, at most ten times a second, and otherwise returns that error.
func (r *Recorder) Ready() error {
	if r.queue.serving() {
		return nil
	}
	return r.Append(context.Background())
}

// Key derives a key for one purpose from the secret of the data folder. The
// same purpose gets the same key in every process that uses the folder.
func (r *Recorder) Key(purpose string) [32]byte { return r.keys.derive(purpose) }

// VerifierKey is the public key of the installation in the form of C2SP
// signed-note. Who keeps it can check the record without trusting us.
func (r *Recorder) VerifierKey() string { return r.keys.public }

// Recovered is how many calls of earlier processes were found without an
// outcome, and recorded as ambiguous, when the recorder was opened.
func (r *Recorder) Recovered() int { return r.recovered }

// Close commits what is noted, ends the calls that still run as ambiguous and
// the sessions that are still open, and closes the log. A recorder that could
// not do so leaves it to the next that opens the folder.
func (r *Recorder) Close() error {
	if !r.queue.close() {
		return ErrClosed
	}
	err := r.writer.close(r.lastWords)
	release(r.lock)
	return err
}

// lastWords are the final events of a log.
func (r *Recorder) lastWords(l live) ([]draft, error) {
	return r.drafts(append(l.endings(), Event{Body: LogClosed{}}))
}

// drafts encodes events, and gives them ids and times.
func (r *Recorder) drafts(events []Event) ([]draft, error) {
	drafts := make([]draft, 0, len(events))
	for _, e := range events {
		if err := r.stamp(&e); err != nil {
			return nil, err
		}
		d, err := e.draft(r.packer)
		if err != nil {
			return nil, err
		}
		drafts = append(drafts, d)
	}
	return drafts, nil
}

func (r *Recorder) stamp(e *Event) error {
	if e.Time.IsZero() {
		e.Time = r.now()
	}
	e.Time = e.Time.UTC().Truncate(time.Microsecond)
	if e.ID != "" {
		return nil
	}
	id, err := r.newID(e.Time)
	e.ID = id
	return err
}

func (r *Recorder) newID(at time.Time) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, err := ulid.New(ulid.Timestamp(at), r.entropy)
	return id.String(), err
}

func newEntropy() *ulid.MonotonicEntropy { return ulid.Monotonic(rand.Reader, 0) }
