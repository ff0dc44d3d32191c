package main

import (
	"context"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// nodeName is the one node, which every pod is bound to.
const nodeName = "node-1"

// registerNode makes the node, or takes it over from an earlier run, and says
// that it is ready and where its kubelet listens.
func registerNode(ctx context.Context, client kubernetes.Interface, port int32) error {
	nodes := client.CoreV1().Nodes()
	node := &core.Node{ObjectMeta: meta.ObjectMeta{Name: nodeName, Labels: map[string]string{
		core.LabelHostname: nodeName, core.LabelOSStable: "linux", core.LabelArchStable: "amd64",
	}}}
	if _, err := nodes.Create(ctx, node, meta.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	node, err := nodes.Get(ctx, nodeName, meta.GetOptions{})
	if err != nil {
		return err
	}
	// A new node is tainted as not ready, and the controller that would take
	// that away does not run.
	node.Spec.Taints = nil
	if node, err = nodes.Update(ctx, node, meta.UpdateOptions{}); err != nil {
		return err
	}
	node.Status = nodeStatus(port)
	_, err = nodes.UpdateStatus(ctx, node, meta.UpdateOptions{})
	return err
}

func nodeStatus(port int32) core.NodeStatus {
	now := meta.Now()
	room := core.ResourceList{
		core.ResourceCPU:    resource.MustParse("64"),
		core.ResourceMemory: resource.MustParse("256Gi"),
		core.ResourcePods:   resource.MustParse("1000"),
	}
	return core.NodeStatus{
		Capacity:    room,
		Allocatable: room,
		Addresses: []core.NodeAddress{
			{Type: core.NodeInternalIP, Address: "127.0.0.1"},
			{Type: core.NodeHostName, Address: nodeName},
		},
		DaemonEndpoints: core.NodeDaemonEndpoints{KubeletEndpoint: core.DaemonEndpoint{Port: port}},
		Conditions: []core.NodeCondition{{
			Type: core.NodeReady, Status: core.ConditionTrue,
			Reason: "KubeletReady", Message: "a stand-in is always ready",
			LastHeartbeatTime: now, LastTransitionTime: now,
		}},
		NodeInfo: core.NodeSystemInfo{KubeletVersion: "v1.37.2", OperatingSystem: "linux", Architecture: "amd64"},
	}
}
