package sql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// rehearsable are the statements whose effect a rollback takes back whole, but
// for what functions do outside of the transaction.
var rehearsable = map[string]bool{"insert": true, "update": true, "delete": true, "merge": true, "select": true}

// rehearsalTime bounds a rehearsal, which holds the locks of the change.
const rehearsalTime = 5 * time.Second

// Preview implements tools.Rehearsed.
func (p *plan) Preview(ctx context.Context, measure bool) (*tools.Preview, error) {
	out, err := p.preview(ctx, measure)
	if out != nil && !out.Measured && p.action.Effect != tools.Read {
		out.State = p.described.identity
	}
	return out, err
}

func (p *plan) preview(ctx context.Context, measure bool) (*tools.Preview, error) {
	switch {
	case p.action.Effect == tools.Read || p.described.statement.Explain:
		return p.guess(ctx)
	case !rehearsable[p.action.Verb]:
		return p.dependents(ctx)
	case !measure:
		return p.guess(ctx)
	case !p.described.analysis.Harmless:
		found, err := p.guess(ctx)
		if found != nil {
			found.Warnings = append(found.Warnings, "the rows were estimated and not measured: "+
				"the statement calls functions, and what these do could not be taken back")
		}
		return found, err
	}
	loud, err := p.setsOff(ctx)
	if err != nil {
		return nil, err
	}
	if loud == "" {
		return p.rehearse(ctx)
	}
	found, err := p.guess(ctx)
	if found != nil {
		found.Warnings = append(found.Warnings, "the rows were estimated and not measured: "+
			"the change may set off "+loud+", by a trigger or a default, and what that does could not be taken back")
	}
	return found, err
}

func newPreview() *tools.Preview {
	return &tools.Preview{Impact: tools.Impact{Changes: []tools.Change{}, Dependents: []tools.Target{}}}
}

// guess takes the planner's estimate.
func (p *plan) guess(ctx context.Context) (*tools.Preview, error) {
	estimated := *p
	if err := estimated.estimate(ctx); err != nil {
		return nil, err
	}
	out := newPreview()
	facts, _ := estimated.action.Facts.(*statement.Facts)
	switch {
	case facts == nil || facts.EstimatedRows == nil:
		out.Warnings = append(out.Warnings, "how many rows it touches can't be estimated")
	case p.action.Effect == tools.Read:
		out.Warnings = append(out.Warnings, fmt.Sprintf("the planner expects %.0f rows to be read", *facts.EstimatedRows))
	default:
		out.Rows = int64(*facts.EstimatedRows)
	}
	return out, nil
}

// rehearse runs the statement, counts what it touched, and takes it back.
func (p *plan) rehearse(ctx context.Context) (*tools.Preview, error) {
	aside, err := p.aside(ctx)
	if err != nil {
		return nil, err
	}
	defer aside.leave()
	limits := tools.Limits{Timeout: min(rehearsalTime, p.connection.limits.Timeout)}
	timed, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	conn, err := p.change(timed, &collector{rows: &rows{}, analysis: p.described.analysis, limits: limits, drain: true, full: true})
	if err != nil {
		return nil, p.ended(timed, err, limits)
	}
	defer conn.drop() // and with it the transaction
	t, err := p.touched(timed, conn)
	if err == nil {
		err = t.sample(timed, conn, aside)
	}
	var locks []tools.Lock
	if err == nil {
		locks, err = locksOf(timed, conn)
	}
	if err != nil {
		return nil, p.ended(timed, err, limits)
	}
	out := newPreview()
	out.Locks = locks
	out.Measured, out.Changes, out.Samples, out.State, out.Warnings = true, t.changes(), t.samples, t.state, t.warnings()
	for _, c := range out.Changes {
		if c.Verb != redefine {
			out.Rows += c.Count
		}
	}
	return out, nil
}

// aside is the connection that looks at what the plan changes. The wait for it
// does not count as the time of the statement.
func (p *plan) aside(ctx context.Context) (*second, error) {
	aside, err := p.connection.pool.second(ctx)
	if err != nil {
		return nil, unreachable(p.connection.name, err)
	}
	return aside, nil
}

// HoldTo implements tools.Rehearsed.
func (p *plan) HoldTo(approved *tools.Preview, tolerance float64) tools.Plan {
	held := *p
	held.approved, held.tolerance = approved, tolerance
	return &held
}

// looksAgain reports whether the rows themselves are compared with those that
// were shown, and not only how many they are.
func (p *plan) looksAgain() bool {
	return p.approved != nil && rehearsable[p.action.Verb] && p.approved.Measured && p.tolerance <= 0 && p.approved.State != ""
}

// sameMeaning refuses to run what was not rehearsed if a function that it calls,
// say, is another than when it was shown.
func (p *plan) sameMeaning() error {
	if p.approved == nil || p.approved.Measured || p.approved.State == "" || p.approved.State == p.described.identity {
		return nil
	}
	return movedOn("what it names or calls was defined anew since it was shown")
}

// still refuses to commit what differs from what was approved. changed is how
// many rows the statement itself says that it changed; aside is nil unless the
// rows are to be looked at again.
func (p *plan) still(ctx context.Context, conn lease, aside *second, changed int64) error {
	switch {
	case p.approved == nil || !rehearsable[p.action.Verb]:
		return nil // what else runs was compared before it did
	case !p.approved.Measured:
		// An estimate holds nobody to anything but its order of magnitude.
		if !near(p.approved.Rows, changed, max(p.tolerance, roughly)) && max(p.approved.Rows, changed) > few {
			return movedOn(fmt.Sprintf("it would now change %d rows, and an estimate of %d was shown", changed, p.approved.Rows))
		}
		return nil
	}
	t, err := p.touched(ctx, conn)
	if err != nil {
		return err
	}
	if err := p.compare(p.approved.Changes, t.changes()); err != nil {
		return err
	}
	if aside == nil {
		return nil
	}
	if err := aside.look(ctx, func(ctx context.Context, other *pgx.Conn) error { return t.digest(ctx, conn, other) }); err != nil {
		return err
	}
	if p.approved.State != t.state { // or what it calls was defined anew
		return movedOn("the rows that it touches are no longer as they were shown")
	}
	return nil
}

// How far the number of rows may be from an estimate that was approved: ten
// times as many, or a few.
const (
	roughly = 9
	few     = 100
)

// compare holds counts against those that were approved.
func (p *plan) compare(approved, found []tools.Change) error {
	type key struct{ name, verb string }
	counts := map[key][2]int64{}
	for i, list := range [][]tools.Change{approved, found} {
		for _, c := range list {
			pair := counts[key{c.Name, c.Verb}]
			pair[i] = c.Count
			counts[key{c.Name, c.Verb}] = pair
		}
	}
	keys := make([]key, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.verb, b.verb)) })
	for _, k := range keys {
		was, is := counts[k][0], counts[k][1]
		if k.verb == redefine && was != is {
			return movedOn("it would now empty, alter or drop something else than was shown: " + k.name)
		}
		if !near(was, is, p.tolerance) {
			return movedOn(fmt.Sprintf("it would now %s %d rows of %s, and %d were shown", k.verb, is, k.name, was))
		}
	}
	return nil
}

// near reports whether a count is within a tolerance, a share of what was shown.
func near(was, is int64, tolerance float64) bool {
	return float64(max(was-is, is-was)) <= float64(was)*tolerance
}

func movedOn(what string) *tools.Refusal {
	return &tools.Refusal{
		Rule: "moved", Reason: what + "; nothing was changed",
		Hint: "make the call again, for a preview and an approval of how things are now",
	}
}
