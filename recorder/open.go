package recorder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// defaultBusy is how long a commit waits for another process.
const defaultBusy = 5 * time.Second

// Open starts a log in the data folder, which it makes if need be. Calls that
// an earlier process left without an outcome are recorded as ambiguous. Several
// processes may have the folder open. A database that does not hold all that the
// checkpoint file beside it is signed over is refused.
func Open(ctx context.Context, o Options) (*Recorder, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Busy == 0 {
		o.Busy = defaultBusy
	}
	var err error
	if o.Dir, err = absolute(o.Dir); err != nil {
		return nil, err
	}
	folder, err := lockFolder(ctx, o.Dir)
	if err != nil {
		return nil, err
	}
	defer folder.Unlock() //nolint:errcheck // the lock ends with the file
	path := filepath.Join(o.Dir, databaseFile)
	fresh, err := createDatabase(path)
	if err != nil {
		return nil, err
	}
	r, err := assemble(o, path, fresh)
	if err != nil {
		return nil, err
	}
	w := r.writer
	if w.store, err = openStore(ctx, path, o.Busy, true); err != nil {
		return nil, unavailable(path, err)
	}
	if err := r.begin(ctx, w, o); err != nil {
		w.store.close()
		return nil, unavailable(path, err)
	}
	return r, nil
}

// absolute names a data folder for as long as the process lives, wherever it
// goes meanwhile.
func absolute(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("recorder: no data folder is named: set data_dir")
	}
	return filepath.Abs(dir)
}

// createDatabase makes an empty file that only its owner can read; SQLite gives
// the files beside it the same mode. It reports whether there was no record.
func createDatabase(path string) (fresh bool, err error) {
	info, err := os.Stat(path)
	if err == nil {
		return info.Size() == 0, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("recorder: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false, fmt.Errorf("recorder: make the record: %w", err)
	}
	return true, file.Close()
}

func assemble(o Options, path string, fresh bool) (*Recorder, error) {
	keys, err := loadKeys(o.Dir, fresh)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(keys.public)
	if err != nil {
		return nil, err
	}
	packer, err := newPacker()
	if err != nil {
		return nil, err
	}
	queue := &queue{pending: newBatch()}
	w := &writer{
		queue: queue, turn: make(chan struct{}, 1), path: path, busy: o.Busy, packer: packer, signer: keys.signer,
		heads: headKeeper{dir: o.Dir, key: verifier},
	}
	return &Recorder{keys: keys, packer: packer, now: o.Now, queue: queue, writer: w, entropy: newEntropy()}, nil
}

// begin takes the log's lock, and writes its first events.
func (r *Recorder) begin(ctx context.Context, w *writer, o Options) error {
	name, err := r.newID(o.Now())
	if err != nil {
		return err
	}
	lock, ok := lockLog(o.Dir, name)
	if !ok {
		return fmt.Errorf("recorder: cannot lock %s: see that its folder can be written", lock.Path())
	}
	past, err := survey(ctx, w.store, o.Dir, w.heads.key)
	defer past.release()
	var next *proposal
	if err == nil {
		err = w.store.transact(ctx, func() (err error) {
			next, err = r.first(ctx, w, past, name, o.Version)
			return err
		})
	}
	if err != nil {
		release(lock)
		return err
	}
	r.lock, r.recovered = lock, next.count(KindAmbiguous)
	w.log.accept(next)
	w.publishSoon()
	return nil
}

// first writes the log's row and its first events, and settles the logs that
// these events see the end of. All is one transaction: no crash can leave a log
// without its beginning, or a dead log settled whose calls were not closed.
func (r *Recorder) first(ctx context.Context, w *writer, p past, name, version string) (*proposal, error) {
	left, err := p.left(ctx, w.store)
	if err != nil {
		return nil, err
	}
	opened := Event{Body: LogOpened{Version: version, Others: left.heads}}
	drafts, err := r.drafts(append([]Event{opened}, left.ends...))
	if err != nil {
		return nil, err
	}
	id, err := w.store.insertLog(ctx, name)
	if err != nil {
		return nil, err
	}
	w.log = newOwnLog(id, name)
	w.heads.log, w.heads.seen = name, left.sizes()
	next, err := w.log.propose(drafts, w.packer, w.signer, func(string) (int64, error) { return 0, nil })
	if err != nil {
		return nil, err
	}
	if err := w.store.write(ctx, w.log, next); err != nil {
		return nil, err
	}
	for _, ended := range left.ended {
		if err := w.store.setState(ctx, ended, stateSettled); err != nil {
			return nil, err
		}
	}
	return next, nil
}
