package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// Answer is what the caller's own person said. The zero value is nothing.
type Answer string

// The answers to a question.
const (
	// Accepted lets the call go on.
	Accepted Answer = "accept"
	// Declined and Dismissed do not.
	Declined  Answer = "decline"
	Dismissed Answer = "cancel"
	// Later says that the client asks by itself, and makes the call again with
	// the answer and the ticket.
	Later Answer = "later"
)

// Ticket is what a client brings back with an answer.
type Ticket struct {
	// Sealed is the ticket that it was given.
	Sealed string
	Answer Answer
}

// defaultConfirm is how long a person has to answer, and the client to come back.
const defaultConfirm = 30 * time.Second

// confirm asks the caller's own person where policy wants their word. asked
// says that the client has to ask, and will make the call again.
func (g *Gateway) confirm(ctx context.Context, c *call) (asked bool, err error) {
	if c.decision.Outcome != policy.Confirm {
		return false, nil
	}
	answer, err := g.answer(ctx, c)
	switch {
	case err != nil:
		return false, err
	case answer == Later:
		return true, nil
	}
	c.confirmed = string(answer)
	if answer == Accepted {
		return false, nil
	}
	return false, unconfirmed(c.decision, answer)
}

// answer is what the person says. Only a ticket of ours, for this very call and
// this preview, lets a client bring an answer along.
func (g *Gateway) answer(ctx context.Context, c *call) (Answer, error) {
	if t := c.in.Ticket; t.Sealed != "" {
		if !g.tickets.redeem(g.cursors, t.Sealed, c.ticketBound(), g.now()) {
			return "", &tools.Refusal{
				Rule: "confirmation", Reason: "the answer does not belong to this call, or came too late", Later: true,
				Hint: "make the call again without it",
			}
		}
		return t.Answer, nil
	}
	if c.in.Confirm == nil {
		return "", nil
	}
	asking, cancel := context.WithTimeout(ctx, g.confirmTime)
	defer cancel()
	answer, err := c.in.Confirm(asking, question(c))
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err() // the call was broken off, whatever the answer is
	case err != nil:
		return "", nil // a client that can't ask, or a person who is not there
	}
	return answer, nil
}

// question is what the person is asked.
func question(c *call) string {
	var out strings.Builder
	for _, rule := range c.decision.Confirm {
		out.WriteString(sentence(rule.Message) + " ")
	}
	d := c.action.Display
	if c.touchesMasked() || c.action.Secret {
		d = c.action.Blank
	}
	fmt.Fprintf(&out, "On %s: %s", c.connection.Name, whole(d))
	if c.preview != nil && len(c.preview.Changes) > 0 {
		out.WriteString(" (")
		for i, change := range c.preview.Changes {
			if i > 0 {
				out.WriteString(", ")
			}
			fmt.Fprintf(&out, "%s %d in %s", change.Verb, change.Count, change.Name)
		}
		out.WriteString(")")
	}
	return tools.Visible(out.String())
}

// whole is text for a person who decides by it. Of a long one they see both ends,
// and how much is missing: what matters must not stand where it is cut.
func whole(text string) string {
	text = scrubbed(text)
	cut := len(text) - maxText
	if cut <= 0 {
		return text
	}
	const half = maxText / 2
	end := strings.ToValidUTF8(text[len(text)-half:], "")
	return clip(text, half) + fmt.Sprintf(" [%d bytes are not shown here] ...", cut) + end
}

func unconfirmed(d policy.Decision, answer Answer) error {
	r := &tools.Refusal{Rule: "confirmation", Reason: "the person at the client did not confirm it"}
	if len(d.Confirm) > 0 {
		r.Rule = d.Confirm[0].Rule
	}
	if answer == "" {
		r.Reason = "policy wants the person at the client to confirm this, and they could not be asked or did not answer in time"
		r.Hint = "tell them, and make the call from a client that shows such questions, or by `chaperone call` on a terminal"
		r.Later = true
	}
	return r
}

// asking is the reply that makes the client ask.
func (g *Gateway) asking(c *call) Reply {
	if err := g.recordEnd(c, recorder.Confirmed{Answer: "asked"}); err != nil {
		return g.unavailable(c, err)
	}
	return Reply{
		Status: Asking, Call: c.id, Message: question(c), Later: true,
		Ticket: g.tickets.issue(g.cursors, c.ticketBound(), g.now(), g.confirmTime),
	}
}

// ticketBound is what a ticket is good for.
func (c *call) ticketBound() string {
	rules, _ := json.Marshal(c.decision.Confirm) // texts always marshal
	return join("confirm", c.bound, c.decision.Policy, string(rules), c.preview.Digest())
}

// tickets are each good once, for a while, in the process that gave them.
type tickets struct {
	mu   sync.Mutex
	open map[string]time.Time
}

func newTickets() *tickets { return &tickets{open: map[string]time.Time{}} }

// issue gives a ticket that is good for a while.
func (t *tickets) issue(s seal, bound string, now time.Time, good time.Duration) string {
	id := ulid.MustNew(ulid.Timestamp(now), ulid.DefaultEntropy()).String()
	t.mu.Lock()
	defer t.mu.Unlock()
	for known, until := range t.open {
		if now.After(until) {
			delete(t.open, known)
		}
	}
	t.open[id] = now.Add(good)
	return s.close(id, bound)
}

// redeem takes a ticket, once.
func (t *tickets) redeem(s seal, ticket, bound string, now time.Time) bool {
	id, ok := s.open(ticket, bound)
	if !ok {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	until, known := t.open[id]
	delete(t.open, id)
	return known && !now.After(until)
}
