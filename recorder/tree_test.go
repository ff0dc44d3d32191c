package recorder

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// TestTreeIsTheOneOfTlog grows a tree beside the reference.
func TestTreeIsTheOneOfTlog(t *testing.T) {
	var all []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, all[i])
		}
		return out, nil
	})
	var own tree
	for n := range int64(300) {
		leaf := tlog.RecordHash(fmt.Append(nil, "leaf ", n))
		want, err := tlog.StoredHashesForRecordHash(n, leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		before := own.clone()
		if got := own.add(leaf); !bytes.Equal(joined(got), joined(want)) {
			t.Fatalf("leaf %d: stored hashes differ", n)
		}
		if before.size != n || before.root() == own.root() {
			t.Fatalf("leaf %d: the clone changed with its original", n)
		}
		all = append(all, want...)
		root, err := tlog.TreeHash(n+1, reader)
		if err != nil || own.root() != root {
			t.Fatalf("leaf %d: roots differ: %v", n, err)
		}
	}
	if empty, _ := tlog.TreeHash(0, reader); (tree{}).root() != empty {
		t.Error("the empty tree has another root")
	}
}

// TestStoredHashesProveEveryEvent reads the hashes back from the database.
func TestStoredHashesProveEveryEvent(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	for i := range 37 {
		appendAll(t, r, on("s", fmt.Sprint("c", i), Started{}, Finished{})[:1+i%2]...)
	}
	closeIt(t, r)
	reader := read(t, dir)
	conn, rollback, err := reader.snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rollback()
	size, root := r.writer.log.tree.size, r.writer.log.tree.root()
	hashes := storedHashes(t.Context(), conn, 1)
	if got, err := tlog.TreeHash(size, hashes); err != nil || got != root {
		t.Fatalf("root over the stored hashes: %v %v", got, err)
	}
	for seq := range size {
		proof, err := tlog.ProveRecord(size, seq, hashes)
		if err != nil {
			t.Fatal(err)
		}
		var stored []byte
		if err := conn.QueryRowContext(t.Context(), "SELECT data FROM events WHERE pos = ?", 1<<seqBits|seq).Scan(&stored); err != nil {
			t.Fatal(err)
		}
		leaf, err := reader.packer.unpackLeaf(stored)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, size, root, seq, tlog.RecordHash(leaf)); err != nil {
			t.Errorf("event %d: %v", seq, err)
		}
	}
}

func TestPackedDataKeepEveryBit(t *testing.T) {
	p := testPacker(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		data := make([]byte, random.IntN(4000))
		for i := range data {
			data[i] = "{}abc"[random.IntN(5)]
		}
		back, err := p.unpack(p.pack(data))
		if err != nil || !bytes.Equal(back, data) {
			t.Fatalf("%d bytes came back as %d: %v", len(data), len(back), err)
		}
	}
	packed := p.pack(bytes.Repeat([]byte("a long text of little news. "), 60))
	for bit := range len(packed) * 8 {
		packed[bit/8] ^= 1 << (bit % 8)
		if _, err := p.unpack(packed); err == nil {
			t.Errorf("bit %d: the change went unnoticed", bit)
		}
		packed[bit/8] ^= 1 << (bit % 8)
	}
	for _, short := range [][]byte{nil, {1}, {1, 2, 3, 4}} {
		if _, err := p.unpack(short); err == nil {
			t.Errorf("%v was unpacked", short)
		}
	}
}

func TestUnpackIsBounded(t *testing.T) {
	p := testPacker(t)
	bomb := p.pack(make([]byte, maxContent+1))
	if data, err := p.unpack(bomb); err == nil {
		t.Errorf("%d packed bytes became %d", len(bomb), len(data))
	}
}
