package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chaperone-dev/chaperone/recorder/replay"
)

// hold makes a call that a rule holds, and lets the approver answer it while it
// waits.
func (st Stage) hold(ctx context.Context, client *Client, a act, style replay.Style) (Reply, error) {
	type answer struct {
		reply Reply
		err   error
	}
	answered := make(chan answer, 1)
	waits, over := context.WithCancelCause(ctx)
	go func() {
		reply, err := client.Call(ctx, a.tool, a.args)
		over(errors.New("the call ended, and nobody was asked"))
		answered <- answer{reply, err}
	}()
	if err := st.approve(waits, a, style); err != nil {
		return Reply{}, err
	}
	got := <-answered
	return got.reply, got.err
}

// approve lets the approver look at the request, and agree to it.
func (st Stage) approve(ctx context.Context, a act, style replay.Style) error {
	person, err := SignIn(ctx, st.Site, st.Approver)
	if err != nil {
		return err
	}
	reason, _ := a.args["reason"].(string) // ours, and a text
	id, err := person.Waiting(ctx, reason)
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	_, _ = fmt.Fprintf(st.Out, "   %s; the console shows the demo's approver:\n", style.Warn("waits for approval"))
	var request strings.Builder
	if err := st.Show(ctx, &request, id); err != nil {
		return err
	}
	if err := replay.Quote(st.Out, "   ", request.String(), style); err != nil {
		return err
	}
	if a.moves {
		if err := st.Cluster.ChangeAPI(ctx); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(st.Out, "   meanwhile a colleague turns on the debug log of the deployment api, not by this gateway")
	}
	if err := person.Answer(ctx, id, "approve", a.comment); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(st.Out, "   %s by the demo's approver: %s\n", style.Good("approved"), a.comment)
	return nil
}
