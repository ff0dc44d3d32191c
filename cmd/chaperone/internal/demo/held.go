package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chaperone-dev/chaperone/recorder/replay"
)

// held is the call that a rule holds for people.
var held = act{"Take the broken item off payment 7.", "sql_write",
	map[string]any{"sql": "update payments set amount = amount - 5 where id = 7 returning id, amount", "reason": "ticket 1190: one item came back broken"},
	"ok", ""}

// hold makes the call that is held, and lets the approver answer it while it
// waits.
func (st Stage) hold(ctx context.Context, client *Client, style replay.Style) error {
	type answer struct {
		reply Reply
		err   error
	}
	answered := make(chan answer, 1)
	waits, over := context.WithCancelCause(ctx)
	go func() {
		reply, err := client.Call(ctx, held.tool, held.args)
		over(errors.New("the call ended, and nobody was asked"))
		answered <- answer{reply, err}
	}()
	if err := st.approve(waits, style); err != nil {
		return err
	}
	a := <-answered
	if a.err != nil {
		return a.err
	}
	return held.show(st.Out, a.reply, style)
}

// approve lets the approver look at the request, and agree to it.
func (st Stage) approve(ctx context.Context, style replay.Style) error {
	person, err := SignIn(ctx, st.Site, st.Approver)
	if err != nil {
		return err
	}
	reason, _ := held.args["reason"].(string) // ours, and a text
	id, err := person.Waiting(ctx, reason)
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	_, _ = fmt.Fprintf(st.Out, "   %s; the console shows the demo's dba:\n", style.Warn("waits for approval"))
	var request strings.Builder
	if err := st.Show(ctx, &request, id); err != nil {
		return err
	}
	if err := replay.Quote(st.Out, "   ", request.String(), style); err != nil {
		return err
	}
	const comment = "checked with finance"
	if err := person.Answer(ctx, id, "approve", comment); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(st.Out, "   %s by the demo's dba: %s\n", style.Good("approved"), comment)
	return nil
}
