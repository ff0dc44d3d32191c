package sql

import (
	"strconv"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// collector takes rows from the wire into a result, up to the limits.
type collector struct {
	*rows
	analysis *statement.Analysis
	limits   tools.Limits
	// skip rows come first and were returned by earlier calls.
	skip, seen int
	// drain goes on reading past the limits: a write must come to its end.
	drain bool
	// pages says that a further call can go on where this one stops.
	pages bool
	full  bool
	// passed are the bytes that came after the result was full.
	passed int
}

// letPass is how many bytes are read and dropped at the end of a result before
// the exchange is broken off: up to there, that takes less time than another
// connection.
const letPass = 4 << 20

// fields takes the description of the result.
func (c *collector) fields(fields []pgproto3.FieldDescription) {
	for i, f := range fields {
		c.columns = append(c.columns, resultColumn{
			name: string(f.Name), typing: f.DataTypeOID, shown: typeNames[f.DataTypeOID],
			origins: c.analysis.Origins(i, len(fields), f.TableOID, f.TableAttributeNumber),
		})
		c.size += columnSize + len(f.Name)
	}
	// However many columns there are, half of the room is for rows.
	c.size = min(c.size+frameSize, c.limits.Bytes/2)
}

// frameSize and columnSize are what a result takes besides its rows: the
// frame itself, and a column besides its name.
const (
	frameSize  = 128
	columnSize = 48
)

// row takes one row. It returns false when the rest is not wanted; the server
// itself stops after one row more than are.
func (c *collector) row(values [][]byte) bool {
	c.seen++
	switch {
	case c.full:
		return c.pass(values)
	case c.seen <= c.skip || len(values) != len(c.columns):
		return true
	case c.count >= c.limits.Rows:
		c.stop()
		return true
	}
	size := rowSize(values)
	if c.size+size > c.limits.Bytes {
		if c.count > 0 {
			c.stop()
			return c.pass(values)
		}
		c.shorten(values)
		size = rowSize(values)
	}
	c.size += size
	c.count++
	for _, v := range values {
		c.cells.add(v)
	}
	return true
}

// pass drops a row behind the end of the result.
func (c *collector) pass(values [][]byte) bool {
	for _, v := range values {
		c.passed += len(v)
	}
	return c.drain || c.passed <= letPass
}

// stop notes where a further call can go on.
func (c *collector) stop() {
	c.full, c.truncated = true, true
	if c.pages {
		c.next = strconv.Itoa(c.seen - 1)
	}
}

// shorten cuts the values of a row that alone is larger than a result may be,
// so that a call always gets on.
func (c *collector) shorten(values [][]byte) {
	fair := max(c.limits.Bytes/(16*max(len(values), 1)), 1)
	for i, v := range values {
		if len(v) > fair {
			c.cut = append(c.cut, cutValue{c.count, i, len(v)})
			values[i] = wholeRunes(v[:fair])
		}
	}
}

// wholeRunes drops the piece of a character at the end.
func wholeRunes(v []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(v); n++ {
		if utf8.RuneStart(v[len(v)-n]) {
			if !utf8.FullRune(v[len(v)-n:]) {
				return v[:len(v)-n]
			}
			break
		}
	}
	return v
}

// rowSize is an upper bound for a row as JSON, as long as its strings hold few
// characters that JSON escapes; those count as what they become.
func rowSize(values [][]byte) int {
	size := len(values) + 2
	for _, v := range values {
		size += 4 + len(v)
		for _, b := range v {
			if b < ' ' {
				size += 5
			} else if b == '"' || b == '\\' {
				size++
			}
		}
	}
	return size
}
