package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/server/gateway"
	"github.com/chaperone-dev/chaperone/server/identity"
)

const callLong = `Make one call of a tool as the user of the operating system, on the same path as
an agent's: judged by policy, masked and recorded.

What comes behind the tool's name is its main argument: the statement for
sql_read and sql_write, the pattern for sql_schema, where "-" reads it from standard
input; and for kubectl_read and kubectl_write the words of the command, behind "--",
with --stdin for manifests. Other arguments go into --args as JSON.

The result goes to standard output, as a table or as the command wrote it, with
--json just as an agent gets it; what a long call writes comes as it is written.
What is said about it, and refusals, go to standard error. It exits with 1 if the
call was refused or failed. Without -r the reason is empty, which policy may refuse.

A call that policy holds for approval waits for approvals.hold. Then it says under
which id it goes on waiting, and exits with 1, since nothing ran: go on by
"chaperone call approval_wait ID", or wait to the end by --wait. Where policy wants
the caller's own yes, it is asked for on the terminal.`

const callExample = `  chaperone call access
  chaperone call sql_read -c shop "select * from orders limit 5"
  chaperone call sql_read -c shop --args '{"params": [42]}' 'select * from orders where id = $1'
  chaperone call sql_write -c shop -r "ticket 7: wrong total" --dry-run "update orders set total = 5 where id = 1"
  chaperone call kubectl_read -c cluster -- get pods -n shop -o wide
  chaperone call kubectl_write -c cluster -r "ticket 8" --stdin -- apply -f - < web.yaml
  chaperone call approval_wait 01M8616ERXQN2NN9WZQC49HSPE --wait`

// callFlags are what a call is made of on the command line.
type callFlags struct {
	connection, reason, cursor, args string
	dryRun, wait, stdin              bool
}

func (f *callFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&f.connection, "connection", "c", "", "`name` of the connection; not needed where there is only one")
	flags.StringVarP(&f.reason, "reason", "r", "", "why, for the people who read the record")
	flags.StringVar(&f.args, "args", "", "further arguments of the tool, as a `JSON` object")
	flags.StringVar(&f.cursor, "cursor", "", "next_cursor of an earlier call, to go on where it was cut")
	flags.BoolVar(&f.dryRun, "dry-run", false, "describe and judge the call, and run nothing")
	flags.BoolVar(&f.stdin, "stdin", false, "pass standard input on, for tools that take it")
	flags.BoolVar(&f.wait, "wait", false, "wait for approval until somebody answers or the request ends")
}

func newCall(o *options) *cobra.Command {
	var f callFlags
	cmd := &cobra.Command{
		Use: "call TOOL [ARGUMENT | -- WORD...]", Short: "Make one governed call", Long: callLong, Example: callExample,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return call(cmd.Context(), o, f, args) },
	}
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return toolNames(), cobra.ShellCompDirectiveNoFileComp
	}
	f.add(cmd)
	return o.jsonFlag(cmd)
}

func toolNames() []string {
	names := []string{"access", waitTool}
	for _, family := range app.Families() {
		for _, t := range family.Tools() {
			names = append(names, t.Name)
		}
	}
	return names
}

func call(ctx context.Context, o *options, f callFlags, args []string) (err error) {
	incoming, err := f.incoming(o, args)
	if err != nil {
		return err
	}
	who, err := identity.Local()
	if err != nil {
		return err
	}
	a, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	background, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { a.Run(background) })
	session := a.Gateway.OpenSession(who, policy.Client{Name: "chaperone call", Version: version()}, "cli")
	reply := a.Gateway.Call(ctx, session, incoming)
	for f.wait && reply.Status == gateway.Pending && ctx.Err() == nil {
		reply = a.Gateway.Call(ctx, session, o.reached(waitFor(reply.Approval)))
	}
	a.Gateway.CloseSession(session, "the command ended")
	return o.show(reply)
}

// incoming puts the command line together to a call.
func (f callFlags) incoming(o *options, args []string) (gateway.Incoming, error) {
	all := map[string]any{}
	if !slices.Contains(toolNames(), args[0]) {
		return gateway.Incoming{}, usageError{fmt.Errorf("there is no tool %q; there are %s", args[0], strings.Join(toolNames(), ", "))}
	}
	if f.args != "" {
		if err := json.Unmarshal([]byte(f.args), &all); err != nil || all == nil {
			return gateway.Incoming{}, usageError{errors.New("--args must be a JSON object")}
		}
	}
	for name, value := range map[string]string{"connection": f.connection, "reason": f.reason, "cursor": f.cursor} {
		if value != "" {
			all[name] = value
		}
	}
	if f.dryRun {
		all["dry_run"] = true
	}
	if f.stdin {
		text, err := o.text("-")
		if err != nil {
			return gateway.Incoming{}, err
		}
		all["stdin"] = text
	}
	if len(args) > 1 {
		if err := o.main(all, args[0], args[1:]); err != nil {
			return gateway.Incoming{}, err
		}
	}
	// JSON would put other text in its place, and the call would be another one.
	for _, value := range all {
		if text, is := value.(string); is && !utf8.ValidString(text) {
			return gateway.Incoming{}, errNotUTF8
		}
	}
	data, err := json.Marshal(all)
	return o.reached(gateway.Incoming{Tool: args[0], Args: data}), err
}

// shownRows is how many rows a terminal is given.
const shownRows = 1000

// show prints a reply, and fails if the call did.
func (o *options) show(reply gateway.Reply) error {
	var err error
	switch {
	case o.json:
		_, err = fmt.Fprintf(o.plain(), "%s\n", reply.JSON())
	case reply.Status == gateway.Pending:
		_, err = fmt.Fprintf(o.err, "pending: %s\n%s\n", replay.Printable(reply.Message), o.goOn(reply.Approval))
	case reply.Error():
		_, err = fmt.Fprintf(o.err, "%s: %s\n", reply.Status, replay.Printable(reply.Message))
	default:
		err = o.showResult(reply)
	}
	if err == nil && (reply.Error() || reply.Status == gateway.Pending) {
		return errSilent
	}
	return err
}

func (o *options) showResult(reply gateway.Reply) error {
	if reply.Message != "" {
		if _, err := fmt.Fprintln(o.err, replay.Printable(reply.Message)); err != nil {
			return err
		}
	}
	write := replay.Content
	if o.live {
		write = replay.Ending
	}
	if err := write(o.out, reply.Result, shownRows, replay.StyleFor(o.out)); err != nil {
		return err
	}
	if reply.NextCursor != "" {
		_, err := fmt.Fprintf(o.err, "there is more: repeat the call with --cursor %s\n", reply.NextCursor)
		return err
	}
	return nil
}
