package main

import (
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// stateAnnotation of a pod chooses what becomes of it: "pending" (it gets no
// node), "imagepull", "crash" or "succeed".
const stateAnnotation = "testcluster/state"

// course is what becomes of a pod that has a node.
type course struct {
	phase core.PodPhase
	ready bool
	// reason says why the pod is not ready.
	reason string
	// containers is the status of each container, but for what names it.
	containers func(now meta.Time, image string) core.ContainerStatus
	event      happening
}

// happening is the gist of an event.
type happening struct{ kind, reason, message string }

// courseOf is the course that the pod asks for. The pods of a job come to their
// end, and others run.
func courseOf(pod *core.Pod) course {
	switch state := pod.Annotations[stateAnnotation]; {
	case state == "imagepull":
		return course{core.PodPending, false, "ContainersNotReady", pulling, happening{core.EventTypeWarning, "Failed", "Error: ImagePullBackOff"}}
	case state == "crash":
		return course{core.PodRunning, false, "ContainersNotReady", crashing, happening{core.EventTypeWarning, "BackOff", "Back-off restarting failed container"}}
	case state == "succeed", state == "" && pod.Spec.RestartPolicy != core.RestartPolicyAlways:
		return course{core.PodSucceeded, false, "PodCompleted", done, happening{core.EventTypeNormal, "Started", "Container started"}}
	}
	return course{core.PodRunning, true, "", running, happening{core.EventTypeNormal, "Started", "Container started"}}
}

func pulling(_ meta.Time, image string) core.ContainerStatus {
	waits := &core.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image \"" + image + "\""}
	return core.ContainerStatus{State: core.ContainerState{Waiting: waits}}
}

func crashing(now meta.Time, _ string) core.ContainerStatus {
	waits := &core.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: "back-off 5m0s restarting failed container"}
	ended := &core.ContainerStateTerminated{ExitCode: 1, Reason: "Error", StartedAt: now, FinishedAt: now}
	return core.ContainerStatus{
		RestartCount:         7,
		State:                core.ContainerState{Waiting: waits},
		LastTerminationState: core.ContainerState{Terminated: ended},
	}
}

func done(now meta.Time, _ string) core.ContainerStatus {
	ended := &core.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}
	return core.ContainerStatus{State: core.ContainerState{Terminated: ended}}
}

func running(now meta.Time, _ string) core.ContainerStatus {
	yes := true
	state := core.ContainerState{Running: &core.ContainerStateRunning{StartedAt: now}}
	return core.ContainerStatus{Ready: true, Started: &yes, State: state}
}

// status is the whole status of a pod on this course.
func (c course) status(pod *core.Pod, address string) core.PodStatus {
	now := meta.Now()
	s := pod.Status
	s.Phase, s.StartTime = c.phase, &now
	s.HostIP, s.HostIPs = "127.0.0.1", []core.HostIP{{IP: "127.0.0.1"}}
	s.PodIP, s.PodIPs = address, []core.PodIP{{IP: address}}
	s.ContainerStatuses = nil
	for _, container := range pod.Spec.Containers {
		status := c.containers(now, container.Image)
		status.Name, status.Image = container.Name, container.Image
		status.ContainerID = "standin://" + string(pod.UID) + "-" + container.Name
		s.ContainerStatuses = append(s.ContainerStatuses, status)
	}
	isReady := core.ConditionFalse
	if c.ready {
		isReady = core.ConditionTrue
	}
	for _, condition := range []core.PodCondition{
		{Type: core.PodInitialized, Status: core.ConditionTrue},
		{Type: core.ContainersReady, Status: isReady, Reason: c.reason},
		{Type: core.PodReady, Status: isReady, Reason: c.reason},
	} {
		condition.LastTransitionTime = now
		s.Conditions = append(s.Conditions, condition)
	}
	return s
}
