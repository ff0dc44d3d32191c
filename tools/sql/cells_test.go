package sql

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzCells: values come out as they went in, wherever a block ends.
func FuzzCells(f *testing.F) {
	f.Add([]byte("a\x00\x01b"), 300)
	f.Add([]byte{0, 1, 0, 1}, 1<<16)
	f.Add([]byte{0xff, 2, 3, 0, 200}, 5000)
	f.Fuzz(func(t *testing.T, sizes []byte, scale int) {
		if scale < 0 || scale > 1<<16 || len(sizes) > 100 {
			t.Skip()
		}
		var c cells
		var want [][]byte
		for i, size := range sizes {
			var v []byte
			if size > 0 {
				v = bytes.Repeat([]byte{byte('a' + i%26)}, (int(size)-1)*scale/16)
			}
			c.add(v)
			want = append(want, bytes.Clone(v))
			clear(v) // it is the connection's to use again
		}
		read := c.reader()
		for i, v := range want {
			if text, null := read.next(); null != (v == nil) || text != string(v) {
				t.Fatalf("value %d: %d bytes (null: %v) instead of %d", i, len(text), null, len(v))
			}
		}
		if len(read.lengths) > 0 || read.rest != "" || len(read.blocks) > 0 {
			t.Fatal("something is left")
		}
	})
}

// TestCellsHoldAnyLength: a value may be longer than the largest block, and what
// is short takes little.
func TestCellsHoldAnyLength(t *testing.T) {
	long := strings.Repeat("x", 5<<20)
	var c cells
	for _, v := range []string{"", "a", long, "b", ""} {
		c.add([]byte(v))
	}
	read := c.reader()
	for i, v := range []string{"", "a", long, "b", ""} {
		if text, null := read.next(); null || text != v {
			t.Errorf("value %d: %d bytes, null: %v", i, len(text), null)
		}
	}
	var short cells
	short.add([]byte("1"))
	if n := short.blocks[0].Cap(); n > 1024 {
		t.Errorf("a digit takes %d bytes", n)
	}
}
