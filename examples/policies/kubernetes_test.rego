package chaperone_test

import data.chaperone

pods := {
	"verb": "list", "group": "", "version": "v1", "resource": "pods", "subresource": "", "namespace": "shop", "name": "",
	"all_namespaces": false, "selector": "", "fields": "", "classes": [],
}

web := {
	"verb": "patch", "group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web", "owner": "", "labels": {},
	"replicas": 2, "images": [], "powers": [], "privileged": false, "host_path": false, "changed": ["spec.replicas"],
}

on_cluster(request, web_now) := {
	"connection": {"name": "cluster", "family": "kubectl", "labels": {"env": "staging"}},
	"kubectl": {"requests": [object.union(pods, request)], "objects": [object.union(web, web_now)]},
}

test_plain_calls_are_not_denied if {
	count(chaperone.deny) == 0 with input as on_cluster({}, {})
	count(chaperone.deny) == 0 with input as on_cluster({"verb": "get", "resource": "nodes", "classes": ["node"]}, {})
}

test_secrets_and_tokens if {
	every class in ["secret", "token", "proxy"] {
		"cluster-is-not-for-agents" in {d.rule | some d in chaperone.deny} with input as on_cluster({"classes": [class]}, {})
	}
}

test_what_rules_the_cluster_is_not_changed if {
	every class in ["rbac", "webhook", "crd", "node", "system"] {
		"cluster-is-not-for-agents" in {d.rule | some d in chaperone.deny} with input as on_cluster({"verb": "patch", "classes": [class]}, {})
		count(chaperone.deny) == 0 with input as on_cluster({"verb": "list", "classes": [class]}, {})
	}
}

test_no_shells if {
	"no-shells" in {d.rule | some d in chaperone.deny} with input as on_cluster({"verb": "exec", "classes": ["exec"]}, {})
}

test_no_privileges if {
	"no-privileges" in {d.rule | some d in chaperone.deny} with input as on_cluster({}, {"privileged": true})
	"no-privileges" in {d.rule | some d in chaperone.deny} with input as on_cluster({}, {"host_path": true})
	count(chaperone.deny) == 0 with input as on_cluster({}, {"privileged": true, "verb": "delete"})
}

test_no_hard_stop if {
	"no-hard-stop" in {d.rule | some d in chaperone.deny} with input as on_cluster({}, {"replicas": 0})
	count(chaperone.deny) == 0 with input as on_cluster({}, {"replicas": 0, "changed": []})
}

test_production_hides_settings if {
	some m in chaperone.mask with input as object.union(on_cluster({}, {}), {"connection": {"labels": {"env": "prod"}}})
	m.rule == "cluster"
}

# Rows say nothing about a cluster.
test_no_change_of_a_cluster_is_small if {
	not chaperone.small with input as object.union(on_cluster({}, {}), {
		"preview": {"measured": true, "rows": 0},
		"session": {"totals": {"rows_changed": 0}},
	})
}
