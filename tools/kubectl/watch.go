package kubectl

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/rest"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/kubectl/pkg/cmd/get"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// newGet is get. kubectl's own watch listens for signals and ends the process when
// one comes; this one ends with the call.
func newGet(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
	o := get.NewGetOptions("kubectl", s)
	cmd := &cobra.Command{Use: "get", Run: func(cmd *cobra.Command, args []string) {
		cmdutil.CheckErr(o.Complete(f, cmd, args))
		cmdutil.CheckErr(o.Validate())
		if o.Watch || o.WatchOnly {
			cmdutil.CheckErr(watched{o}.run(cmd.Context(), f, args))
			return
		}
		cmdutil.CheckErr(o.Run(f, args))
	}}
	o.PrintFlags.AddFlags(cmd)
	cmd.Flags().BoolVarP(&o.Watch, "watch", "w", false, "")
	cmd.Flags().BoolVar(&o.WatchOnly, "watch-only", false, "")
	cmd.Flags().BoolVar(&o.OutputWatchEvents, "output-watch-events", false, "")
	cmd.Flags().BoolVar(&o.IgnoreNotFound, "ignore-not-found", false, "")
	cmd.Flags().StringVar(&o.FieldSelector, "field-selector", "", "")
	cmd.Flags().BoolVarP(&o.AllNamespaces, "all-namespaces", "A", false, "")
	cmd.Flags().BoolVar(&o.ServerPrint, "server-print", o.ServerPrint, "")
	cmdutil.AddFilenameOptionFlags(cmd, &o.FilenameOptions, "")
	cmdutil.AddChunkSizeFlag(cmd, &o.ChunkSize)
	cmdutil.AddLabelSelectorFlagVar(cmd, &o.LabelSelector)
	cmdutil.AddSubresourceFlags(cmd, &o.Subresource, "")
	return cmd
}

// flusher puts lines into columns as it is flushed.
type flusher interface {
	io.Writer
	Flush() error
}

// watched is get with --watch, as kubectl does it.
type watched struct{ *get.GetOptions }

func (o watched) run(ctx context.Context, f cmdutil.Factory, args []string) error {
	r := f.NewBuilder().Unstructured().NamespaceParam(o.Namespace).DefaultNamespace().AllNamespaces(o.AllNamespaces).
		FilenameParam(o.ExplicitNamespace, &o.FilenameOptions).LabelSelectorParam(o.LabelSelector).FieldSelectorParam(o.FieldSelector).
		RequestChunksOf(o.ChunkSize).ResourceTypeOrNameArgs(true, args...).SingleResourceType().Latest().TransformRequests(o.asTable).Do()
	infos, err := r.Infos()
	if apierrors.IsNotFound(err) && o.IgnoreNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	object, err := r.Object()
	if err != nil {
		return err
	}
	if len(infos) == 0 {
		return errors.New("there is nothing to watch")
	}
	show := !o.WatchOnly
	printer, err := o.ToPrinter(infos[0].ResourceMapping(), &show, o.AllNamespaces, false)
	if err != nil {
		return err
	}
	out := printers.GetNewTabWriter(o.Out)
	version, err := o.first(printer, object, out)
	if err != nil {
		return err
	}
	// What is watched alone begins with an event that tells what was printed.
	show = meta.IsListType(object)
	return o.follow(ctx, r, version, printer, out, &show)
}

// first prints what is there, and tells from which version on to watch: a list's
// own, or from about now.
func (o watched) first(printer printers.ResourcePrinterFunc, object runtime.Object, out flusher) (version string, err error) {
	objects := []runtime.Object{object}
	version = "0"
	if meta.IsListType(object) {
		if version, err = meta.NewAccessor().ResourceVersion(object); err != nil {
			return "", err
		}
		objects, _ = meta.ExtractList(object)
	}
	for _, object := range objects {
		if err := printer.PrintObj(o.event(watch.Added, object), out); err != nil {
			return "", fmt.Errorf("unable to output the provided object: %w", err)
		}
	}
	return version, out.Flush()
}

func (o watched) follow(ctx context.Context, r *resource.Result, version string, printer printers.ResourcePrinterFunc, out flusher, show *bool) error {
	w, err := r.Watch(version)
	if err != nil {
		return err
	}
	// kubectl does not say how it ended either.
	_, _ = watchtools.UntilWithoutRetry(ctx, w, func(e watch.Event) (bool, error) {
		if err := printer.PrintObj(o.event(e.Type, e.Object), out); err != nil {
			return false, err
		}
		*show = true
		return false, out.Flush()
	})
	return nil
}

func (o watched) event(kind watch.EventType, object runtime.Object) runtime.Object {
	if !o.OutputWatchEvents {
		return object
	}
	return &metav1.WatchEvent{Type: string(kind), Object: runtime.RawExtension{Object: object}}
}

// asTable has the server print.
func (o watched) asTable(r *rest.Request) {
	if !o.ServerPrint || !o.IsHumanReadablePrinter {
		return
	}
	r.SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json")
	if o.SortBy != "" {
		r.Param("includeObject", "Object")
	}
}
