package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/approver"
	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/server/gateway"
)

// The gateway's own tool that goes on with a call that waits.
const (
	waitTool     = "approval_wait"
	waitArgument = "approval_id"
)

func waitFor(approval string) gateway.Incoming {
	args, _ := json.Marshal(map[string]string{waitArgument: approval}) // texts always marshal
	return gateway.Incoming{Tool: waitTool, Args: args}
}

// reached is a call whose person can be asked, told that it waits, and shown what
// it writes while it runs.
func (o *options) reached(in gateway.Incoming) gateway.Incoming {
	in.Confirm = confirm
	in.Progress = func(n int, message string) {
		if n == 1 {
			_, _ = fmt.Fprintln(o.err, replay.Printable(message))
		}
	}
	if !o.json {
		in.Stream = o.stream
	}
	return in
}

// stream shows what a long call writes, as it comes.
func (o *options) stream(stream, lines string) {
	o.live = true
	out := o.out
	if stream != "stdout" {
		out = o.err
	}
	_, _ = io.WriteString(out, replay.PrintableLines(lines))
}

// confirm asks the person at the terminal. Where there is none, nobody answers.
func confirm(ctx context.Context, question string) (gateway.Answer, error) {
	t, err := approver.OpenTerminal()
	if err != nil {
		return "", err
	}
	defer t.Close()
	typed, err := t.Line(ctx, replay.Printable(question)+"\nType \"yes\" to go on: ")
	switch {
	case err != nil:
		return "", err
	case typed == "yes":
		return gateway.Accepted, nil
	}
	return gateway.Declined, nil
}

// goOn says how to go on with a call that waits.
func (o *options) goOn(approval string) string {
	return fmt.Sprintf("Here: %s call %s %s --wait", programName(), waitTool, approval)
}
