package sql

import (
	"slices"
	"strconv"

	"github.com/chaperone-dev/chaperone/tools"
)

// rows are what a statement yields: the result of sql_read and sql_write.
type rows struct {
	columns []resultColumn
	// count is the number of rows.
	count int
	cells cells
	// size is that of the result as JSON.
	size int
	// cut lists values that were too long to be returned whole.
	cut []cutValue
	// scrub is set by Mask.
	scrub tools.Scrub

	truncated bool
	next      string
	// changed is how many rows the statement changed, -1 where it does not say.
	changed int64
	// all is how many rows changed in every table, by triggers, cascades and
	// the parts of WITH too.
	all int64
}

type resultColumn struct {
	name    string
	typing  uint32
	shown   string
	origins tools.Origins
	masked  tools.Mask
}

type cutValue struct{ row, column, bytes int }

// total takes the answer to count.
func (r *rows) total(values [][]byte) bool {
	if len(values) == 1 {
		r.all, _ = strconv.ParseInt(string(values[0]), 10, 64) // null where nothing changed
	}
	return true
}

// Mask implements tools.Result. A masked value is not even shown as null or
// not null, unless the mask itself keeps that.
func (r *rows) Mask(m tools.Masker, scrub tools.Scrub) {
	r.scrub = scrub
	for i := range r.columns {
		r.columns[i].masked = m.Mask(r.columns[i].origins)
		r.columns[i].name = scrub(r.columns[i].name)
	}
}

// Stats implements tools.Result.
func (r *rows) Stats() tools.Stats {
	return tools.Stats{RowsRead: int64(r.count), RowsChanged: max(r.changed, r.all, 0)}
}

// Next implements tools.Result.
func (r *rows) Next() string { return r.next }

// MarshalJSON implements tools.Result.
func (r *rows) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, r.size+frameSize)
	out = append(out, `{"columns":[`...)
	for i, c := range r.columns {
		out = comma(out, i)
		out = c.append(out)
	}
	out = append(out, `],"rows":[`...)
	values := r.cells.reader()
	for n := range r.count {
		out = append(comma(out, n), '[')
		for i, c := range r.columns {
			text, null := values.next()
			out = c.appendValue(comma(out, i), text, null, r.scrub)
		}
		out = append(out, ']')
	}
	out = append(out, `],"row_count":`...)
	out = strconv.AppendInt(out, int64(r.count), 10)
	if r.changed >= 0 {
		out = append(out, `,"rows_changed":`...)
		out = strconv.AppendInt(out, r.changed, 10)
	}
	out = append(out, `,"truncated":`...)
	out = strconv.AppendBool(out, r.truncated)
	return append(r.appendCut(out), '}'), nil
}

// appendCut lists what was cut. How long a masked value is stays untold.
func (r *rows) appendCut(out []byte) []byte {
	seen := slices.DeleteFunc(slices.Clone(r.cut), func(c cutValue) bool { return r.columns[c.column].masked != nil })
	if len(seen) == 0 {
		return out
	}
	out = append(out, `,"cut":[`...)
	for i, c := range seen {
		out = append(comma(out, i), `{"row":`...)
		out = strconv.AppendInt(out, int64(c.row), 10)
		out = append(out, `,"column":`...)
		out = appendString(out, r.columns[c.column].name)
		out = append(out, `,"bytes":`...)
		out = append(strconv.AppendInt(out, int64(c.bytes), 10), '}')
	}
	return append(out, ']')
}

func (c *resultColumn) append(out []byte) []byte {
	out = appendString(append(out, `{"name":`...), c.name)
	out = appendString(append(out, `,"type":`...), c.shown)
	if c.masked != nil {
		out = appendString(append(out, `,"masked":`...), c.masked.Name())
	}
	return append(out, '}')
}

func (c *resultColumn) appendValue(out []byte, text string, null bool, scrub tools.Scrub) []byte {
	switch {
	case c.masked != nil:
		return c.appendMasked(out, text, null)
	case null:
		return append(out, "null"...)
	case scrub != nil && len(text) >= shortestSecret:
		if clean := scrub(text); clean != text {
			return appendString(out, clean)
		}
	}
	return appendValue(out, c.typing, text)
}

// shortestSecret is how long a value must be to hold a secret that can be known
// by its form.
const shortestSecret = 16

// appendMasked writes what the mask leaves. Redaction covers nulls too, so that
// it does not tell who has a value; a null under other masks stays one.
func (c *resultColumn) appendMasked(out []byte, text string, null bool) []byte {
	if null && c.masked.Name() != "redact" {
		return append(out, "null"...)
	}
	masked, ok := c.masked.Apply(text)
	if !ok {
		return append(out, "null"...)
	}
	return appendString(out, masked)
}

func comma(out []byte, i int) []byte {
	if i > 0 {
		return append(out, ',')
	}
	return out
}
