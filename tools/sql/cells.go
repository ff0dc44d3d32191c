package sql

import "strings"

// cells are the values of a result as they came, row by row. They stand in
// blocks, so that a long result is not copied again and again as it grows, nor
// when it is read.
type cells struct {
	blocks []*strings.Builder
	// lengths are those of the values in bytes, or isNull.
	lengths []int32
}

const (
	isNull = -1
	// The blocks double, from the first to the largest.
	firstBlock = 512
	doublings  = 11
)

// add takes a value, or nil for a null. It keeps a copy.
func (c *cells) add(text []byte) {
	if text == nil {
		c.lengths = append(c.lengths, isNull)
		return
	}
	c.lengths = append(c.lengths, int32(len(text)))
	for len(text) > 0 {
		block := c.room()
		n := min(len(text), block.Cap()-block.Len())
		block.Write(text[:n])
		text = text[n:]
	}
}

// room is a block that is not full.
func (c *cells) room() *strings.Builder {
	n := len(c.blocks)
	if n > 0 && c.blocks[n-1].Len() < c.blocks[n-1].Cap() {
		return c.blocks[n-1]
	}
	block := &strings.Builder{}
	block.Grow(firstBlock << min(n, doublings))
	c.blocks = append(c.blocks, block)
	return block
}

// reader reads the values from the first one on.
func (c *cells) reader() *cellReader {
	return &cellReader{lengths: c.lengths, blocks: c.blocks}
}

// cellReader reads values one after the other.
type cellReader struct {
	lengths []int32
	blocks  []*strings.Builder
	// rest is what was not read yet of the block before those.
	rest string
}

// next is the next value, or null.
func (r *cellReader) next() (text string, null bool) {
	n := int(r.lengths[0])
	r.lengths = r.lengths[1:]
	if n == isNull {
		return "", true
	}
	if n > len(r.rest) && r.rest == "" {
		r.turn()
	}
	if n > len(r.rest) {
		return r.join(n), false
	}
	text, r.rest = r.rest[:n], r.rest[n:]
	return text, false
}

// join is the next value, of n bytes, which goes on in other blocks.
func (r *cellReader) join(n int) string {
	var text strings.Builder
	text.Grow(n)
	for text.Len() < n {
		if r.rest == "" {
			r.turn()
		}
		part := min(n-text.Len(), len(r.rest))
		text.WriteString(r.rest[:part])
		r.rest = r.rest[part:]
	}
	return text.String()
}

// turn goes on to the next block.
func (r *cellReader) turn() { r.rest, r.blocks = r.blocks[0].String(), r.blocks[1:] }
