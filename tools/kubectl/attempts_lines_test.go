package kubectl

import "slices"

// refusedBy makes attempts of lines that one rule refuses.
func refusedBy(rule string, lines ...string) []attempt {
	out := make([]attempt, len(lines))
	for i, line := range lines {
		out[i] = attempt{line: line, want: rule}
	}
	return out
}

// withStdin has all attempts bring a manifest.
func withStdin(stdin string, attempts []attempt) []attempt {
	for i := range attempts {
		attempts[i].stdin = stdin
	}
	return attempts
}

const someConfig = "{apiVersion: v1, kind: ConfigMap, metadata: {name: some}, data: {a: b}}"

// lineThemes are attempts by words and flags.
var lineThemes = []theme{
	{"commands that are not for here", slices.Concat(refusedBy("command",
		"proxy", "proxy --port=8001 --api-prefix=/", "port-forward pod/box 80", "port-forward --address 0.0.0.0 pod/box 80", "attach box", "cp box:/etc/passwd DIR/x", "cp DIR/x box:/x", "edit deploy web", "debug box", "debug node/node-1 --image=box",
		"config view --raw", "plugin list", "evil", "evil --flag", "completion bash", "kustomize DIR", "certificate approve x", "certificate deny x", "alpha", "cluster-info dump",
		"cluster-info dump --output-directory=DIR", "auth reconcile -f -", "create secret tls t --cert=FILE --key=FILE", "create secret docker-registry r --from-file=FILE",
		"apply edit-last-applied deploy web", "apply set-last-applied -f -", "apply view-last-applied deploy web", "kuberc view", "kuberc set --section defaults",
		"get-contexts", "ge pods", "GET pods", "get\u200b pods", "rollout", "create secret", "set", "top", "auth", "options", "help get", "version-check", "__complete get pods", "__completeNoDesc get pods",
		"ns", "'get pods'", "kubectl kubectl get pods"), []attempt{{"", "", "arguments"}, {"create -", "", "fails"}, {"get 'pods;id'", "", "fails"}, {"get 'pods|id'", "", "fails"}, {"get '$(id)'", "", "fails"}})},
	{"who we are, and where we go", slices.Concat(refusedBy("flag",
		"get pods --kubeconfig=FILE", "get pods --kubeconfig FILE", "get pods --server=https://HOST", "get pods -s https://HOST", "get pods -shttps://HOST", "get pods -s=http://HOST", "get pods --token=x", "get pods --context=prod",
		"get pods --cluster=prod", "get pods --user=admin", "get pods --certificate-authority=FILE", "get pods --client-certificate=FILE --client-key=FILE", "get pods --insecure-skip-tls-verify",
		"get pods --tls-server-name=x", "get pods --client-key=FILE", "get pods --cache-dir=DIR", "get pods --profile=cpu", "get pods --profile=cpu --profile-output=DIR/x", "get pods --v=9", "get pods -v9", "get pods -v=10", "get pods --vmodule=x=9",
		"get pods --log-file=DIR/log", "get pods --request-timeout=0", "get pods --username=a --password=b", "get pods --username=a", "--kubeconfig=FILE get pods", "--server=https://HOST get pods", "-n NS --token=x get pods",
		"get pods --disable-compression", "get pods --warnings-as-errors", "get pods --match-server-version", "get pods --kuberc=FILE", "get pods --proxy-url=http://HOST",
		"logs box --insecure-skip-tls-verify-backend", "exec box --kubeconfig=FILE -- id", "exec box -s https://HOST -- id", "apply -f - --server=https://HOST", "version --server=https://HOST", "cluster-info --server=https://HOST"))},
	{"in another's name", slices.Concat(refusedBy("flag",
		"get pods --as=admin", "get pods --as=system:admin --as-group=system:masters", "get pods --as-group=system:masters", "get pods --as-uid=0", "get pods --as-user-extra=a=b", "get pods --as admin", "--as admin get pods", "--as=admin get pods",
		"auth can-i list secrets --as=admin", "auth can-i --list --as=admin", "auth whoami --as=admin", "exec box --as=admin -- id", "delete pod box --as=admin", "get pods --as= ", "get pods --a=admin"),
		[]attempt{
			{"get pods -o name -- --as=admin", "", "policy"}, {"create clusterrole x --verb=impersonate --resource=users", "", "policy"}, {"create role x --verb=impersonate --resource=serviceaccounts", "", "policy"},
			{"create clusterrolebinding x --clusterrole=cluster-admin --user=me", "", "policy"}, {"create rolebinding x --clusterrole=admin --serviceaccount=NS:default", "", "policy"},
			{"set subject clusterrolebinding cluster-admin --user=me", "", "policy"}, {"auth can-i list secrets", "", "policy"}, {"auth whoami", "", "policy"}, {"auth can-i --list", "", "policy"},
			{"create -f -", "{apiVersion: authorization.k8s.io/v1, kind: SubjectAccessReview, spec: {user: admin, nonResourceAttributes: {path: /, verb: get}}}", "policy"},
			{"create -f -", "{apiVersion: authorization.k8s.io/v1, kind: LocalSubjectAccessReview, metadata: {namespace: NS}, spec: {user: admin, resourceAttributes: {namespace: NS, verb: get, resource: pods}}}", "policy"},
			{"apply -f -", "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: evil}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}, subjects: [{kind: User, name: me}]}", "policy"},
		})},
	{"raw paths", slices.Concat(refusedBy("flag",
		"get --raw /api/v1/secrets", "get --raw=/api/v1/secrets", "get --raw=/api/v1/nodes/node-1/proxy/run", "get --raw /metrics", "get --raw /logs/", "get --raw /debug/pprof/", "get --raw ''", "get pods --raw /api/v1/secrets", "get --raw https://HOST/api",
		"get --raw //HOST/api", "get --raw /api/v1/namespaces/NS/pods/box/exec?command=id", "get --raw /api/v1/namespaces/OTHER/configmaps/hidden", "delete --raw /api/v1/namespaces/OTHER", "create --raw /api/v1/namespaces -f -",
		"create --raw /api/v1/namespaces/NS/serviceaccounts/default/token -f -", "replace --raw /api/v1/namespaces/NS/finalize -f -", "get --ra /api", "patch --raw /api -p {}"),
		[]attempt{{"get -- --raw /api/v1/secrets", "", "fails"}, {"get -- --raw", "", "fails"}, {"get /api/v1/secrets", "", "fails"}, {"get api/v1/namespaces/OTHER/configmaps/hidden", "", "fails"}, {"explain /api/v1/secrets", "", "fails"}})},
	{"files and addresses", slices.Concat(refusedBy("file",
		"apply -f FILE", "apply -f https://HOST/x.yaml", "apply -f http://HOST/x.yaml", "apply -f file://FILE", "apply -f -,FILE", "apply -f FILE,-", "apply -f - -f FILE", "apply -f=FILE", "apply -fFILE", "apply -f- -fFILE", "apply -f- -f-", "apply -f -,-",
		"apply --filename FILE", "apply --filename=DIR", "apply --filename=.", "apply -R -f DIR", "apply -f DIR/*", "apply -f /dev/stdin", "apply -f /dev/fd/0", "apply -f /proc/self/environ", "apply -f ./-", "apply -f ''", "get -f FILE", "get -f https://HOST/x.yaml",
		"describe -f FILE", "delete -f FILE", "delete -f https://HOST/x.yaml", "create -f FILE", "replace -f FILE", "diff -f FILE", "diff -f https://HOST/x.yaml", "wait -f FILE --for=delete", "rollout status -f FILE",
		"label -f FILE a=b", "annotate -f FILE a=b", "scale -f FILE --replicas=0", "set image -f FILE web=x", "patch -f FILE -p {}", "expose -f FILE --port=80", "autoscale -f FILE --max=3"),
		refusedBy("flag", "apply -k DIR", "apply --kustomize=https://HOST", "apply --kustomize=DIR", "delete -k DIR", "get pods -k DIR", "diff -k DIR", "set image -k DIR web=x", "patch deploy web --patch-file=FILE", "patch deploy web --patch-file=https://HOST",
			"create configmap c --from-file=FILE", "create configmap c --from-file=DIR", "create configmap c --from-file=a=FILE", "create configmap c --from-env-file=FILE", "create secret generic s --from-file=FILE", "create secret generic s --from-env-file=FILE",
			"run x --image=y --overrides-file=FILE", "create -f - --edit"),
		refusedBy("output", "get pods -o custom-columns-file=FILE", "get pods -o jsonpath-file=FILE", "get pods -o go-template-file=FILE", "get pods -o templatefile=FILE", "get pods -o name-file=FILE", "get pods --output=go-template-file=FILE",
			"get pods -ogo-template-file=FILE", "get pods -o=jsonpath-file=FILE", "get pods -o json -o go-template-file=FILE", "label cm settings a=b -o go-template-file=FILE", "version -o go-template-file=FILE", "get pods -o Jsonpath-File=FILE"),
		[]attempt{
			{"get pods -o go-template --template=FILE", "", "ends"}, {"get pods --template=FILE -o go-template-file", "", "output"}, {"get pods --template=FILE -o templatefile", "", "output"}, {"get pods -o custom-columns-file --template=FILE", "", "output"},
			{"get FILE", "", "fails"}, {"apply FILE", "", "fails"}, {"create FILE", "", "fails"}, {"get cm/FILE", "", "fails"}, {"create configmap c --from-literal=a=@FILE", "", "ends"}, {"get pods -l @FILE", "", "selector"}, {"logs box --since-time=@FILE", "", "fails"},
		})},
	{"flags abbreviated, joined, repeated", slices.Concat(refusedBy("flag",
		"get pods --kubeconf=FILE", "get pods --toke=x", "get pods --outpu=json", "get pods -oyaml -k.", "get pods -Ak.", "get pods --as=a --as=b", "get pods -Asx", "get pods -wLx -sHOST", "get pods -n", "get pods ---as=a", "get pods -=x", "get pods --=x",
		"get pods --namespace", "apply -f - --serverside", "apply --server-side=no -f -", "get pods --AS=admin", "get pods --Raw=/api", "get pods --as_group=x", "get pods --kube-config=FILE", "get pods -A=maybe", "get pods -itk", "logs box -fs0 -zz",
		"exec box -itc box -- id", "exec -q box --tty=true -- id", "exec box --it -- id", "get pods --as\u200b=admin", "get pods --all_namespaces"),
		[]attempt{
			{"get -- ../x", "", "name"}, {"get pods -- -n OTHER", "", "policy"}, {"get pods -n NS -n OTHER", "", "policy"}, {"get pods -n OTHER -n NS -o name", "", "ends"}, {"-n OTHER get pods", "", "policy"}, {"-nOTHER get cm hidden", "", "policy"}, {"--namespace=OTHER get cm hidden", "", "policy"},
			{"get cm hidden --namespace OTHER", "", "policy"}, {"get cm hidden --namespace=OTHER", "", "policy"}, {"get cm hidden -o yaml -nOTHER", "", "policy"}, {"get cm -A", "", "policy"}, {"get cm -A=true", "", "policy"}, {"get cm -A --all-namespaces=false -o name", "", "ends"}, {"get cm --all-namespaces=false -A", "", "policy"},
			{"get cm -wA", "", "policy"}, {"get cm -AL app", "", "policy"}, {"get cm -oname -n=OTHER", "", "policy"}, {"get cm hidden -n OTHER --", "", "policy"}, {"describe cm hidden -n OTHER", "", "policy"}, {"delete cm hidden -n OTHER --ignore-not-found", "", "policy"}, {"delete cm --all -n OTHER", "", "policy"},
			{"get cm/hidden cm/settings -n OTHER", "", "policy"}, {"label cm hidden a=b -n OTHER", "", "policy"}, {"exec box -- sh -n OTHER --as=admin", "", "policy"}, {"delete pod box -- --dry-run=client", "", "policy"}, {"get pods box -- hidden -n OTHER", "", "policy"},
			{"events -A", "", "policy"}, {"top pod -A", "", "fails"}, {"get all -A", "", "policy"}, {"get secrets,pods", "", "policy"}, {"get pods,secrets/db", "", "fails"}, {"get secret/db pod/box", "", "policy"}, {"get Secret db", "", "policy"}, {"get secrets.v1. db", "", "policy"}, {"get SECRETS -o json", "", "policy"},
		})},
	{"names that are paths", slices.Concat(refusedBy("name",
		"get pods ../secrets", "get pods/../secrets/x", "get pods/..", "get pods .", "get pods ..", "get pods a%2fb", "get pods a%2Fb", "get pods box/../../secrets/db", "get cm settings/../../../OTHER/configmaps/hidden", "get pods -n ../kube-system", "get pods -n dev/../kube-system",
		"get pods -n NS/../OTHER", "get pods -n kube-system/", "get pods -n .", "get pods -n ..", "get pods -n KUBE-SYSTEM", "get pods --namespace=a/b", "get pods -n kube%2dsystem", "get pods -n NS%2f..%2fOTHER", "get pods -n 'NS OTHER'", "get pods -n 'NS?watch=1'",
		"get pods -n NS#", "get pods -n OTHER.", "get pods -n \u202eNS", "-n ../OTHER get pods", "logs ../x", "logs box/../x", "delete pod ../../x", "scale deploy/../x --replicas=1", "describe pod/..", "exec ../box -- id", "label pod .. a=b", "rollout restart deploy/..",
		"create configmap ../x", "run ../x --image=y", "expose deploy/.. --port=80", "get cm settings -n ''", "cordon ..", "drain ../x", "get pods '%2e%2e'", "get '../../namespaces/OTHER/configmaps'"),
		[]attempt{
			{"get pods 'a=b/../../secrets/db'", "", "fails"}, {"get cm 'x=/../../OTHER/configmaps/hidden'", "", "fails"}, {"delete cm 'x=/../settings'", "", "fails"}, {"get pods 'box?watch=true'", "", "policy"}, {"get pods 'box#x'", "", "policy"}, {"get pods 'box;type=x'", "", "policy"}, {"get 'pods?x=y'", "", "fails"},
			{"get 'pods\\..\\secrets'", "", "fails"}, {"get cm 'settings\\..\\..\\secrets\\db'", "", "request"}, {"get pods 'x\n/../y'", "", "name"}, {"logs box -c ../../secrets", "", "fails"}, {"logs box -c 'x&follow=true'", "", "fails"}, {"get pods -l 'a=b,c in (../x)'", "", "selector"},
			{"get pods --field-selector=metadata.namespace=OTHER", "", "ends"}, {"get pods --chunk-size=-1", "", "ends"}, {"get pods.v1./../secrets", "", "name"}, {"get pods.../x", "", "fails"}, {"get configmaps.v1.../settings", "", "fails"},
		})},
	{"terminals, force, and what goes on for ever", slices.Concat(refusedBy("flag",
		"exec -it box -- sh", "exec -t box -- sh", "run x --image=y -it", "run x --image=y --rm", "run x --image=y --attach", "replace --force -f -", "delete pod box -i", "delete pod box --interactive",
		"apply -f - --prune --all", "apply -f - --prune-allowlist=x", "apply -f - --applyset=x", "apply -f - --server-side=false", "apply -f - --dry-run=client", "apply -f - --dry-run=server", "delete pod box --dry-run=server", "scale deploy/web --replicas=0 --dry-run=none", "diff -f - --prune", "diff -f - --show-secrets", "diff -f - --concurrency=9", "diff -f - --server-side=false",
		"delete -f - --raw=/api", "run x --image=y --leave-stdin-open", "apply -f - --overwrite", "apply -f - --force", "apply -f - --grace-period=0"),
		refusedBy("output", `get pods -o go-template={{define"a"}}{{template"a"}}{{end}}`, `get pods -o go-template={{-block"a"}}{{end}}`, `get pods --template={{template"a"}} -o go-template`, "get pods -o go-template={{range 1000000000000}}{{end}}"),
		[]attempt{{"apply", "", "fails"}, {"get pods", someConfig, "stdin"}, {"apply -f -", "", "stdin"}, {"apply -f -", " \n\t", "stdin"}, {"exec box -- cat", "secret words", "stdin"}, {"delete pods", someConfig, "stdin"}})},
	{"proxies", slices.Concat(refusedBy("policy",
		"get pods box --subresource=proxy", "get pod box:8080 --subresource=proxy", "get pod https:box:443 --subresource=proxy", "get svc web --subresource=proxy", "get svc http:web:80 --subresource=proxy", "get nodes node-1 --subresource=proxy", "get node node-1:10250 --subresource=proxy",
		"patch pod box --subresource=proxy -p {}", "patch node node-1 --subresource=proxy -p {}", "patch svc web --subresource=proxy --type=merge -p {}", "get pod box --subresource=portforward", "get svc kubernetes -n default --subresource=proxy"),
		[]attempt{
			{"get node HOST --subresource=proxy", "", "policy"}, {"get pods/proxy box", "", "fails"}, {"get pods/box/proxy", "", "fails"}, {"get pods box --subresource=proxy/../log", "", "fails"}, {"get pods box --subresource=proxy/api", "", "fails"}, {"get pods --subresource=proxy", "", "fails"},
			{"replace --subresource=proxy -f -", someConfig, "policy"}, {"get nodes/node-1/proxy", "", "fails"}, {"wait pod/box --for=condition=proxy --timeout=1s", "", "fails"}, {"top node", "", "fails"}, {"create -f -", "{apiVersion: v1, kind: PodProxyOptions, path: /}", "fails"}, {"create -f -", "{apiVersion: v1, kind: NodeProxyOptions, path: /}", "fails"},
		})},
	{"exec by WebSocket", slices.Concat(refusedBy("policy",
		"exec box -- id", "exec pod/box -- id", "exec pods/box -c box -- id", "exec deploy/web -- id", "exec box --quiet=false -- id", "exec box -- sh -c 'echo a > b'", "get pod box --subresource=exec", "get pods/box --subresource=exec", "get pod box --subresource=attach", "get pods box -o json --subresource exec",
		"patch pod box --subresource=exec -p {}", "patch pod box --subresource=attach -p {}", "exec -n OTHER x -- id", "exec secrets/db -- id", "exec nodes/node-1 -- id"),
		withStdin("id", refusedBy("policy", "exec -i box -- sh", "exec --stdin box -- sh", "exec -ic box box -- sh")),
		[]attempt{
			{"exec box id", "", "fails"}, {"exec box", "", "fails"}, {"exec -- box id", "", "fails"}, {"exec 'box?command=id' -- id", "", "policy"}, {"exec box -c 'box&stdin=true&command=id' -- id", "", "fails"}, {"exec box -c ../x -- id", "", "fails"}, {"exec box --", "", "fails"}, {"exec -f FILE -- id", "", "flag"}, {"exec pods/box/exec -- id", "", "fails"}, {"exec box --command=id -- id", "", "flag"},
			{"get pod box --subresource=exec?command=id", "", "policy"}, {"get pod box --subresource=EXEC", "", "policy"}, {"get pods --subresource=exec", "", "fails"}, {"create -f -", "{apiVersion: v1, kind: PodExecOptions, command: [id]}", "policy"}, {"logs box --subresource=exec", "", "flag"},
		})},
}
