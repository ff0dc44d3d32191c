package kubectl

import (
	"context"
	"errors"
	"maps"

	"github.com/chaperone-dev/chaperone/tools"
)

// writePlan is a command that changes something, as it was rehearsed.
type writePlan struct {
	cluster *cluster
	limits  tools.Limits
	command command
	caller  tools.Caller
	gate    tools.Gate
	key     [32]byte
	reads   []Request
	changes []*change
	action  tools.Action
	// approved is the preview that people agreed to, or nil.
	approved *tools.Preview
}

// describeWrite rehearses the command. Requests that only read go out as they
// are, if policy lets them, and those that change something as dry runs.
func (k *connection) describeWrite(ctx context.Context, on *cluster, c command, r tools.Request) (tools.Plan, error) {
	w := &wire{cluster: on, caller: r.Caller, shape: &shape{}}
	h := &rehearsal{gate: r.Gate, command: c, wire: w, key: r.Key, gone: map[string]bool{}}
	w.judge = h
	out := newOutput(k.limits.Bytes)
	e := c.execute(ctx, w, out, c.rehearsal)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := w.stopped(); err != nil {
		return nil, err
	}
	if e.err != nil {
		return nil, unfinished(ctx, e.err)
	}
	if t := w.keptOut(); e.code != 0 && t != nil {
		return nil, t.refusal()
	}
	if e.code != 0 {
		_, stderr, _ := out.texts()
		return nil, refused("rehearsal", "its rehearsal failed: "+failure(e.code, stderr).Message, "mend the command or the manifest; nothing was changed")
	}
	changes := h.lasting()
	p := &writePlan{cluster: on, limits: k.limits, command: c, caller: r.Caller, gate: r.Gate, key: r.Key, reads: h.reads, changes: changes}
	objects := objectsOf(changes)
	if err := checkChanged(objects); err != nil {
		return nil, err
	}
	p.action = c.action(requestsOf(changes, h.reads), objects)
	return p, nil
}

// unfinished is the refusal of a command that was not rehearsed to its end.
func unfinished(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return &tools.Refusal{Rule: "rehearsal", Reason: "its rehearsal took too long", Hint: "change less at once", Later: true}
	}
	return err
}

// requestsOf are the changes, or the reads of a command that changes nothing.
func requestsOf(changes []*change, reads []Request) []Request {
	if len(changes) == 0 {
		return reads
	}
	out := []Request{}
	for _, c := range changes {
		out = append(out, c.Request)
		if c.creates {
			out = append(out, c.creation())
		}
	}
	return out
}

// Action implements tools.Plan.
func (p *writePlan) Action() tools.Action { return p.action }

// HoldTo implements tools.Rehearsed. There is no tolerance: what was shown is
// what is done.
func (p *writePlan) HoldTo(approved *tools.Preview, _ float64) tools.Plan {
	held := *p
	held.approved = approved
	return &held
}

// Run implements tools.Plan.
func (p *writePlan) Run(ctx context.Context, gate tools.Gate, limits tools.Limits) (tools.Result, error) {
	if p.approved != nil && p.approved.State != stateOfAll(p.key, p.changes) {
		return nil, &tools.Refusal{
			Rule: "moved", Reason: "what it would change is no longer as it was shown", Later: true,
			Hint: "make the original call again, for a new request",
		}
	}
	limits = p.limits.Intersect(limits)
	ctx, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	w := &wire{cluster: p.cluster, caller: p.caller, shape: &shape{}}
	k := &keeper{gate: gate, command: p.command, wire: w, key: p.key, reads: keys(p.reads), changes: copied(p.changes)}
	w.judge = k
	out := p.command.output(gate, limits)
	e := p.command.execute(ctx, w, out, nil)
	r, err := p.command.result(w, out, e)
	return k.ended(w, r, err)
}

// copied are changes of which none was used.
func copied(changes []*change) []*change {
	out := make([]*change, len(changes))
	for i, c := range changes {
		one := *c
		out[i] = &one
	}
	return out
}

// ended says how far a command came that did not come to its end.
func (k *keeper) ended(w *wire, r tools.Result, err error) (tools.Result, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	cut := false
	if done, ok := r.(*result); ok {
		cut = done.Truncated
		for _, c := range k.changes {
			if c.used && (c.Verb == "delete" || c.Subresource == "eviction") {
				done.deleted++
			}
		}
	}
	var refusal *tools.Refusal
	var failure *tools.Failure
	switch {
	case errors.As(err, &failure) && (w.under > 0 || w.lost && (failure.Code == "timeout" || failure.Code == "cancelled")):
		unsure := *failure
		unsure.Unsure = true
		return nil, &unsure
	case w.lost || w.under > 0 && err == nil && !cut:
		return nil, &tools.Failure{Code: "lost", Message: "the API server did not say what became of a change: its answer was lost, or is no answer", Plain: "the answer to a change was lost", Unsure: true}
	case err == nil:
		return r, nil
	case w.began && errors.As(err, &refusal):
		return nil, &tools.Failure{Code: refusal.Rule, Message: "it was broken off after a part of it was done: " + refusal.Reason, Plain: "it was broken off after a part of it was done", Hint: refusal.Hint}
	}
	return nil, err
}

// labelsOf are an object's labels.
func labelsOf(object map[string]any) map[string]string {
	out := map[string]string{}
	meta, _ := object["metadata"].(map[string]any)
	labels, _ := meta["labels"].(map[string]any)
	for name, value := range maps.All(labels) {
		out[name], _ = value.(string)
	}
	return out
}
