package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/tools"
)

const waitName = "approval_wait"

// waitTool lets a caller go on with a call that waits for approval.
func waitTool() tools.Tool {
	return tools.Tool{
		Name: waitName, Title: "Go on with a call that waits for approval", Ceiling: tools.Destroy, Idempotent: true,
		Description: "Wait for the approval of an earlier call. Once it is approved the call runs, once, and you get its result;" +
			" asked again, you get the same result. Call it with the approval_id that the call was answered with.",
		Input: tools.SchemaOf[waitArgs](nil), Output: json.RawMessage(`{"type":"object","properties":{}}`),
	}
}

type waitArgs struct {
	ApprovalID string `json:"approval_id" jsonschema:"the approval_id that the call was answered with"`
}

// recall turns approval_wait into the call that waits, which then takes the
// path of every call. Where that has ended already, it returns its reply.
func (g *Gateway) recall(ctx context.Context, c *call) (reply Reply, done bool) {
	if c.in.Tool != waitName {
		return Reply{}, false
	}
	r, err := g.waiting(ctx, c)
	if err != nil {
		return g.stopped(c, stageApprove, err), true
	}
	if r.Phase == approval.Spent {
		return g.outcome(ctx, c, r), true
	}
	if err := ended(&r); err != nil {
		return g.stopped(c, stageApprove, err), true
	}
	held, err := g.config.Approvals.Call(r)
	if err == nil {
		err = json.Unmarshal(held, &c.in)
	}
	if err != nil {
		return g.stopped(c, stageApprove, err), true
	}
	c.approval = &r
	return Reply{}, false
}

// waiting finds the request that the caller means. Those of others are none.
func (g *Gateway) waiting(ctx context.Context, c *call) (approval.Request, error) {
	var args waitArgs
	if err := tools.DecodeArgs(c.in.Args, &args); err != nil {
		return approval.Request{}, badArguments(err.Error())
	}
	unknown := &tools.Refusal{
		Rule: "unknown-approval", Reason: fmt.Sprintf("you have no request for approval %q", clip(args.ApprovalID, 64)),
		Hint: "use the approval_id that the call was answered with",
	}
	if g.config.Approvals == nil {
		return approval.Request{}, unknown
	}
	r, err := g.config.Approvals.Get(ctx, args.ApprovalID)
	if errors.Is(err, recorder.ErrNotFound) {
		return r, unknown
	}
	p := c.session.Principal
	if err == nil && (r.Principal.Issuer != p.Issuer || r.Principal.Subject != p.Subject) {
		return r, unknown
	}
	return r, err
}

// outcome is the reply to a call that ran before, from the record. It waits a
// while for the end of one that still runs.
func (g *Gateway) outcome(ctx context.Context, c *call, r approval.Request) Reply {
	defer g.busy.stepOut(callerKey(c.session.Principal))()
	wait, cancel := context.WithTimeout(ctx, g.hold)
	defer cancel()
	reply, found, err := g.remembered(ctx, c.session, r)
	for err == nil && !found && wait.Err() == nil {
		select {
		case <-wait.Done():
		case <-time.After(rememberEvery):
		}
		reply, found, err = g.remembered(ctx, c.session, r)
	}
	switch {
	case err != nil:
		return g.stopped(c, stageApprove, err)
	case !found:
		return g.stopped(c, stageApprove, &tools.Refusal{
			Rule: "approval-running", Reason: "the call runs at this moment", Later: true,
			Hint: "call approval_wait again in a while",
		})
	}
	if err := g.recordEnd(c, recorder.Refused{
		Stage: stageApprove, Rule: "approval-spent", Reason: "it ran already; its stored outcome was returned", Hint: "call " + r.SpentBy,
	}); err != nil {
		return g.unavailable(c, err)
	}
	c.session.count(false, tools.Stats{}, len(reply.Result))
	return reply
}

// rememberEvery is how often the record is asked for the end of a call.
const rememberEvery = 100 * time.Millisecond

// remembered looks the outcome of a spent request up for a session. It is not
// found while the call runs.
func (g *Gateway) remembered(ctx context.Context, reader *Session, r approval.Request) (reply Reply, found bool, err error) {
	kept, labels := false, []string(nil)
	for e, err := range g.config.History.Events(ctx, r.SpentIn) {
		if errors.Is(err, recorder.ErrNotFound) {
			break
		}
		if err != nil {
			return reply, false, err
		}
		if e.Call != r.SpentBy {
			continue
		}
		kept = true
		labels = append(labels, labelsOf(e.Body)...)
		reply, found, err := g.ending(ctx, e)
		if found {
			// Whoever reads a result has what it was labelled with.
			reader.stick(labels)
		}
		if found || err != nil {
			return reply, found, err
		}
	}
	if !kept {
		// The use of an approval and the start of its call are recorded as one.
		return reply, false, dropped(r)
	}
	return reply, false, nil
}

// labelsOf are the labels that an event of a call put on its session.
func labelsOf(body recorder.Body) []string {
	switch body := body.(type) {
	case recorder.Decided:
		return body.Decision.Labels
	case recorder.Judged:
		var labels []string
		for _, j := range body.Actions {
			labels = append(labels, j.Decision.Labels...)
		}
		return labels
	}
	return nil
}

// ending is the reply to a call that an event ended.
func (g *Gateway) ending(ctx context.Context, e recorder.Event) (reply Reply, is bool, err error) {
	switch body := e.Body.(type) {
	case recorder.Finished:
		content, err := g.config.History.Content(ctx, e.Content)
		if errors.Is(err, recorder.ErrNotFound) {
			err = pruned(e.Call)
		}
		return Reply{Status: OK, Call: e.Call, Result: content}, true, err
	case recorder.Failed:
		return Reply{Status: Failed, Call: e.Call, Code: body.Code, Hint: body.Hint, Message: capital(sentence(body.Message))}, true, nil
	case recorder.Refused:
		return Reply{Status: Refused, Call: e.Call, Rule: body.Rule, Hint: body.Hint, Message: refusalText(body.Rule, body.Reason, body.Hint)}, true, nil
	case recorder.Ambiguous:
		return Reply{Status: Ambiguous, Call: e.Call, Message: capital(sentence(body.Why))}, true, nil
	}
	return reply, false, nil
}

// pruned is the refusal to give what is no longer kept of a call that was done.
func pruned(call string) error {
	return &tools.Refusal{
		Rule: "result-gone", Reason: "the call ran and was done, as call " + call + "; its result is no longer kept, and it does not run again",
		Hint: "read what it changed by another call",
	}
}

// dropped is the refusal to say what came of a call that is no longer on record.
func dropped(r approval.Request) error {
	return &tools.Refusal{
		Rule: "result-gone", Reason: "the call was let run once, as call " + r.SpentBy + "; what came of it is no longer on record, and it does not run again",
		Hint: "look at the target itself, by another call",
	}
}
