package recorder

import (
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// tree is the right edge of a Merkle tree: all that is needed to go on.
type tree struct {
	size int64
	// peaks are the roots of the largest whole subtrees, left to right.
	peaks []tlog.Hash
}

func (t tree) clone() tree { return tree{size: t.size, peaks: slices.Clone(t.peaks)} }

// add appends a leaf and returns the hashes that are complete with it, as
// tlog.StoredHashes has them: the leaf's, and those of the subtrees it closes,
// smallest first.
func (t *tree) add(leaf tlog.Hash) []tlog.Hash {
	done := append(make([]tlog.Hash, 0, 4), leaf)
	top := leaf
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		top = tlog.NodeHash(t.peaks[last], top)
		t.peaks = t.peaks[:last]
		done = append(done, top)
	}
	t.peaks = append(t.peaks, top)
	t.size++
	return done
}

// root returns the hash of the whole tree.
func (t tree) root() tlog.Hash {
	if len(t.peaks) == 0 {
		empty, _ := tlog.TreeHash(0, nil)
		return empty
	}
	root := t.peaks[len(t.peaks)-1]
	for _, peak := range slices.Backward(t.peaks[:len(t.peaks)-1]) {
		root = tlog.NodeHash(peak, root)
	}
	return root
}

// joined lays hashes end to end, as an event's row holds them.
func joined(hashes []tlog.Hash) []byte {
	out := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}
