package recorder

import (
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The states of a log, as its row has them.
const (
	stateOpen    = "open"
	stateClosed  = "closed"
	stateSettled = "settled"
)

// ownLog is the log that this process writes, as it is on disk.
type ownLog struct {
	id   int64
	name string
	// checkpoint is the signed head on disk, "" before the first commit.
	checkpoint string
	tree       tree
	// numbers count the events of each session, for those that are active.
	numbers map[string]int64
	live    live
}

// row is an event as it goes to disk.
type row struct {
	draft
	pos          int64
	hashes, data []byte
}

// proposal is what the log will be once its rows are on disk. Nothing of it
// touches the log before it is accepted.
type proposal struct {
	rows    []row
	tree    tree
	numbers map[string]int64
	// closes says that the log ends with this.
	closes bool
	// checkpoint is signed over the tree.
	checkpoint string
}

func newOwnLog(id int64, name string) *ownLog {
	return &ownLog{id: id, name: name, numbers: map[string]int64{}, live: newLive()}
}

// counter says how many events of a session the log has on disk.
type counter func(session string) (int64, error)

// propose turns drafts into leaves.
func (l *ownLog) propose(drafts []draft, p *packer, signer note.Signer, count counter) (*proposal, error) {
	next := &proposal{
		rows: make([]row, 0, len(drafts)), tree: l.tree.clone(), numbers: map[string]int64{},
	}
	for _, d := range drafts {
		number, err := l.number(d.session, next.numbers, count)
		if err != nil {
			return nil, err
		}
		leaf := d.leaf(number)
		pos := l.id<<seqBits | next.tree.size
		hashes := next.tree.add(tlog.RecordHash(leaf))
		next.rows = append(next.rows, row{draft: d, pos: pos, hashes: joined(hashes), data: p.packLeaf(leaf)})
		next.closes = d.kind == string(KindLogClosed)
	}
	var err error
	next.checkpoint, err = Head{Log: l.name, Size: next.tree.size, Root: next.tree.root()}.sign(signer)
	return next, err
}

// number returns the next number of a session, and remembers it in taken.
func (l *ownLog) number(session string, taken map[string]int64, count counter) (int64, error) {
	last, ok := taken[session]
	if !ok {
		last, ok = l.numbers[session]
	}
	if !ok {
		var err error
		if last, err = count(session); err != nil {
			return 0, err
		}
	}
	taken[session] = last + 1
	return last + 1, nil
}

// accept takes over a proposal that is on disk.
func (l *ownLog) accept(p *proposal) {
	l.tree, l.checkpoint = p.tree, p.checkpoint
	for session, number := range p.numbers {
		l.numbers[session] = number
	}
	for _, r := range p.rows {
		l.live.see(Kind(r.kind), r.session, r.call)
		if r.kind == string(KindSessionClosed) {
			delete(l.numbers, r.session)
		}
	}
}

// count returns how many of the proposal's events are of a kind.
func (p *proposal) count(kind Kind) (n int) {
	for _, r := range p.rows {
		if r.kind == string(kind) {
			n++
		}
	}
	return n
}
