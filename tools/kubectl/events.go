package kubectl

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/kubectl/pkg/cmd/events"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// newEvents is events, with a watch that ends with the call, as that of get does.
func newEvents(getter genericclioptions.RESTClientGetter, s genericiooptions.IOStreams) *cobra.Command {
	flags := events.NewEventsFlags(getter, s)
	cmd := &cobra.Command{Use: "events", Run: func(cmd *cobra.Command, _ []string) {
		o, err := flags.ToOptions()
		cmdutil.CheckErr(err)
		cmdutil.CheckErr(o.Validate())
		if o.Watch {
			cmdutil.CheckErr(watchEvents(cmd.Context(), flags, o))
			return
		}
		cmdutil.CheckErr(o.Run())
	}}
	flags.AddFlags(cmd)
	flags.PrintFlags.AddFlags(cmd)
	return cmd
}

func watchEvents(ctx context.Context, flags *events.EventsFlags, o *events.EventsOptions) error {
	list := metav1.ListOptions{Limit: cmdutil.DefaultChunkSize}
	if flags.ForObject != "" {
		mapper, err := flags.RESTClientGetter.ToRESTMapper()
		if err != nil {
			return err
		}
		if list.FieldSelector, err = eventsFor(mapper, flags.ForObject); err != nil {
			return err
		}
	}
	config, err := flags.RESTClientGetter.ToRESTConfig()
	if err != nil {
		return err
	}
	client, err := corev1client.NewForConfig(config)
	if err != nil {
		return err
	}
	namespace := o.Namespace
	if o.AllNamespaces {
		namespace = ""
	}
	w, err := client.Events(namespace).Watch(ctx, list)
	if err != nil {
		return err
	}
	// kubectl does not say how it ended either.
	_, _ = watchtools.UntilWithoutRetry(ctx, w, func(e watch.Event) (bool, error) { return false, printEvent(o, e) })
	return nil
}

// printEvent prints what a watch tells, but for events that are deleted: they are
// an hour after they were.
func printEvent(o *events.EventsOptions, e watch.Event) error {
	event, ok := e.Object.(*corev1.Event)
	wanted := func(kind string) bool { return ok && strings.EqualFold(kind, event.Type) }
	if !ok || e.Type == watch.Deleted || len(o.FilterTypes) > 0 && !slices.ContainsFunc(o.FilterTypes, wanted) {
		return nil
	}
	event.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Event"))
	out := printers.GetNewTabWriter(o.Out)
	if err := o.PrintObj(event, out); err != nil {
		return err
	}
	return out.Flush()
}

// eventsFor selects the events of an object, TYPE/NAME.
func eventsFor(mapper meta.RESTMapper, object string) (string, error) {
	kind, name, _ := strings.Cut(object, "/")
	full, group := schema.ParseResourceArg(strings.ToLower(kind))
	gvr := schema.GroupVersionResource{}
	if full != nil {
		gvr, _ = mapper.ResourceFor(*full)
	}
	if gvr.Empty() {
		var err error
		if gvr, err = mapper.ResourceFor(group.WithVersion("")); err != nil {
			return "", err
		}
	}
	gvk, err := mapper.KindFor(gvr)
	if err != nil {
		return "", err
	}
	return fields.AndSelectors(
		fields.OneTermEqualSelector("involvedObject.kind", gvk.Kind),
		fields.OneTermEqualSelector("involvedObject.apiVersion", gvk.GroupVersion().String()),
		fields.OneTermEqualSelector("involvedObject.name", name)).String(), nil
}
