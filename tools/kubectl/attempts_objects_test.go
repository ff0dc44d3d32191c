package kubectl

import (
	"fmt"
	"strings"
)

// applied makes attempts to apply manifests, that end as wanted.
func applied(want string, manifests ...string) []attempt {
	out := make([]attempt, len(manifests))
	for i, manifest := range manifests {
		out[i] = attempt{"apply -f -", manifest, want}
	}
	return out
}

// configMap is one, of a name and with more members.
func configMap(name, more string) string {
	return "{apiVersion: v1, kind: ConfigMap, metadata: {name: " + name + "}, " + more + "}"
}

const (
	hiddenOne  = "{apiVersion: v1, kind: ConfigMap, metadata: {name: hidden, namespace: OTHER}, data: {a: taken}}"
	someSecret = "{apiVersion: v1, kind: Secret, metadata: {name: some}, stringData: {a: b}}"
)

// objectThemes are attempts by what manifests and patches say.
func objectThemes() []theme {
	return []theme{
		{"apply that becomes create", applied("policy",
			someSecret, hiddenOne, "{apiVersion: v1, kind: Namespace, metadata: {name: evil}}", "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: kube-system}}", "{apiVersion: v1, kind: Node, metadata: {name: evil}}",
			"{apiVersion: v1, kind: ServiceAccount, metadata: {name: x}}", "{apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}",
			"{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: x}, rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]}",
			"{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {hostPID: true, containers: [{name: a, image: b, securityContext: {privileged: true}}]}}",
			"{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {volumes: [{name: h, hostPath: {path: /}}], containers: [{name: a, image: b}]}}",
			"{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: evil}, webhooks: [{name: a.b.c, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: 'https://HOST/'}, rules: [{apiGroups: [''], apiVersions: [v1], operations: ['*'], resources: [configmaps]}]}]}",
			"{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: evil}, webhooks: [{name: a.b.c, sideEffects: None, admissionReviewVersions: [v1], clientConfig: {url: 'https://HOST/'}}]}",
			"{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.evil.example}, spec: {group: evil.example, version: v1, groupPriorityMinimum: 1, versionPriority: 1, service: {name: web, namespace: NS}}}",
			"{apiVersion: v1, kind: PersistentVolume, metadata: {name: evil}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /etc}}}",
			"{apiVersion: v1, kind: Service, metadata: {name: out}, spec: {type: ExternalName, externalName: HOST}}")},
		{"conflicts that are forced", []attempt{
			{"apply -f - --force-conflicts", webManifest, "policy"}, {"apply -f - --force-conflicts=true", configMap("settings", "data: {mode: slow}"), "policy"}, {"apply -f - --force-conflicts=T", configMap("settings", "data: {mode: slow}"), "policy"},
			{"apply -f - --force-conflicts=1", configMap("settings", "data: {mode: slow}"), "policy"}, {"apply -f - --force-conflicts=false --force-conflicts", configMap("settings", "data: {mode: slow}"), "policy"},
			{"apply -f - --force-conflicts --force-conflicts=false", configMap("settings", "data: {mode: slow}"), "fails"}, {"apply -f -", configMap("settings", "data: {mode: slow}"), "fails"}, {"apply -f - --field-manager=third", configMap("settings", "data: {mode: slow}"), "fails"},
			{"apply -f - --server-side --force-conflicts=yes", configMap("settings", "data: {mode: slow}"), "flag"}, {"apply -f - --force", configMap("settings", "data: {mode: slow}"), "flag"}, {"diff -f - --force-conflicts", configMap("settings", "data: {mode: slow}"), "policy"},
			{"apply -f - --field-manager=../x", configMap("new-1", "data: {a: b}"), "ends"}, {"apply -f - '--field-manager=x&force=true'", configMap("settings", "data: {mode: slow}"), "fails"}, {"apply -f - '--field-manager=x?force=true'", configMap("settings", "data: {mode: slow}"), "fails"},
		}},
		{"ephemeral containers", []attempt{
			{`patch pod box --subresource=ephemeralcontainers -p '{"spec":{"ephemeralContainers":[{"name":"e","image":"e"}]}}'`, "", "policy"}, {`patch pod box --subresource=ephemeralcontainers --type=merge -p '{"spec":{"ephemeralContainers":[{"name":"e","image":"e"}]}}'`, "", "policy"},
			{`patch pod box --subresource=ephemeralcontainers --type=json -p '[{"op":"add","path":"/spec/ephemeralContainers","value":[{"name":"e","image":"e"}]}]'`, "", "policy"}, {`patch pod box -p '{"spec":{"ephemeralContainers":[{"name":"e","image":"e"}]}}'`, "", "policy"},
			{"replace -f - --subresource=ephemeralcontainers", "{apiVersion: v1, kind: Pod, metadata: {name: box}, spec: {containers: [{name: box, image: box}], ephemeralContainers: [{name: e, image: e}]}}", "policy"},
			{"apply -f -", "{apiVersion: v1, kind: Pod, metadata: {name: box}, spec: {ephemeralContainers: [{name: e, image: e}]}}", "policy"}, {"apply -f - --subresource=ephemeralcontainers", configMap("box", "data: {}"), "flag"}, {"create -f -", "{apiVersion: v1, kind: EphemeralContainers, metadata: {name: box}}", "policy"},
			{"debug box --image=box --target=box", "", "command"}, {"create -f -", "{apiVersion: v1, kind: Pod, metadata: {name: eph}, spec: {containers: [{name: a, image: b}], ephemeralContainers: [{name: e, image: e}]}}", "fails"},
			{`patch pod box --subresource=resize -p '{"spec":{"containers":[{"name":"box","resources":{"limits":{"cpu":"2"}}}]}}'`, "", "policy"},
		}},
		{"tokens", []attempt{
			{"create token default", "", "command"}, {"create token default --duration=999h", "", "command"}, {"get sa default --subresource=token", "", "policy"}, {"patch sa default --subresource=token -p {}", "", "policy"}, {"replace -f - --subresource=token", "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}", "policy"},
			{"create -f -", "{apiVersion: authentication.k8s.io/v1, kind: TokenRequest, metadata: {name: default}, spec: {audiences: [x]}}", "policy"}, {"create -f -", "{apiVersion: authentication.k8s.io/v1, kind: TokenReview, spec: {token: x}}", "policy"},
			{"create -f -", "{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, metadata: {name: t, annotations: {kubernetes.io/service-account.name: default}}}", "policy"},
			{"create -f -", "{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {name: evil}, spec: {request: QQ==, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}}", "policy"},
			{"get secrets -o json", "", "policy"}, {"describe sa default", "", "policy"}, {"get cm kube-root-ca.crt -n kube-system", "", "policy"}, {"create secret generic t --type=kubernetes.io/service-account-token", "", "policy"},
		}},
		{"generated names", []attempt{
			{"create -f -", "{apiVersion: v1, kind: Secret, metadata: {generateName: x-}}", "policy"}, {"create -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-, namespace: OTHER}}", "policy"}, {"create -f -", "{apiVersion: v1, kind: Namespace, metadata: {generateName: kube-}}", "policy"},
			{"create -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: ../../secrets/}}", "fails"}, {"create -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-, name: ../y}}", "fails"}, {"create -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-}}", "ends"},
			{"apply -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: x-}}", "fails"}, {"replace -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: settings}}", "fails"}, {"delete -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {generateName: settings}}", "fails"},
		}},
		{"finalizers and owners", []attempt{
			{`patch cm settings --type=merge -p '{"metadata":{"finalizers":["a.b/c"]}}'`, "", "policy"}, {`patch cm settings --type=json -p '[{"op":"add","path":"/metadata/finalizers","value":["a.b/c"]}]'`, "", "policy"}, {`patch cm settings -p '{"metadata":{"finalizers":["a.b/c"]}}'`, "", "policy"},
			{"apply -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, finalizers: [a.b/c]}}", "policy"}, {"replace -f -", "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, finalizers: [a.b/c]}}", "policy"},
			{`patch ns NS -p '{"spec":{"finalizers":[]}}'`, "", "policy"}, {`patch ns NS --subresource=finalize --type=merge -p '{"spec":{"finalizers":[]}}'`, "", "policy"}, {"replace -f - --subresource=finalize", "{apiVersion: v1, kind: Namespace, metadata: {name: NS}, spec: {finalizers: []}}", "policy"},
			{`patch cm settings --type=merge -p '{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"box","uid":"1"}]}}'`, "", "policy"}, {`patch cm settings --type=merge -p '{"metadata":{"finalizers":null,"namespace":"OTHER"}}'`, "", "fails"},
			{"delete ns OTHER", "", "policy"}, {"delete ns NS --cascade=orphan", "", "policy"}, {"delete ns --all", "", "policy"}, {"delete secret db --grace-period=0 --force", "", "policy"},
		}},
		{"subresources of status, and others", []attempt{
			{`patch deploy web --subresource=status --type=merge -p '{"status":{"replicas":9}}'`, "", "policy"}, {`patch pod box --subresource=status -p '{"status":{"phase":"Failed"}}'`, "", "policy"}, {`patch ns NS --subresource=status --type=merge -p '{"status":{"phase":"Terminating"}}'`, "", "policy"},
			{"replace -f - --subresource=status", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, status: {replicas: 9}}", "policy"}, {"apply -f - --subresource=status", configMap("settings", "data: {}"), "flag"}, {`patch deploy web --subresource=scale --type=merge -p '{"spec":{"replicas":0}}'`, "", "policy"},
			{"scale deploy/web --replicas=0", "", "policy"}, {`patch deploy web -p '{"spec":{"replicas":0}}'`, "", "policy"}, {`patch deploy web --subresource=status/scale -p '{}'`, "", "fails"}, {`patch deploy web --subresource=../../secrets/db -p '{}'`, "", "fails"},
			{`patch deploy web --subresource=. -p '{}'`, "", "fails"}, {`patch deploy web --subresource=.. -p '{}'`, "", "fails"}, {`patch deploy web --subresource=STATUS --type=merge -p '{"status":{}}'`, "", "policy"}, {`patch deploy web --subresource=%2e%2e -p '{}'`, "", "fails"},
			{`patch node node-1 --subresource=status -p '{"status":{"conditions":[]}}'`, "", "policy"}, {`patch pod box --subresource=eviction -p '{}'`, "", "fails"}, {`patch pod box --subresource=binding -p '{}'`, "", "fails"}, {"create -f -", "{apiVersion: policy/v1, kind: Eviction, metadata: {name: box}}", "policy"},
			{"create -f -", "{apiVersion: v1, kind: Binding, metadata: {name: box}, target: {kind: Node, name: node-1}}", "policy"}, {"drain node-1 --ignore-daemonsets --force", "", "policy"}, {"cordon node-1", "", "policy"}, {"taint nodes node-1 a=b:NoSchedule", "", "policy"}, {"rollout restart deploy/web", "", "policy"},
			{"rollout undo deploy/web", "", "policy"}, {"rollout history deploy/web", "", "policy"}, {"set image deploy/web web=evil", "", "policy"}, {"set env deploy/web A=b", "", "policy"}, {"set env deploy/web --from=secret/db", "", "policy"}, {"set env deploy/web --list --resolve", "", "ends"}, {"autoscale deploy web --max=3", "", "policy"}, {"expose deploy web --port=80", "", "policy"}, {"run x --image=y --expose --port=80", "", "policy"},
			{"create job x --from=cronjob/none", "", "policy"}, {"logs deploy/web", "", "ends"}, {"describe deploy web", "", "policy"}, {"describe pod box", "", "policy"}, {"describe node node-1", "", "policy"}, {"events", "", "policy"}, {"run x --image=y --overrides={\"kind\":\"Secret\"}", "", "fails"},
			{`run x --image=y '--overrides={"metadata":{"namespace":"OTHER"}}'`, "", "fails"}, {`run x --image=y '--overrides={"spec":{"hostNetwork":true}}'`, "", "policy"}, {"run x --image=y --privileged", "", "policy"},
		}},
		{"what the team runs", append(withStdin(webManifest, refusedBy("policy", "apply -f -", "create -f -", "replace -f -", "delete -f -", "label -f - a=b")), refusedBy("policy",
			"delete pod --all", "delete pod box", "delete pod box --grace-period=0 --force", "delete deploy web", "delete deploy web --cascade=orphan", "delete all --all", "delete deploy,cm --all", "label deploy web a=b", "annotate deploy web a=b", "label deploy --all a=b",
			"create ns x", "create serviceaccount x", "create quota q --hard=pods=0", "create deployment x --image=y", "create job x --image=y", "create cronjob x --image=y '--schedule=0 0 1 1 *'", "create service clusterip x --tcp=80", "create ingress x --rule=a.b/=web:80",
			"set resources deploy web --limits=cpu=1", "set serviceaccount deploy web default", "rollout pause deploy/web", "uncordon node-1", "drain node-1", "logs -n OTHER x", "logs deploy/web -n kube-system", "get deploy web -n kube-system", "get nodes", "get ns", "get crd")...)},
		{"documents in a row", append(applied("policy",
			configMap("doc", "data: {a: b}")+"\n---\n"+hiddenOne, "---\n---\n# nothing\n---\n"+hiddenOne, configMap("doc", "")+"\r\n---\r\n"+someSecret, "\ufeff"+hiddenOne, "--- # a comment\n"+hiddenOne, configMap("doc", "data: {a: b}")+"\n---   \n"+someSecret,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"doc"}}{"apiVersion":"v1","kind":"Secret","metadata":{"name":"doc"}}`, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"doc"}}`+"\n---\n"+someSecret, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"doc"}}`+"\napiVersion: v1\nkind: Secret\nmetadata: {name: doc}\n",
			`{"apiVersion":"v1","kind":"ConfigMap","kind":"Secret","metadata":{"name":"doc"}}`, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"doc"},"metadata":{"name":"doc","namespace":"OTHER"}}`, "apiVersion: v1\nkind: !!str Secret\nmetadata: {name: doc}\n", "apiVersion: &v v1\nkind: Secret\nmetadata: {name: *v}\n",
			"? kind\n: Secret\n? apiVersion\n: v1\n? metadata\n: {name: doc}\n", "a: &a {apiVersion: v1, kind: Secret, metadata: {name: doc}}\n<<: *a\n", "kind: ConfigMap\nkind: Secret\napiVersion: v1\nmetadata: {name: doc}\n",
			"{apiVersion: ../v1, kind: ConfigMap, metadata: {name: doc}}", "{apiVersion: v1, kind: configmaps, metadata: {name: doc}}", "{apiVersion: v1, kind: ../Secret, metadata: {name: doc}}"),
			append(applied("fails",
				configMap("doc", "data: {a: b}")+"\n--- "+hiddenOne, "%YAML 1.1\n---\n"+hiddenOne, "{KIND: Secret, apiVersion: v1, kind: ConfigMap, metadata: {name: doc}}", "kind: Secret\x00Map\napiVersion: v1\n",
				"[]", "null", "5", "- "+someSecret, "{kind: Secret, metadata: {name: doc}}", "{apiVersion: v1, metadata: {name: doc}}", "{apiVersion: v1, kind: ConfigMap}", "{apiVersion: v1, kind: ConfigMap, metadata: []}", "{apiVersion: [v1], kind: ConfigMap, metadata: {name: doc}}",
				"{apiVersion: v1, kind: {a: b}, metadata: {name: doc}}", "{apiVersion: v1/../../apis/x, kind: ConfigMap, metadata: {name: doc}}", configMap("../../secrets/db", ""), configMap("..", ""), configMap("a%2fb", ""), configMap("doc/scale", ""), configMap("doc?force=true", ""), "{apiVersion: v1, kind: ConfigMap, metadata: {name: doc, namespace: ../OTHER}}", "{apiVersion: v1, kind: ConfigMap, metadata: {name: doc, namespace: NS/../OTHER}}",
				"{apiVersion: v1, kind: ConfigMap, metadata: {name: doc, selfLink: /api/v1/namespaces/OTHER/configmaps/hidden, uid: x}}", "!!binary aGk=", "!!python/object:os.system x", "!<tag:yaml.org,2002:js/function> x"),
				attempt{"apply -f - -n NS", hiddenOne, "fails"}, attempt{"apply -f -", configMap("doc", "data: {a: b}") + "\n...\n" + someSecret, "ends"}, attempt{"apply -f -", configMap("'doc\\u0000'", ""), "request"}, attempt{"create -f -", configMap("doc-1", "data: {a: b}") + "\n---\n" + someSecret, "policy"}, attempt{"replace -f -", configMap("settings", "data: {a: b}") + "\n---\n" + hiddenOne, "policy"},
				attempt{"delete -f -", configMap("settings", "") + "\n---\n" + hiddenOne, "policy"}, attempt{"label -f - a=b", configMap("settings", "") + "\n---\n" + hiddenOne, "policy"}, attempt{"diff -f -", configMap("settings", "data: {a: b}") + "\n---\n" + hiddenOne, "policy"},
				attempt{"diff -f -", someSecret, "policy"}, attempt{"get -f - -o yaml", hiddenOne, "policy"}, attempt{"get -f -", someSecret, "policy"}, attempt{"wait -f - --for=delete --timeout=1s", hiddenOne, "policy"}, attempt{"describe -f -", hiddenOne, "policy"},
				attempt{"apply -f - -l a!=b", hiddenOne, "policy"}, attempt{"apply -f - --validate=false", "{apiVersion: v1, kind: Secret, metadata: {name: doc}, Data: 5}", "policy"}, attempt{"apply -R -f -", hiddenOne, "policy"})...)},
		{"kinds of lists", append(applied("policy",
			"{apiVersion: v1, kind: List, items: ["+configMap("list", "data: {a: b}")+", "+someSecret+"]}", "{apiVersion: v1, kind: SecretList, items: ["+someSecret+"]}", "{apiVersion: v1, kind: ConfigMapList, items: ["+someSecret+"]}",
			"{apiVersion: v1, kind: ConfigMapList, items: ["+hiddenOne+"]}", "{apiVersion: v1, kind: List, metadata: {namespace: NS}, items: ["+hiddenOne+"]}", "{apiVersion: apps/v1, kind: DeploymentList, items: ["+someSecret+"]}", "{apiVersion: x.example/v1, kind: WhateverList, items: ["+someSecret+"]}", "{apiVersion: v1, kind: ConfigMapList, items: [{metadata: {name: a}, kind: null}]}"),
			append(applied("fails", "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: ["+hiddenOne+"]}]}", "{apiVersion: v1, kind: List, items: [null]}", "{apiVersion: v1, kind: List, items: [5]}", "{apiVersion: v1, kind: List}", "{apiVersion: v1, kind: List, items: {a: b}}", "{apiVersion: v1, kind: List, items: []}"),
				attempt{"create -f -", "{apiVersion: v1, kind: List, items: [" + configMap("list-1", "data: {a: b}") + ", " + hiddenOne + "]}", "policy"}, attempt{"delete -f -", "{apiVersion: v1, kind: List, items: [" + someSecret + ", " + configMap("settings", "") + "]}", "policy"},
				attempt{"replace -f -", "{apiVersion: v1, kind: List, items: [" + configMap("settings", "data: {a: b}") + ", " + hiddenOne + "]}", "policy"}, attempt{"get -f -", "{apiVersion: v1, kind: SecretList, items: [" + someSecret + "]}", "policy"})...)},
	}
}

