package kubectl

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/kubectl/pkg/cmd/apply"
	"k8s.io/kubectl/pkg/cmd/diff"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"sigs.k8s.io/yaml"
)

// newDiff is diff, by kubectl's own code but for the end of it: kubectl would
// write both sides into files and run a program on them.
func newDiff(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
	o := diff.NewDiffOptions(s)
	cmd := &cobra.Command{Use: "diff", Run: func(cmd *cobra.Command, args []string) {
		cmdutil.CheckDiffErr(o.Complete(f, cmd, args))
		cmdutil.CheckDiffErr(o.Validate())
		pairs, err := compared(o)
		cmdutil.CheckDiffErr(err)
		differs, err := writePairs(pairs, s.Out)
		cmdutil.CheckDiffErr(err)
		if differs {
			leave(exit{code: 1})
		}
	}}
	// kubectl looks at these two, and they are not for here.
	cmd.Flags().StringArray("prune-allowlist", nil, "")
	cmd.Flags().Bool("prune", false, "")
	cmd.Flags().BoolVar(&o.ShowManagedFields, "show-managed-fields", false, "")
	cmdutil.AddFilenameOptionFlags(cmd, &o.FilenameOptions, "")
	cmdutil.AddServerSideApplyFlags(cmd)
	cmdutil.AddFieldManagerFlagVar(cmd, &o.FieldManager, apply.FieldManagerClientSideApply)
	cmdutil.AddLabelSelectorFlagVar(cmd, &o.Selector)
	return cmd
}

// pair is an object as it is and as it would be, as YAML.
type pair struct{ name, live, merged string }

// compared are the objects of the manifest, in the order of their names, as the
// program that kubectl runs has them.
func compared(o *diff.DiffOptions) ([]pair, error) {
	r := o.Builder.Unstructured().NamespaceParam(o.CmdNamespace).DefaultNamespace().
		FilenameParam(o.EnforceNamespace, &o.FilenameOptions).LabelSelectorParam(o.Selector).Flatten().Do()
	if err := r.Err(); err != nil {
		return nil, err
	}
	var pairs []pair
	err := r.Visit(func(info *resource.Info, err error) error {
		if err != nil {
			return err
		}
		one, err := compareOne(o, info)
		pairs = append(pairs, one)
		return err
	})
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return pairs, err
}

func compareOne(o *diff.DiffOptions, info *resource.Info) (pair, error) {
	object := diff.InfoObject{
		LocalObj: info.Object.DeepCopyObject(), Info: info, FieldManager: o.FieldManager,
		ServerSideApply: o.ServerSideApply, ForceConflicts: o.ForceConflicts, IOStreams: o.Diff.IOStreams,
	}
	if err := info.Get(); apierrors.IsNotFound(err) {
		info.Object = nil
	} else if err != nil {
		return pair{}, err
	}
	p := pair{name: object.Name()}
	merged, err := object.Merged()
	if err != nil {
		return p, err
	}
	apply.WarnIfDeleting(info.Object, o.Diff.ErrOut)
	if p.live, err = diffText(object.Live(), o.ShowManagedFields); err != nil {
		return p, err
	}
	p.merged, err = diffText(merged, o.ShowManagedFields)
	return p, err
}

// diffText is an object as kubectl diff prints it.
func diffText(object runtime.Object, managed bool) (string, error) {
	if object == nil {
		return "", nil
	}
	if a, err := meta.Accessor(object); err == nil && !managed {
		a.SetManagedFields(nil)
	}
	out, err := yaml.Marshal(object)
	return string(out), err
}

// writePairs writes what differs, in the form of diff -u -N. kubectl's names are
// those of two folders for the time being; here the folders are LIVE and MERGED.
func writePairs(pairs []pair, to io.Writer) (differs bool, err error) {
	for _, p := range pairs {
		if p.live == p.merged {
			continue
		}
		differs = true
		live, merged := "LIVE/"+p.name, "MERGED/"+p.name
		body, err := unified(p.live, p.merged, live, merged)
		if err != nil {
			return true, fmt.Errorf("%s: %w", p.name, err)
		}
		if _, err := fmt.Fprintf(to, "diff -u -N %s %s\n%s", live, merged, body); err != nil {
			return true, err
		}
	}
	return differs, nil
}
