package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/tools"
)

var errNotKept = errors.New("not on record")

// defaultHold is how long a call waits for approval before it is answered.
// Clients give up after a while that they do not tell.
const defaultHold = 45 * time.Second

// approve lets a call on that policy holds for people once they have agreed. It
// waits a while for that, and reports whether they have.
func (g *Gateway) approve(ctx context.Context, c *call) (approved bool, err error) {
	if c.decision.Outcome != policy.Approve {
		return true, g.waive(ctx, c)
	}
	if g.config.Approvals == nil {
		return false, cannotAsk(c.decision)
	}
	if c.approval == nil {
		if same, err := g.ask(ctx, c); err != nil || !same {
			return false, err
		}
	}
	if c.approval.Key != g.digests.digest(c.bound) {
		return false, &tools.Refusal{Rule: "approval-other", Reason: "what waits under this id is another call", Hint: "make the call itself"}
	}
	if err := g.outdated(ctx, c); err != nil {
		return false, err
	}
	if err := g.await(ctx, c); err != nil {
		return false, err
	}
	if err := g.unchanged(ctx, c); err != nil {
		return false, err
	}
	if _, broken := c.brokenOff(); broken {
		return false, context.Canceled
	}
	return c.approval.Phase == approval.Approved, ended(c.approval)
}

// waive ends the request of a call that policy has come to let run without. Of
// all who go on with the call at once, one gets nil.
func (g *Gateway) waive(ctx context.Context, c *call) error {
	if c.approval == nil {
		return nil
	}
	why := "policy no longer wants it approved; it ran as call " + c.id
	err := g.config.Approvals.Cancel(ctx, c.approval.ID, why)
	if errors.Is(err, approval.ErrEnded) {
		return &tools.Refusal{Rule: "approval-ended", Reason: "the request has ended meanwhile", Later: true, Hint: "make the original call again if it is still wanted"}
	}
	return err
}

// attach finds the open request of a call that is made again. What its approvers
// see counts from then on, and not what a new preview would show.
func (g *Gateway) attach(c *call) {
	if g.config.Approvals == nil || c.approval != nil || c.request.DryRun {
		return
	}
	if r, ok := g.config.Approvals.Waiting(g.digests.digest(c.bound), c.decision.Policy); ok {
		c.approval = &r
	}
}

// ask puts the call on the approvers' desk, or finds it there. same says that
// the call is held to what the approvers see: one that was put there by another
// call a moment ago may show another preview, and then this call only waits.
func (g *Gateway) ask(ctx context.Context, c *call) (same bool, err error) {
	if c.decision.Approve.WantsReason() && strings.TrimSpace(c.reason) == "" {
		return false, &tools.Refusal{
			Rule: c.decision.Approve[0].Rule, Reason: "the people who approve this want to know why",
			Hint: "make the call again, and say why in the argument \"reason\"",
		}
	}
	held, err := json.Marshal(c.in)
	if err != nil {
		return false, err
	}
	d := g.descriptionOf(c)
	draft := approval.Request{
		Principal: c.session.Principal, Client: c.session.Client, Session: c.session.ID, Call: c.id,
		Connection: c.connection.Connection, Tool: c.tool.Name, Reason: c.reason,
		Action: d.Action, Params: d.Params, Preview: c.preview,
		Rules: c.decision.Approve, Policy: c.decision.Policy, Key: g.digests.digest(c.bound),
	}
	r, fresh, err := g.config.Approvals.Ask(ctx, draft, held, g.history(c)...)
	if err != nil || !fresh {
		g.unnote(c)
	}
	if errors.Is(err, approval.ErrTooMany) {
		return false, &tools.Refusal{
			Rule: "approvals-open", Reason: err.Error(), Later: true,
			Hint: "wait until some of them are answered or have ended, and call approval_wait for those that are approved",
		}
	}
	if err != nil {
		return false, err
	}
	c.approval = &r
	return r.Preview.Digest() == c.preview.Digest(), nil
}

// unnote says that what happened to the call so far did not get on record.
func (g *Gateway) unnote(c *call) {
	c.noted = false
	_ = c.session.kept(errNotKept)
}

// outdated ends a request that was made under another policy, or whose call
// policy has come to judge otherwise.
func (g *Gateway) outdated(ctx context.Context, c *call) error {
	if c.approval.Policy == c.decision.Policy && sameRules(c.approval, c.decision) {
		return nil
	}
	return g.overtaken(ctx, c)
}

// unchanged ends a request whose policy was replaced while the call waited. What
// policy said before the wait does not hold after it.
func (g *Gateway) unchanged(ctx context.Context, c *call) error {
	if c.approval.Phase != approval.Approved || g.config.Policy().Decide(ctx, c.input).Policy == c.approval.Policy {
		return nil
	}
	return g.overtaken(ctx, c)
}

// overtaken ends the request, and refuses the call.
func (g *Gateway) overtaken(ctx context.Context, c *call) error {
	const why = "the policy has changed since it was requested"
	if err := g.config.Approvals.Cancel(ctx, c.approval.ID, why); err != nil && !errors.Is(err, approval.ErrEnded) {
		return err
	}
	return &tools.Refusal{
		Rule: "policy-changed", Reason: why, Later: true,
		Hint: "make the original call again, for a new request",
	}
}

// sameRules reports whether the decision asks for what the request asks for.
func sameRules(r *approval.Request, d policy.Decision) bool {
	was, err := json.Marshal(r.Rules)
	is, err2 := json.Marshal(d.Approve)
	return err == nil && err2 == nil && string(was) == string(is)
}

