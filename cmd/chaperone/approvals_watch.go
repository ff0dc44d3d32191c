package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/server/approval"
)

func newApprovalsWatch(o *options) *cobra.Command {
	return o.jsonFlag(&cobra.Command{
		Use: "watch", Short: "Print each request as it comes and as it changes, until you end it", Args: cobra.NoArgs,
		Long: `Print a line for each request that is open, for each that comes, and whenever one
changes, until you end it by Ctrl-C. With --json each line is the whole request.
It answers nothing, and needs no key.`,
		Example: "  chaperone approvals watch",
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.watch(cmd.Context()) },
	})
}

// watchedRequests is how many of the latest requests are looked at for changes.
const watchedRequests = 200

func (o *options) watch(ctx context.Context) (err error) {
	a, err := o.desk(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	go a.Desk.Run(ctx)
	told := map[string]string{}
	for first := true; ; first = false {
		changed := a.Desk.Changes()
		list, err := a.Desk.Recent(ctx, watchedRequests)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		for i := len(list) - 1; i >= 0; i-- {
			r := &list[i]
			now := fmt.Sprint(r.Phase, len(r.Answers))
			if told[r.ID] == now {
				continue
			}
			told[r.ID] = now
			if first && !r.Phase.Open() {
				continue
			}
			if err := o.tell(r); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// tell prints one line on a request.
func (o *options) tell(r *approval.Request) error {
	if o.json {
		return json.NewEncoder(o.plain()).Encode(shown(*r))
	}
	text := fmt.Sprintf("%s  %s  %s  %s: %s on %s", time.Now().Format(time.TimeOnly), r.ID, r.Phase, replay.Printable(r.Principal.Subject),
		replay.Printable(r.Action.Verb), replay.Printable(r.Connection.Name))
	if r.Phase == approval.Requested {
		text += "; " + replay.Impact(r.Preview) + "; wants " + replay.Rules(r.Missing())
	} else if r.Why != "" {
		text += because(r.Why)
	}
	_, err := fmt.Fprintln(o.out, text)
	return err
}
