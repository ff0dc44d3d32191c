package kubectl

import (
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// printedFields are the fields that a column of the API server's own tables
// prints, of any resource that has one of that name.
var printedFields = map[string]string{
	"Message": "message note", "Reason": "reason", "Source": "source.component source.host reportingComponent",
	"Object":    "involvedObject.name involvedObject.kind regarding.name regarding.kind",
	"Subobject": "involvedObject.fieldPath", "Type": "type spec.type", "Status": "status.phase status.conditions.type",
	"IP": "status.podIP status.podIPs.ip", "Node": "spec.nodeName", "Nominated Node": "status.nominatedNodeName",
	"Images":     "spec.template.spec.containers.image spec.jobTemplate.spec.template.spec.containers.image spec.containers.image",
	"Containers": "spec.template.spec.containers.name spec.jobTemplate.spec.template.spec.containers.name",
	"Selector":   "spec.selector spec.selector.matchLabels", "Node Selector": "spec.template.spec.nodeSelector", "Pod-Selector": "spec.podSelector.matchLabels",
	"Cluster-IP": "spec.clusterIP spec.clusterIPs", "External-IP": "spec.externalIPs spec.externalName status.loadBalancer.ingress.ip status.loadBalancer.ingress.hostname status.addresses.address",
	"Internal-IP": "status.addresses.address", "Port(s)": "spec.ports.port spec.ports.nodePort",
	"Hosts": "spec.rules.host", "Address": "status.loadBalancer.ingress.ip status.loadBalancer.ingress.hostname", "Class": "spec.ingressClassName",
	"Endpoints": "subsets.addresses.ip endpoints.addresses", "Role": "roleRef.name", "Users": "subjects.name", "Groups": "subjects.name", "ServiceAccounts": "subjects.name",
	"Schedule": "spec.schedule", "Suspend": "spec.suspend", "Desired": "spec.replicas", "Replicas": "spec.replicas", "Holder": "spec.holderIdentity",
	"Volume": "spec.volumeName", "Claim": "spec.claimRef.name", "StorageClass": "spec.storageClassName", "Capacity": "status.capacity.storage spec.capacity.storage",
	"Requestor": "spec.username", "SignerName": "spec.signerName", "Version": "status.nodeInfo.kubeletVersion",
	"OS-Image": "status.nodeInfo.osImage", "Kernel-Version": "status.nodeInfo.kernelVersion",
}

// printsMasked reports whether a column prints a field that policy masks.
func printsMasked(resource string, m tools.Masker, column string) bool {
	for field := range strings.FieldsSeq(printedFields[column]) {
		if m.Mask(tools.Origins{Known: []tools.Origin{origin(resource, []string{field})}}) != nil {
			return true
		}
	}
	return false
}
