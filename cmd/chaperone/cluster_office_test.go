package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

const clusterOfficePolicy = `package chaperone

allow contains "looking and waiting" if input.action.effect == "read"

allow contains "labels" if input.kubectl.command == "label"

approve contains {"rule": "looked-at", "groups": ["ops"]} if {
	input.connection.family == "kubectl"
	input.action.effect != "read"
	input.kubectl.command != "label"
}
`

// clusterWorld is what is in the namespace of an office: one that developers may do
// everything in.
const clusterWorld = `apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: all, namespace: NAMESPACE}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: developers, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: all}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: developers}]
---
` + webDeployment

// webDeployment is applied by the world, and by agents with another image.
const webDeployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

// drifted is what somebody wants of the deployment who does not come through the
// gateway.
const drifted = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NAMESPACE}
spec: {template: {spec: {containers: [{name: web, env: [{name: MODE, value: slow}]}]}}}
`

// clusterOffice is an office whose agents work on a Kubernetes cluster, in a
// namespace of its own.
type clusterOffice struct {
	*office
	cluster   *kubectltest.Cluster
	namespace string
}

var clusterOffices atomic.Int64

// newClusterOffice opens one, with these approvals and people, that reaches the
// cluster by a kubeconfig, or in the callers' names where that is "".
func newClusterOffice(t *testing.T, approvals, kubeconfig string, people ...string) *clusterOffice {
	t.Helper()
	o := &clusterOffice{cluster: sharedCluster.Start(t), namespace: fmt.Sprintf("office-%d", clusterOffices.Add(1))}
	dir := t.TempDir()
	o.office = &office{crashSite: &crashSite{dir: dir, config: filepath.Join(dir, "chaperone.yaml")}, t: t}
	o.applies("kubectl", clusterWorld)
	impersonate := kubeconfig == ""
	if impersonate {
		kubeconfig = o.cluster.Impersonator
	}
	writeFiles(t, dir, map[string]string{
		"policy/all.rego": clusterOfficePolicy,
		"chaperone.yaml": o.settings(approvals, people) + fmt.Sprintf("connections:\n  - name: cluster\n    family: kubectl\n    labels: {env: test}\n"+
			"    kubectl: {kubeconfig: %q, namespaces: [%s], impersonate: %v}\n", kubeconfig, o.namespace, impersonate),
	})
	o.start()
	return o
}

// applies applies a manifest as the administrator, for somebody.
func (o *clusterOffice) applies(who, manifest string) {
	o.t.Helper()
	if err := o.cluster.Apply(context.Background(), who, o.here(manifest)); err != nil {
		o.t.Fatal(err)
	}
}

func (o *clusterOffice) here(manifest string) string {
	return strings.ReplaceAll(manifest, "NAMESPACE", o.namespace)
}

// release is the manifest of the deployment with another image.
func (o *clusterOffice) release(image string) string {
	return o.here(strings.Replace(webDeployment, "web:1", image, 1))
}

// kubectl makes a call of the words, which may not hold blanks.
func (a *agent) kubectl(tool, line, stdin string) deskReply {
	a.o.t.Helper()
	args := map[string]any{"args": strings.Fields(line), "reason": "ticket 9"}
	if stdin != "" {
		args["stdin"] = stdin
	}
	return a.call(tool, args)
}

// holds makes a change that waits, and returns its request.
func (a *agent) holds(line, stdin string) string {
	a.o.t.Helper()
	reply := a.kubectl("kubectl_write", line, stdin)
	reply.is(a.o.t, "pending", "")
	return reply.Approval
}

// sees is what a read prints.
func (a *agent) sees(line string) string {
	a.o.t.Helper()
	reply := a.kubectl("kubectl_read", line, "")
	reply.is(a.o.t, "ok", "")
	return reply.Output
}

// image is the image of the deployment.
func (a *agent) image() string {
	a.o.t.Helper()
	return a.sees("get deploy web -o jsonpath={.spec.template.spec.containers[0].image}")
}

// shown is what approvers see of a request.
func (o *clusterOffice) shown(id string) string {
	o.t.Helper()
	out, err := exec.CommandContext(o.t.Context(), program(o.t), "approvals", "show", id, "--config", o.config).Output()
	if err != nil {
		o.t.Fatal(err)
	}
	return string(out)
}

// asked are the requests that reached the API server from the gateway, and were
// about the office's namespace.
func (o *clusterOffice) asked() (out []kubectltest.AuditEvent) {
	o.t.Helper()
	for _, e := range o.cluster.Audit(o.t) {
		if e.User.Username == "chaperone" && e.ObjectRef.Namespace == o.namespace {
			out = append(out, e)
		}
	}
	return out
}

// changes are those of them that changed something.
func (o *clusterOffice) changes() (out []string) {
	o.t.Helper()
	for _, e := range o.asked() {
		if changing[e.Verb] && !strings.Contains(e.RequestURI, "dryRun=All") && e.ResponseStatus.Code < 300 {
			out = append(out, e.Verb+" "+e.ObjectRef.Resource+" as "+e.ImpersonatedUser.Username)
		}
	}
	return out
}

var changing = map[string]bool{"create": true, "update": true, "patch": true, "delete": true, "deletecollection": true}
