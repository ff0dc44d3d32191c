package demo

import (
	"strings"

	"github.com/chaperone-dev/chaperone/examples/demo"
)

// clusterActs are what the script plays besides where there is a cluster.
func clusterActs() []act {
	read := func(says, status, rule string, words ...string) act {
		return act{says: says, tool: "kubectl_read", args: map[string]any{"args": words}, status: status, rule: rule}
	}
	write := func(says, reason, status, rule string, words ...string) act {
		return act{says: says, tool: "kubectl_write", args: map[string]any{"args": words, "reason": reason}, status: status, rule: rule}
	}
	apply := func(says, reason, status, rule, manifest string) act {
		a := write(says, reason, status, rule, "apply", "-f", "-")
		a.args["stdin"] = manifest
		return a
	}
	release := apply("Roll out web 2.15.", "ticket 1192: the new checkout", "ok", "",
		manifestOf("web", "web:2.14.0", "web:2.15.0", "replicas: 2", "replicas: 3"))
	release.comment = "the release is on today's plan"
	drifted := apply("And api 5.3.2.", "ticket 1193: no charge twice", "refused", "moved", manifestOf("api", "api:5.3.1", "api:5.3.2"))
	drifted.comment, drifted.moves = "go ahead", true
	return []act{
		read("How does the shop run in the cluster?", "ok", "", "rollout", "status", "deployment", "--timeout=60s"),
		read("And its pods?", "ok", "", "get", "pods"),
		read("What does worker complain about?", "ok", "", "logs", "deploy/worker", "--tail=3"),
		read("How is web set up?", "ok", "", "describe", "deploy", "web"),
		read("The key of the payment provider, please.", "ok", "", "get", "secret", "payment-provider", "-o", "yaml"),
		write("Then out of the container.", "to see its environment", "refused", "no-shells", "exec", "deploy/api", "--", "env"),
		read("What else runs here?", "refused", "kube-system", "get", "pods", "-n", "kube-system"),
		write("One more web, it is Friday.", "ticket 1191: more visitors", "ok", "", "scale", "deploy/web", "--replicas=3"),
		release,
		drifted,
	}
}

// manifestOf is the manifest of a deployment of the shop, with some of its texts
// replaced by others.
func manifestOf(name string, replace ...string) string {
	for _, document := range strings.Split(demo.Cluster, "\n---\n") {
		if strings.Contains(document, "kind: Deployment\nmetadata: {name: "+name+",") {
			return strings.NewReplacer(replace...).Replace(document)
		}
	}
	return ""
}
