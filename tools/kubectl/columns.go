package kubectl

import (
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// printedFields are the fields that a column of the API server's own tables prints,
// of any resource that has one of that name; ".*" stands for all that is below a
// field. A count of things is none of them.
var printedFields = map[string]string{
	"Data": "", "Users": "subjects.name", "Groups": "subjects.name", "ServiceAccounts": "subjects.name", "Role": "roleRef.name",
	"Last Seen": "lastTimestamp eventTime series.lastObservedTime deprecatedLastTimestamp", "First Seen": "firstTimestamp eventTime deprecatedFirstTimestamp",
	"Count": "count series.count deprecatedCount", "Type": "type spec.type",
	"Message": "message note conditions.message", "Reason": "reason status.reason", "Source": "source.component source.host reportingComponent reportingController reportingInstance",
	"Object":    "involvedObject.name involvedObject.kind regarding.name regarding.kind",
	"Subobject": "involvedObject.fieldPath regarding.fieldPath",

	"Ready":    "status.containerStatuses.ready status.initContainerStatuses.ready status.conditions.* spec.replicas status.readyReplicas status.numberReady spec.containers.restartPolicy",
	"Status":   "status.phase status.reason status.conditions.* status.containerStatuses.* status.initContainerStatuses.* spec.unschedulable spec.suspend metadata.deletionTimestamp conditions.*",
	"Restarts": "status.containerStatuses.restartCount status.containerStatuses.lastState.* status.initContainerStatuses.restartCount status.initContainerStatuses.lastState.*",
	"IP":       "status.podIP status.podIPs.ip", "Node": "spec.nodeName", "Nominated Node": "status.nominatedNodeName",
	"Readiness Gates": "spec.readinessGates.conditionType status.conditions.*",

	"Desired": "spec.replicas status.desiredNumberScheduled", "Current": "status.replicas status.currentNumberScheduled", "Replicas": "spec.replicas status.currentReplicas",
	"Available": "status.availableReplicas status.numberAvailable status.replicas", "Up-to-date": "status.updatedReplicas status.updatedNumberScheduled",
	"Images":     "spec.template.spec.containers.image spec.jobTemplate.spec.template.spec.containers.image spec.containers.image template.spec.containers.image",
	"Containers": "spec.template.spec.containers.name spec.jobTemplate.spec.template.spec.containers.name template.spec.containers.name", "Pod Labels": "template.metadata.labels.*",
	"Selector": "spec.selector.* spec.jobTemplate.spec.selector.*", "Node Selector": "spec.template.spec.nodeSelector.*", "Pod-Selector": "spec.podSelector.*",
	"Min Available": "spec.minAvailable", "Max Unavailable": "spec.maxUnavailable", "Allowed Disruptions": "status.disruptionsAllowed",
	"Completions": "spec.completions spec.parallelism status.succeeded", "Duration": "status.startTime status.completionTime",
	"Schedule": "spec.schedule", "Timezone": "spec.timeZone", "Suspend": "spec.suspend", "Active": "status.active.*", "Last Schedule": "status.lastScheduleTime",
	"Reference": "spec.scaleTargetRef.*", "Targets": "spec.metrics.* status.currentMetrics.*", "MinPods": "spec.minReplicas", "MaxPods": "spec.maxReplicas",

	"Cluster-IP": "spec.clusterIP spec.clusterIPs", "External-IP": "spec.externalIPs spec.externalName status.loadBalancer.ingress.* status.addresses.*",
	"Internal-IP": "status.addresses.*", "Port(s)": "spec.ports.*", "Ports": "ports.* spec.tls.*",
	"Hosts": "spec.rules.host", "Address": "status.loadBalancer.ingress.*", "Class": "spec.ingressClassName", "Controller": "spec.controller metadata.ownerReferences.*",
	"Endpoints": "subsets.* endpoints.*", "AddressType": "addressType",

	"Capacity": "status.capacity.* spec.capacity.* capacity", "Access Modes": "spec.accessModes status.accessModes", "Reclaim Policy": "spec.persistentVolumeReclaimPolicy",
	"Volume": "spec.volumeName", "Claim": "spec.claimRef.*", "StorageClass": "spec.storageClassName metadata.annotations.*", "VolumeMode": "spec.volumeMode",
	"VolumeAttributesClass": "spec.volumeAttributesClassName", "Provisioner": "provisioner", "ReclaimPolicy": "reclaimPolicy", "VolumeBindingMode": "volumeBindingMode",
	"AllowVolumeExpansion": "allowVolumeExpansion",

	"Roles": "metadata.labels.*", "Version": "status.nodeInfo.kubeletVersion", "OS-Image": "status.nodeInfo.osImage",
	"Kernel-Version": "status.nodeInfo.kernelVersion", "Container-Runtime": "status.nodeInfo.containerRuntimeVersion",
	"Holder": "spec.holderIdentity", "Request": "spec.hard.* status.hard.* status.used.*", "Limit": "spec.hard.* status.hard.* status.used.*",
	"Requestor": "spec.username", "SignerName": "spec.signerName", "RequestedDuration": "spec.expirationSeconds", "Condition": "status.conditions.* status.certificate",
	"Value": "value", "Global-Default": "globalDefault", "PreemptionPolicy": "preemptionPolicy", "Webhooks": "", "Revision": "revision",
}

// printsMasked reports whether a column may print a field that policy masks. What is
// not known may print any.
func printsMasked(resource string, m tools.Masker, column string) bool {
	fields, known := printedFields[column]
	if !known {
		return reaches(m, resource)
	}
	for field := range strings.FieldsSeq(fields) {
		origins := tools.Origins{Known: []tools.Origin{origin(resource, []string{field})}}
		if above, all := strings.CutSuffix(field, ".*"); all {
			origins = tools.Origins{Within: []tools.Origin{origin(resource, []string{above})}}
		}
		if m.Mask(origins) != nil {
			return true
		}
	}
	return false
}

// reaches reports whether policy masks anything of a resource.
func reaches(m tools.Masker, resource string) bool {
	return m.Mask(tools.Origins{Within: []tools.Origin{tools.Origin(resource)}}) != nil
}
