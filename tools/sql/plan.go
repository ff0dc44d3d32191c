package sql

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/chaperone-dev/chaperone/tools"
)

// plan is one described statement.
type plan struct {
	connection *connection
	described  described
	action     tools.Action
	args       args
	types      []uint32
	// pages says that the result may be continued, behind skip rows.
	pages bool
	skip  int
	// approved is the preview that the plan is held to, nil when it is not.
	approved  *tools.Preview
	tolerance float64
	// key is for digests of rows, which may hold what policy masks.
	key [32]byte
}

// Action implements tools.Plan.
func (p *plan) Action() tools.Action { return p.action }

// Run implements tools.Plan.
func (p *plan) Run(ctx context.Context, _ tools.Gate, limits tools.Limits) (tools.Result, error) {
	limits = p.limits(limits)
	timed, cancel := p.connection.whileOpen(ctx, limits.Timeout)
	defer cancel()
	out := &collector{
		rows: &rows{changed: -1}, analysis: p.described.analysis, limits: limits, skip: p.skip,
		drain: p.action.Effect != tools.Read, pages: p.pages,
	}
	var err error
	switch p.action.Effect {
	case tools.Read:
		err = p.read(timed, out)
	case tools.Write, tools.Destroy:
		err = p.write(timed, out)
	default:
		return nil, &tools.Refusal{Rule: "not-understood", Reason: p.action.Why}
	}
	if err != nil {
		return nil, p.ended(timed, err, limits)
	}
	p.connection.nameTypes(ctx, out.rows)
	return out.rows, nil
}

// limits are the tightest of the call's, the connection's and our own.
func (p *plan) limits(given tools.Limits) tools.Limits {
	own := tools.Limits{Rows: min(p.args.MaxRows, maxRows)}
	return p.connection.limits.Intersect(given).Intersect(own)
}

// ended says how a run failed.
func (p *plan) ended(ctx context.Context, err error, limits tools.Limits) error {
	var at *stepError
	switch {
	case errors.Is(err, tools.ErrMoved), errors.As(err, new(*tools.Refusal)), errors.As(err, new(*tools.Failure)):
		return err
	case ctx.Err() != nil:
		return ended(ctx, limits.Timeout)
	case errors.As(err, &at):
		return failure(at.err, p.described.statement.Before)
	case errors.As(err, new(*pgproto3.ExceededMaxBodyLenErr)):
		return tooLarge()
	}
	return lost()
}

// serverGrace is how much longer than ours the server's own time limit is. It
// is there for when we are not: ours, which says more, is to come first.
const serverGrace = time.Second

// guards are the first steps of a pipeline: the transaction, the server's own
// time limit, and the check that the catalog still is what the plan was made by.
// That check is planned once for a connection rather than for every call. From
// the last of them on, names mean what they mean by path. The first is answered
// at once: a connection that ends without an answer to it ran nothing.
func (p *plan) guards(begin string, timeout time.Duration, path string) []step {
	d := p.described.analysis.Depends
	milliseconds := strconv.AppendInt(nil, (timeout + serverGrace).Milliseconds(), 10)
	steps := []step{{prepared: begin, flush: true}}
	if d.Empty() {
		return append(steps, step{prepared: limit, args: [][]byte{milliseconds, []byte("auto"), []byte(path)}})
	}
	return append(steps,
		step{prepared: limit, args: [][]byte{milliseconds, []byte("force_generic_plan"), []byte(ownPath)}},
		step{prepared: guard, args: [][]byte{
			textArray(d.Relations), oidArray(d.OIDs), textArray(d.Functions), textArray(d.Operators), textArray(d.Types),
			textArray(d.Schemas), []byte(path), []byte(p.described.identity),
		}},
	)
}

// guardStep is the place of the check in a pipeline that has one.
const guardStep = 2

// statement is the caller's own step.
func (p *plan) statement(out *collector) step {
	s := step{text: p.described.statement.Query, types: p.types, args: values(p.args.Params), fields: out.fields, row: out.row}
	if !out.drain {
		// One more than is returned shows whether there are more.
		s.rows = uint32(min(out.skip+max(out.limits.Rows, 0)+1, maxSkip+maxRows+1))
	}
	return s
}

// moved recognises the guard's own failure.
func (p *plan) moved(err error) bool {
	var at *stepError
	if !errors.As(err, &at) || at.step != guardStep || at.err.Code != "22012" || p.described.analysis.Depends.Empty() {
		return false
	}
	p.connection.known.Remove(p.described.key)
	return true
}

func textArray(list []string) []byte {
	text, _ := arrayText(quoteAll(list))
	return []byte(text)
}

func quoteAll(list []string) []byte {
	out := []byte{'['}
	for i, s := range list {
		out = appendString(comma(out, i), s)
	}
	return append(out, ']')
}

func oidArray(oids []uint32) []byte {
	out := []byte{'{'}
	for i, oid := range oids {
		out = append(comma(out, i), oidText(oid)...)
	}
	return append(out, '}')
}

func oidText(oid uint32) []byte { return strconv.AppendUint(nil, uint64(oid), 10) }
