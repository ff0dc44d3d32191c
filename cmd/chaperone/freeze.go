package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/server/identity"
)

const freezeLong = `Refuse every new call from now on and break off those under way, until
"chaperone thaw": all calls, or those of one principal (by subject), one session
or one connection. It holds for every gateway on the same data folder within a
moment, outlives restarts, and is on record, with you as the one who did it.

A change that is broken off before its commit changes nothing; a commit that is
under way ends by itself. Requests for approval stay open, and do not run before
the thaw. Whoever may write to the data folder may freeze; others do it in the
console, if they are in approvals.operators.`

func newFreeze(o *options) *cobra.Command {
	var why string
	var list bool
	cmd := &cobra.Command{
		Use: "freeze [principal|session|connection NAME]", Short: "Refuse calls and break off those under way, until thawed", Long: freezeLong,
		Args:    cobra.MaximumNArgs(2),
		Example: "  chaperone freeze --why \"the shop is down\"\n  chaperone freeze connection shop\n  chaperone freeze principal ann --why \"her laptop is lost\"\n  chaperone freeze --list",
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return o.frozen(cmd.Context())
			}
			return o.freeze(cmd.Context(), args, why, (*freeze.Board).Set, "frozen")
		},
	}
	cmd.Flags().StringVar(&why, "why", "", "`text` that callers and the record are told")
	cmd.Flags().BoolVar(&list, "list", false, "list what is frozen, and freeze nothing")
	return o.jsonFlag(cmd)
}

func newThaw(o *options) *cobra.Command {
	return o.jsonFlag(&cobra.Command{
		Use: "thaw [principal|session|connection NAME]", Short: "Let calls through again", Args: cobra.MaximumNArgs(2),
		Long: `End what "chaperone freeze" began, with the same arguments: without any, the
freeze of everything, and no other. "chaperone freeze --list" shows what is
frozen. Calls that were refused or broken off have to be made again.`,
		Example: "  chaperone thaw\n  chaperone thaw connection shop",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.freeze(cmd.Context(), args, "", (*freeze.Board).Lift, "thawed")
		},
	})
}

// scopeOf reads what is to be frozen.
func scopeOf(args []string) (freeze.Freeze, error) {
	f := freeze.Freeze{Scope: freeze.Everything}
	switch {
	case len(args) == 1:
		return f, usageError{fmt.Errorf("name the %s too, or nothing for everything", args[0])}
	case len(args) == 2:
		f.Scope, f.Name = freeze.Scope(args[0]), args[1]
	}
	if len(args) == 2 && (f.Name == "" || !slices.Contains([]freeze.Scope{freeze.Principal, freeze.Session, freeze.Connection}, f.Scope)) {
		return f, usageError{errors.New("what can be frozen is a principal, a session or a connection, by name, or everything")}
	}
	return f, nil
}

func (o *options) freeze(ctx context.Context, args []string, why string, change func(*freeze.Board, context.Context, freeze.Freeze) error, done string) (err error) {
	f, err := scopeOf(args)
	if err != nil {
		return err
	}
	if f.By, err = identity.Local(); err != nil {
		return err
	}
	f.Why, f.At = why, time.Now().UTC()
	a, err := o.desk(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := change(a.Freezes, ctx, f); err != nil {
		return err
	}
	if o.json {
		return o.encodeFreezes(a.Freezes.List())
	}
	_, err = fmt.Fprintf(o.out, "%s: %s\n", done, replay.Printable(strings.TrimSpace(string(f.Scope)+" "+f.Name)))
	return err
}

// encodeFreezes prints JSON; an empty list is one too.
func (o *options) encodeFreezes(list []freeze.Freeze) error {
	return json.NewEncoder(o.plain()).Encode(append([]freeze.Freeze{}, list...))
}

// frozen lists what is frozen.
func (o *options) frozen(ctx context.Context) (err error) {
	a, err := o.desk(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	list := a.Freezes.List()
	switch {
	case o.json:
		return o.encodeFreezes(list)
	case len(list) == 0:
		_, err := fmt.Fprintln(o.out, "nothing is frozen")
		return err
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "WHAT\tBY\tSINCE\tWHY")
	for _, f := range list {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", replay.Printable(strings.TrimSpace(string(f.Scope)+" "+f.Name)), replay.Person(f.By),
			f.At.Local().Format(time.DateTime), replay.Printable(f.Why))
	}
	return w.Flush()
}
