# Clusters, beside what staging.rego, production.rego and approvals.rego say of
# every connection. Rules look at the requests that kubectl makes, as the API
# server itself names them.
package chaperone

# What is delicate wherever it is: secrets and tokens, who may do what, what the
# API server calls or offers, and kube-system.
deny contains {
	"rule": "cluster-is-not-for-agents",
	"message": sprintf("%s %s touches what agents leave alone: %s", [r.verb, r.resource, class]),
	"hint": "ask somebody of the platform team",
} if {
	some r in input.kubectl.requests
	some class in {"secret", "token", "proxy"}
	class in r.classes
}

deny contains {
	"rule": "cluster-is-not-for-agents",
	"message": sprintf("%s %s touches what agents leave alone: %s", [r.verb, r.resource, class]),
	"hint": "ask somebody of the platform team",
} if {
	some r in input.kubectl.requests
	not r.verb in {"get", "list", "watch"}
	some class in {"rbac", "webhook", "crd", "node", "system"}
	class in r.classes
}

# A command in a container can do anything there.
deny contains {
	"rule": "no-shells",
	"message": "commands in containers are for people",
	"hint": "read the logs, or describe the pod",
} if {
	some r in input.kubectl.requests
	"exec" in r.classes
}

deny contains {
	"rule": "no-privileges",
	"message": sprintf("%s %s asks for more than a container should have: %s", [o.kind, o.name, concat(", ", o.powers)]),
	"hint": "leave that out of the manifest",
} if {
	some o in input.kubectl.objects
	o.verb != "delete"
	true in {o.privileged, o.host_path}
}

deny contains {
	"rule": "no-hard-stop",
	"message": sprintf("%s %s would run nothing", [o.kind, o.name]),
	"hint": "leave one replica",
} if {
	some o in input.kubectl.objects
	o.replicas == 0
	some path in o.changed
	path == "spec.replicas"
}

mask contains {"rule": "cluster", "columns": ["configmaps.data.*"], "with": "redact"} if {
	input.connection.family == "kubectl"
	input.connection.labels.env == "prod"
}