// hugeManifests are too much of something.
func hugeManifests() []attempt {
	deep := func(open string, n int, end string) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }
	return []attempt{
		{"apply -f -", strings.Repeat("#", maxManifest+1), "arguments"}, {"get pods" + strings.Repeat(" x", maxWords), "", "arguments"}, {"apply -f -", configMap("huge", "data: {a: "+strings.Repeat("x", maxManifest-200)+"}"), "ends"},
		{"apply -f -", configMap("huge", "data: "+deep("[", 300000, "]")), "fails"}, {"apply -f -", configMap("huge", "data: "+deep("[", 9000, "]")), "fails"}, {"apply -f -", configMap("huge", "data: "+deep("{a: ", 9000, "}")), "fails"},
		{"apply -f -", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"huge"},"data":` + deep("[", 300000, "]") + "}", "fails"}, {"apply -f -", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"huge"},"data":` + deep(`{"a":`, 5000, "}")[:5000*5] + "1" + strings.Repeat("}", 5001), "fails"},
		{"apply -f -", strings.Repeat("- ", 300000) + "a", "fails"}, {"apply -f -", strings.Repeat("? ", 300000), "fails"}, {"apply -f -", strings.Repeat("---\n{}\n", 50000), "fails"}, {"apply -f -", strings.Repeat("---\n", 200000), "fails"}, {"apply -f -", configMap("huge", "data: {a: "+strings.Repeat("9", 100000)+"}"), "ends"},
		{"apply -f -", strings.Repeat(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}`, 3000), "policy"}, {"apply -f -", "{apiVersion: v1, kind: List, items: [" + strings.Repeat("{kind: List, apiVersion: v1, items: [", 2000) + strings.Repeat("]}", 2001), "fails"},
		{"patch cm settings -p '" + deep("[", 200000, "]") + "'", "", "fails"}, {"patch cm settings --type=merge -p '" + strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000) + "'", "", "ends"},
		{"get pods -l " + strings.Repeat("a=b,", 20000) + "a=b", "", "ends"}, {"get pods -o jsonpath=" + deep("{.a}", 20000, ""), "", "output"}, {"get pods -o custom-columns=" + strings.Repeat("A:.a,", 3000) + "A:.a", "", "output"}, {"get " + strings.Repeat("pods,", 3000) + "pods -o name", "", "ends"},
		{"get cm " + strings.Repeat("x", 100000), "", "policy"}, {"label cm settings " + strings.Repeat("x", 100000) + "=y", "", "fails"}, {"create configmap huge --from-literal=a=" + strings.Repeat("x", 2<<20), "", "fails"},
	}
}

// bombs are manifests that become much larger than they are.
func bombs() []attempt {
	many := func(what string, n int) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\nlong: &a " + what + "\nmany: [" + strings.Repeat("*a,", n) + "*a]\n"
	}
	long := many(`"`+strings.Repeat("x", 500000)+`"`, 100000)
	laughs := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\na0: &a0 [x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 20; i++ {
		laughs += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 8), i-1)
	}
	return []attempt{
		{"apply -f -", long, "size"}, {"create -f -", long, "size"}, {"delete -f -", long, "size"}, {"diff -f -", long, "size"}, {"get -f -", long, "size"}, {"apply -f -", configMap("bomb", "data: {a: b}") + "\n---\n" + long, "size"},
		{"apply -f -", strings.Repeat("---\n"+many(strings.Repeat("x", 1000), 100), 50), "size"}, {"apply -f -", "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"bomb\"}}\n" + long, "stdin"},
		{"apply -f -", laughs, "stdin"}, {"apply -f -", "a: &a [*a]\n", "stdin"}, {"apply -f -", "a: &a {b: &b {c: *a}, d: *b}\n", "stdin"}, {"apply -f -", many("{"+strings.Repeat("k: v, ", 1)+"x: "+strings.Repeat("y", 100)+"}", 50000), "size"},
		{"apply -f -", "k: &k " + strings.Repeat("x", 10000) + "\nm: [" + strings.Repeat("{*k : *k},", 1000) + "1]\n", "size"}, {"apply -f -", "b: &b {k: " + strings.Repeat("x", 10000) + "}\nm: [" + strings.Repeat("{<<: *b},", 1000) + "1]\n", "size"},
		{"patch cm settings -p '" + long + "'", "", "size"}, {"patch cm settings --type=json -p '" + long + "'", "", "size"}, {"run x --image=y '--overrides=" + long + "'", "", "size"}, {"apply -f -", many("x", 1000), "fails"},
	}
}
