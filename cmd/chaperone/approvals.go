package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/server/approval"
)

const approvalsLong = `Look at the calls that wait for people, and answer them.

"approve" and "deny" are for a person at a terminal. They ask for the passphrase
of an approver's key on the terminal itself (/dev/tty), never on standard input
or from a variable, show the request in full, and want the word typed. "enroll"
makes such a key; the configuration says whose it is, and in which groups.

This keeps an agent that can run commands from answering for you. It does not
stop one that runs as the same user of the operating system and means harm: that
one could read the data folder, replace this program, or watch the terminal. Let
the gateway run where the agent does not ("chaperone serve"), and answer in its
console.`

func newApprovals(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "approvals", Short: "See and answer the calls that wait for people", Long: approvalsLong, Args: cobra.NoArgs,
		Example: "  chaperone approvals list\n  chaperone approvals approve 01M8616ERXQN2NN9WZQC49HSPE -m \"checked with finance\"",
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newApprovalsList(o), newApprovalsShow(o), newApprovalsWatch(o),
		newApprovalsAnswer(o, approval.Approve), newApprovalsAnswer(o, approval.Deny), newApprovalsEnroll(o))
	return cmd
}

// desk opens what people answer at.
func (o *options) desk(ctx context.Context) (*app.App, error) {
	c, err := o.load()
	if err != nil {
		return nil, err
	}
	return app.OpenDesk(ctx, c, version(), o.logger())
}

func newApprovalsList(o *options) *cobra.Command {
	var all bool
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the requests that are open, the next to expire first", Args: cobra.NoArgs,
		Long: `List the requests that are open: those that want an answer, and those that are
approved and not used yet. The next to expire comes first. MISSING says of which
groups how many more people have to agree.`,
		Example: "  chaperone approvals list\n  chaperone approvals list --all --json",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if limit < 1 {
				return usageError{errors.New("--limit must be positive")}
			}
			a, err := o.desk(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			list, err := a.Desk.List(cmd.Context())
			if all {
				list, err = a.Desk.Recent(cmd.Context(), limit)
			}
			if err != nil {
				return err
			}
			return o.listRequests(list)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that have ended too, the latest first")
	cmd.Flags().IntVar(&limit, "limit", 50, "with --all, at most so many")
	return o.jsonFlag(cmd)
}

// shown is a request in JSON output: without the call itself, which is sealed.
func shown(r approval.Request) approval.Request {
	r.Sealed = nil
	return r
}

func (o *options) listRequests(list []approval.Request) error {
	if o.json {
		out := make([]approval.Request, len(list))
		for i := range list {
			out[i] = shown(list[i])
		}
		return json.NewEncoder(o.plain()).Encode(out)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(o.out, "nothing waits for approval")
		return err
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "APPROVAL\tPHASE\tAGE\tENDS IN\tCALLER\tCONNECTION\tWHAT\tMISSING")
	for i := range list {
		r := &list[i]
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Phase, age(time.Since(r.Asked)), endsIn(r),
			replay.Printable(r.Principal.Subject), replay.Printable(r.Connection.Name), replay.Printable(what(r)), missing(r))
	}
	return w.Flush()
}

// what a request is about: the verb and the first of what it touches, without
// anything that may be a value.
func what(r *approval.Request) string {
	words, targets := r.Action.Verb, r.Action.Targets
	if len(targets) > 0 {
		words += " " + targets[0].Kind + " " + targets[0].Name
	}
	if len(targets) > 1 {
		words += fmt.Sprintf(" and %d more", len(targets)-1)
	}
	return words
}

func age(d time.Duration) string { return d.Round(time.Second).String() }

func endsIn(r *approval.Request) string {
	if left := time.Until(r.Expires); r.Phase.Open() && left > 0 {
		return age(left)
	}
	return "-"
}

func missing(r *approval.Request) string {
	if r.Phase != approval.Requested {
		return "-"
	}
	return replay.Rules(r.Missing())
}

// whichRequests tells someone who named a request that is not there where the
// others are.
func whichRequests(id string, err error) error {
	if errors.Is(err, recorder.ErrNotFound) {
		return fmt.Errorf("there is no request %q; `chaperone approvals list --all` lists those that are", id)
	}
	return err
}

func newApprovalsShow(o *options) *cobra.Command {
	return o.jsonFlag(&cobra.Command{
		Use: "show APPROVAL", Short: "Show one request in full", Args: cobra.ExactArgs(1),
		Long: `Show one request, named by its id from "chaperone approvals list": who asks, why,
the exact call, the rules that hold it, the answers so far, and what the call
would change, with rows before (-) and after (+) as far as policy does not mask
them.`,
		Example: "  chaperone approvals show 01M8616ERXQN2NN9WZQC49HSPE",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			a, err := o.desk(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			r, err := a.Desk.Get(cmd.Context(), args[0])
			if err != nil {
				return whichRequests(args[0], err)
			}
			if o.json {
				return json.NewEncoder(o.plain()).Encode(shown(r))
			}
			return showRequest(o.out, &r, replay.StyleFor(o.out))
		},
	})
}

// showRequest writes all that an approver is to know.
func showRequest(w io.Writer, r *approval.Request, s replay.Style) error {
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(w, "%-11s %s\n", name, value)
		}
	}
	line("approval", s.Bold(r.ID)+", "+string(r.Phase)+because(r.Why))
	line("who", replay.Person(r.Principal)+" ("+string(r.Principal.Method)+", "+replay.Printable(r.Principal.Issuer)+"), with "+replay.Printable(r.Client.Name))
	line("why", orNothing(replay.Printable(r.Reason)))
	line("where", replay.Printable(r.Connection.Name)+labels(r.Connection.Labels))
	line("what", replay.Printable(r.Tool)+", "+replay.Printable(r.Action.Verb)+", "+r.Action.Effect.String())
	_ = replay.Quote(w, "  ", strings.TrimSpace(replay.PrintableLines(r.Action.Display))+"\n", s)
	if len(r.Params) > 0 {
		line("with", replay.Printable(strings.Join(r.Params, ", ")))
	}
	for _, rule := range r.Rules {
		line("held by", replay.Printable(rule.Rule)+because(rule.Message))
	}
	line("asked", r.Asked.Local().Format(time.DateTime)+", "+age(time.Since(r.Asked))+" ago; until "+r.Expires.Local().Format(time.DateTime))
	for _, a := range r.Answers {
		line("answer", string(a.Verdict)+" by "+replay.Person(a.By)+because(a.Comment))
	}
	if r.Phase == approval.Requested {
		line("missing", replay.Rules(r.Missing()))
	}
	_, _ = fmt.Fprintln(w, "it would")
	var preview strings.Builder
	if err := replay.Preview(&preview, r.Preview, s); err != nil {
		return err
	}
	return replay.Quote(w, "  ", preview.String(), s)
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + replay.Printable(why)
}

func orNothing(reason string) string {
	if reason == "" {
		return "(no reason was given)"
	}
	return reason
}

func labels(all map[string]string) string {
	data, err := json.Marshal(all)
	if err != nil || len(all) == 0 {
		return ""
	}
	return " " + replay.Printable(string(data))
}
