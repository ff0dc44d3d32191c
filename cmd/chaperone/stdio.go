package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/server/identity"
)

const stdioLong = `Serve the gateway to one local client over standard input and output, as Cursor
starts it. The caller is the user of the operating system that runs this.

Nothing but the protocol goes to standard output. It ends when the input does,
when the calls that are under way have ended.`

func newStdio(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "stdio", Short: "Serve one local client, as Cursor starts it", Long: stdioLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			who, err := identity.Local()
			if err != nil {
				return err
			}
			a, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			go a.Run(cmd.Context())
			return errors.Join(a.Edge.ServeStdio(cmd.Context(), o.in, o.out, who), a.Close())
		},
	}
}
