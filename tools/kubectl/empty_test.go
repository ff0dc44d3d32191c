package kubectl

import (
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// emptyRoot is kubectl without a server.
func emptyRoot(word string) *cobra.Command {
	return root(word, cmdutil.NewFactory(nowhere{}), genericiooptions.NewTestIOStreamsDiscard(), nil)
}
