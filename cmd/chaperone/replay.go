package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/recorder/replay"
)

const replayLong = `Tell the story of a session from the record: who called, what was asked, what
policy said, and what came back, masked as the agent got it.

Without a session it shows the newest. What a long call wrote, such as a log that
was followed, is shown in the pieces and at the times it came in; --speed 1 takes
that time, and --speed 10 a tenth of it. What is on record was written by agents
and strangers; nothing of it can act on your terminal.`

func newReplay(o *options) *cobra.Command {
	var plain bool
	var rows int
	var speed float64
	cmd := &cobra.Command{
		Use: "replay [SESSION]", Short: "Replay a session from the record", Long: replayLong, Args: cobra.MaximumNArgs(1),
		Example: "  chaperone replay\n  chaperone replay 01M8616ERXQN2NN9WZQC49HSPE --rows 100 | less -R\n  chaperone replay --speed 2",
		RunE: func(cmd *cobra.Command, args []string) error {
			if rows < 0 {
				return usageError{errors.New("--rows must not be negative")}
			}
			if speed < 0 {
				return usageError{errors.New("--speed must not be negative")}
			}
			r, err := o.reader(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = r.Close() }()
			session, err := chosenSession(cmd.Context(), r, args)
			if err != nil {
				return err
			}
			return whichSessions(replay.Plain(cmd.Context(), r, session, o.out, replay.Options{Style: replay.StyleFor(o.out), Rows: rows, Speed: speed}))
		},
	}
	cmd.Flags().BoolVar(&plain, "plain", true, "print the whole session and end, which is all that this version does")
	cmd.Flags().IntVar(&rows, "rows", 10, "rows of each result to show")
	cmd.Flags().Float64Var(&speed, "speed", 0, "take the time it took, divided by this; 0 takes none")
	return cmd
}

// chosenSession is the session that was named, or else the newest.
func chosenSession(ctx context.Context, r *recorder.Reader, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	newest, err := r.Sessions(ctx, recorder.SessionFilter{Limit: 1})
	switch {
	case err != nil:
		return "", err
	case len(newest) == 0:
		return "", errors.New("there is no session on record yet; make a call first")
	}
	return newest[0].ID, nil
}
