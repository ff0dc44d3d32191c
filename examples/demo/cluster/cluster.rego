# What the demo's policy says of its Kubernetes cluster. Rules look at the requests
# that kubectl makes, as the API server itself names them.
package chaperone

allow contains "agents look at the cluster" if {
	input.connection.name == "cluster"
	input.action.effect == "read"
}

# A few replicas more or less need nobody.
allow contains "agents scale a little" if {
	input.connection.name == "cluster"
	small
}

small if {
	input.kubectl.command == "scale"
	some o in input.kubectl.objects
	o.replicas in few
	not large
}

large if {
	some o in input.kubectl.objects
	not o.replicas in few
}

few := {1, 2, 3, 4}

# Every other change is looked at by a second pair of eyes. The people of the group
# sre see the diff that the API server's dry run made.
approve contains {
	"rule": "changes-need-an-sre",
	"message": "the cluster is changed with an sre's consent",
	"groups": ["sre"],
	"expires": "30m",
} if {
	input.connection.name == "cluster"
	input.action.effect != "read"
	not small
}

deny contains {
	"rule": "kube-system",
	"message": "what keeps the cluster going is none of the agents' business",
	"hint": "stay in the namespace shop",
} if {
	some r in input.kubectl.requests
	"system" in r.classes
}

deny contains {
	"rule": "shop-only",
	"message": sprintf("%s %s is not in the namespace shop", [r.verb, r.resource]),
	"hint": "stay in the namespace shop",
} if {
	some r in input.kubectl.requests
	r.namespace != "shop"
	not "system" in r.classes
	not harmless(r.verb, r.resource)
}

# What stands in no namespace, and may be looked at.
harmless(verb, resource) if {
	verb in {"get", "list", "watch"}
	resource in {"namespaces", "nodes"}
}

# The caller's own questions about what it may do.
harmless("create", resource) if startswith(resource, "selfsubject")

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
	"rule": "no-rights",
	"message": sprintf("%s %s is about who may do what", [r.verb, r.resource]),
	"hint": "ask somebody who runs the cluster",
} if {
	some r in input.kubectl.requests
	not r.verb in {"get", "list", "watch"}
	some class in {"rbac", "token", "proxy"}
	class in r.classes
}
