package kubectl

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd/auth"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// newCanI is auth can-i. kubectl's own ends the process to say no.
func newCanI(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
	o := &auth.CanIOptions{IOStreams: s}
	cmd := &cobra.Command{Use: "can-i", Run: func(_ *cobra.Command, args []string) {
		cmdutil.CheckErr(o.Complete(f, args))
		cmdutil.CheckErr(o.Validate())
		if o.List {
			cmdutil.CheckErr(o.RunAccessList())
			return
		}
		allowed, err := o.RunAccessCheck()
		cmdutil.CheckErr(err)
		if !allowed {
			leave(exit{code: 1})
		}
	}}
	cmd.Flags().BoolVarP(&o.AllNamespaces, "all-namespaces", "A", false, "")
	cmd.Flags().BoolVarP(&o.Quiet, "quiet", "q", false, "")
	cmd.Flags().StringVar(&o.Subresource, "subresource", "", "")
	cmd.Flags().BoolVar(&o.List, "list", false, "")
	cmd.Flags().BoolVar(&o.NoHeaders, "no-headers", false, "")
	return cmd
}

// newAuth is auth with what only asks.
func newAuth(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
	cmd := &cobra.Command{Use: "auth"}
	cmd.AddCommand(newCanI(f, s), auth.NewCmdWhoAmI(f, s))
	return cmd
}
