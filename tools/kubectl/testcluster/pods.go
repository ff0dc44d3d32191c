package main

import (
	"context"
	"fmt"
	"os"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// keeper does to pods what a scheduler and a kubelet do, one pod at a time.
type keeper struct {
	client kubernetes.Interface
	// addresses counts the pods that were given one.
	addresses int
}

// watchPods takes care of every pod until ctx ends.
func watchPods(ctx context.Context, client kubernetes.Interface) error {
	k := &keeper{client: client}
	if err := k.recall(ctx); err != nil {
		return err
	}
	pods := informers.NewSharedInformerFactory(client, 0).Core().V1().Pods().Informer()
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(pod any) { k.see(ctx, pod) },
		UpdateFunc: func(_, pod any) { k.see(ctx, pod) },
	})
	if err != nil {
		return err
	}
	go pods.RunWithContext(ctx)
	return nil
}

// recall counts the addresses that an earlier run gave.
func (k *keeper) recall(ctx context.Context) error {
	pods, err := k.client.CoreV1().Pods("").List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	for _, pod := range pods.Items {
		var high, low int
		if _, err := fmt.Sscanf(pod.Status.PodIP, addressForm, &high, &low); err == nil {
			k.addresses = max(k.addresses, 250*high+low-1)
		}
	}
	return nil
}

// addressForm is how the address of a pod is written.
const addressForm = "10.244.%d.%d"

// see brings a pod one step on. A pod that somebody changed or deleted meanwhile
// is seen again.
func (k *keeper) see(ctx context.Context, object any) {
	pod, ok := object.(*core.Pod)
	if !ok {
		return
	}
	err := k.step(ctx, pod)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "testcluster: pod %s/%s: %v\n", pod.Namespace, pod.Name, err)
	}
}

func (k *keeper) step(ctx context.Context, pod *core.Pod) error {
	leaving := pod.DeletionTimestamp != nil
	switch {
	case pod.Spec.NodeName == "" && !leaving && len(pod.Spec.SchedulingGates) == 0:
		if pod.Annotations[stateAnnotation] == "pending" {
			return k.leavePending(ctx, pod)
		}
		return k.bind(ctx, pod)
	case pod.Spec.NodeName != nodeName:
		return nil
	case leaving:
		return k.remove(ctx, pod)
	case len(pod.Status.ContainerStatuses) < len(pod.Spec.Containers):
		return k.run(ctx, pod)
	}
	return nil
}

func (k *keeper) bind(ctx context.Context, pod *core.Pod) error {
	binding := &core.Binding{
		ObjectMeta: meta.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Target:     core.ObjectReference{Kind: "Node", Name: nodeName},
	}
	if err := k.client.CoreV1().Pods(pod.Namespace).Bind(ctx, binding, meta.CreateOptions{}); err != nil {
		return err
	}
	return k.tell(ctx, pod, happening{core.EventTypeNormal, "Scheduled", "bound to " + nodeName})
}

// leavePending says, once, that no node has room for the pod.
func (k *keeper) leavePending(ctx context.Context, pod *core.Pod) error {
	if len(pod.Status.Conditions) > 0 {
		return nil
	}
	const message = "0/1 nodes are available: 1 Insufficient memory."
	pod = pod.DeepCopy()
	pod.Status.Conditions = []core.PodCondition{{
		Type: core.PodScheduled, Status: core.ConditionFalse, LastTransitionTime: meta.Now(),
		Reason: core.PodReasonUnschedulable, Message: message,
	}}
	if _, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, meta.UpdateOptions{}); err != nil {
		return err
	}
	return k.tell(ctx, pod, happening{core.EventTypeWarning, "FailedScheduling", message})
}

// remove ends a pod at once, whatever time it was given.
func (k *keeper) remove(ctx context.Context, pod *core.Pod) error {
	options := meta.NewDeleteOptions(0)
	options.Preconditions = meta.NewUIDPreconditions(string(pod.UID))
	return k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, *options)
}

// run writes the status that the pod's containers would have by now.
func (k *keeper) run(ctx context.Context, pod *core.Pod) error {
	course := courseOf(pod)
	k.addresses++
	pod = pod.DeepCopy()
	pod.Status = course.status(pod, fmt.Sprintf(addressForm, k.addresses/250%250, k.addresses%250+1))
	if _, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, meta.UpdateOptions{}); err != nil {
		return err
	}
	return k.tell(ctx, pod, course.event)
}

// tell writes an event of the pod.
func (k *keeper) tell(ctx context.Context, pod *core.Pod, h happening) error {
	now := meta.Now()
	event := &core.Event{
		ObjectMeta: meta.ObjectMeta{Namespace: pod.Namespace, GenerateName: pod.Name + "."},
		InvolvedObject: core.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		},
		Type: h.kind, Reason: h.reason, Message: h.message,
		Source:         core.EventSource{Component: "kubelet", Host: nodeName},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
	_, err := k.client.CoreV1().Events(pod.Namespace).Create(ctx, event, meta.CreateOptions{})
	if apierrors.HasStatusCause(err, core.NamespaceTerminatingCause) {
		return nil
	}
	return err
}