// await waits for an answer, unless the call is broken off. The call does not
// take up room meanwhile.
func (g *Gateway) await(ctx context.Context, c *call) error {
	if c.approval.Phase != approval.Requested {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.hold)
	defer cancel()
	defer g.tell(ctx, c)()
	defer g.busy.stepOut(callerKey(c.session.Principal))()
	r, err := g.config.Approvals.Await(ctx, c.approval.ID)
	if err == nil {
		c.approval = &r
	}
	return err
}

// progressEvery is how often a caller that waits is told so.
const progressEvery = 10 * time.Second

// tell lets the caller know that the call still waits, until stop is called.
func (g *Gateway) tell(ctx context.Context, c *call) (stop func()) {
	if c.in.Progress == nil {
		return func() {}
	}
	message := "waiting for approval by " + whoApproves(c.approval.Rules)
	told, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(g.progressEvery)
		defer tick.Stop()
		for n := 1; ; n++ {
			c.in.Progress(n, message)
			select {
			case <-tick.C:
			case <-told.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// spentError is the error of an approval by which the call has run already.
type spentError struct{ request approval.Request }

func (*spentError) Error() string { return "the approval was used already, and holds for one run" }

// notTaken is the reply to a call that did not come to run by its approval. Where
// it was the same call, made once more, that did, it is what came of that.
func (g *Gateway) notTaken(ctx context.Context, c *call, stage string, err error) Reply {
	var spent *spentError
	if errors.As(err, &spent) {
		return g.outcome(ctx, c, spent.request)
	}
	return g.stopped(c, stage, err)
}

// ended is the refusal of a request that came to nothing.
func ended(r *approval.Request) error {
	switch r.Phase {
	case approval.Requested, approval.Approved:
		return nil
	case approval.Denied:
		last := r.Answers[len(r.Answers)-1]
		reason := "it was denied by " + nameOf(last.By)
		if last.Comment != "" {
			reason += ": " + last.Comment
		}
		return &tools.Refusal{Rule: "approval-denied", Reason: reason, Hint: "ask them what would do instead"}
	case approval.Spent:
		return &spentError{*r}
	}
	return &tools.Refusal{
		Rule: "approval-" + string(r.Phase), Reason: r.Why, Later: true,
		Hint: "make the original call again if it is still wanted",
	}
}

// spend takes the approval and records the intent in one transaction: whatever
// happens from here on, nothing else runs by it.
func (g *Gateway) spend(ctx context.Context, c *call, events []recorder.Event) error {
	err := g.config.Approvals.Spend(ctx, *c.approval, c.id, c.session.ID, events...)
	if err == nil {
		return nil
	}
	g.unnote(c)
	switch {
	case errors.Is(err, approval.ErrEnded), errors.Is(err, approval.ErrNotApproved), errors.Is(err, approval.ErrOutdated):
		r, getErr := g.config.Approvals.Get(context.WithoutCancel(ctx), c.approval.ID)
		if getErr != nil {
			return getErr
		}
		if refusal := ended(&r); refusal != nil {
			return refusal
		}
		return &tools.Refusal{Rule: "approval", Reason: err.Error(), Later: true}
	case errors.Is(err, approval.ErrSignature):
		g.log.Error("an approval was not used: "+err.Error(), "approval", c.approval.ID)
		return &tools.Refusal{
			Rule: "approval-signature", Reason: err.Error(), Later: true,
			Hint: "tell whoever runs the gateway: somebody answered by a key that it was not told of when it was started, or changed the record",
		}
	}
	return err
}

// pending is the reply to a call that waits for people.
func (g *Gateway) pending(c *call) Reply {
	r := c.approval
	if err := g.recordEnd(c, recorder.Pending{Approval: r.ID, Until: r.Expires}); err != nil {
		return g.unavailable(c, err)
	}
	c.session.count(false, tools.Stats{}, 0)
	reply := Reply{Status: Pending, Call: c.id, Approval: r.ID, Until: r.Expires.Format(time.RFC3339), Later: true}
	reply.Message = fmt.Sprintf("Nothing ran yet. It waits for approval by %s, until %s.", whoApproves(r.Missing()), reply.Until)
	if r.Phase == approval.Approved {
		reply.Message = fmt.Sprintf("Nothing ran yet. It is approved, and may run until %s.", reply.Until)
	}
	if g.config.Console != "" {
		reply.Message += " They answer at " + g.config.Console + "/approvals/" + r.ID + "."
	}
	reply.Message += fmt.Sprintf(" Call approval_wait with approval_id %q to go on. Do not repeat the call, and do not change it.", r.ID)
	return reply
}

// cannotAsk is the refusal of a call that needs people where none can be asked.
func cannotAsk(d policy.Decision) error {
	r := &tools.Refusal{Rule: "approval", Reason: "policy wants people to agree to this first, and none can be asked here"}
	if len(d.Approve) > 0 {
		r.Rule = d.Approve[0].Rule
		r.Reason += ": " + whoApproves(d.Approve)
	}
	r.Hint = "ask them to do it, or for a change of policy"
	return r
}

// whoApproves names the people that rules want.
func whoApproves(rules []obligation.Approve) string {
	var who []string
	for _, a := range rules {
		people := fmt.Sprintf("%d people", a.Count)
		if a.Count <= 1 {
			people = "one person"
		}
		who = append(who, fmt.Sprintf("%s of %s (%s)", people, strings.Join(a.Groups, " or "), a.Rule))
	}
	return strings.Join(who, " and ")
}

func nameOf(p policy.Principal) string {
	for _, name := range []string{p.Name, p.Email, p.Subject} {
		if name != "" {
			return name
		}
	}
	return "somebody"
}

func callerKey(p policy.Principal) string { return p.Issuer + "\x00" + p.Subject }
