package kubectl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sort"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/kubectl/pkg/cmd/logs"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/cmd/util/podcmd"
	"k8s.io/kubectl/pkg/polymorphichelpers"
	"k8s.io/kubectl/pkg/util/podutils"
)

// newLogs is logs. kubectl's own tells which pod and container it chose by the
// process's standard error; here that is chosen before.
func newLogs(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
	o := logs.NewLogsOptions(s)
	cmd := &cobra.Command{Use: "logs", Run: func(cmd *cobra.Command, args []string) {
		cmdutil.CheckErr(o.Complete(f, cmd, args))
		o.LogsForObject = logSource{s.ErrOut, false}.of
		o.AllPodLogsForObject = logSource{s.ErrOut, true}.of
		o.ConsumeRequestFn = copyLog
		cmdutil.CheckErr(o.Validate())
		cmdutil.CheckErr(o.RunLogsContext(cmd.Context()))
	}}
	o.AddFlags(cmd)
	return cmd
}

// maxLogLine is how much of a line is held until its end comes: a container may
// write one that has none.
const maxLogLine = 64 << 10

// copyLog writes a log in whole lines, so that those of several containers stay apart.
func copyLog(ctx context.Context, request rest.ResponseWrapper, out io.Writer) error {
	log, err := request.Stream(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	for lines := bufio.NewReaderSize(log, maxLogLine); ; {
		line, err := lines.ReadSlice('\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// logSource finds the containers whose logs are asked for.
type logSource struct {
	stderr  io.Writer
	allPods bool
}

type logRequests = map[corev1.ObjectReference]rest.ResponseWrapper

func (l logSource) of(getter genericclioptions.RESTClientGetter, object, options runtime.Object, timeout time.Duration, allContainers bool) (logRequests, error) {
	switch t := object.(type) {
	case *corev1.PodList:
		all := logRequests{}
		for i := range t.Items {
			one, err := l.of(getter, &t.Items[i], options, timeout, allContainers)
			if err != nil {
				return nil, err
			}
			maps.Copy(all, one)
		}
		return all, nil
	case *corev1.Pod:
		if o, ok := options.(*corev1.PodLogOptions); ok && !allContainers && o.Container == "" {
			o = o.DeepCopy()
			o.Container = l.container(t)
			options = o
		}
		return polymorphichelpers.LogsForObjectFn(getter, t, options, timeout, allContainers)
	}
	pods, err := l.pods(getter, object, timeout)
	if err != nil {
		return nil, err
	}
	return l.of(getter, pods, options, timeout, allContainers)
}

// pods are those of an object such as a deployment: one, or all.
func (l logSource) pods(getter genericclioptions.RESTClientGetter, object runtime.Object, timeout time.Duration) (runtime.Object, error) {
	config, err := getter.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := corev1client.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	namespace, selector, err := polymorphichelpers.SelectorsForObject(object)
	if err != nil {
		return nil, fmt.Errorf("cannot get the logs from %T: %w", object, err)
	}
	order := func(pods []*corev1.Pod) sort.Interface { return podutils.ByLogging(pods) }
	pod, found, err := polymorphichelpers.GetFirstPod(client, namespace, selector.String(), timeout, order)
	switch {
	case err != nil:
		return nil, err
	case found > 1 && l.allPods:
		return polymorphichelpers.GetPodList(client, namespace, selector.String(), timeout, order)
	case found > 1:
		_, _ = fmt.Fprintf(l.stderr, "Found %v pods, using pod/%v\n", found, pod.Name)
	}
	return pod, nil
}

// container is the one that is meant where none is named.
func (l logSource) container(pod *corev1.Pod) string {
	if name := pod.Annotations[podcmd.DefaultContainerAnnotationName]; name != "" {
		if found, _ := podcmd.FindContainerByName(pod, name); found != nil {
			return name
		}
		_, _ = fmt.Fprintf(l.stderr, "Default container name %q not found in pod %s\n", name, pod.Name)
	}
	if len(pod.Spec.Containers) == 0 {
		return ""
	}
	name, others := pod.Spec.Containers[0].Name, len(pod.Spec.Containers)+len(pod.Spec.InitContainers)+len(pod.Spec.EphemeralContainers) > 1
	if others && !l.allPods {
		_, _ = fmt.Fprintf(l.stderr, "Defaulted container %q out of: %s\n", name, podcmd.AllContainerNames(pod))
	}
	return name
}
