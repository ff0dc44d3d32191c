package kubectl

import (
	"context"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// tickets makes a kind Ticket in a group of the stage's own, until the test ends. The
// schema, and what more there is to a version, are in YAML.
func (s *stage) tickets(schema, more string) (group string) {
	s.t.Helper()
	group = s.namespace + ".example.com"
	s.must("apply -f -", `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: tickets.`+group+`}, spec: {group: `+group+`,
		scope: Namespaced, names: {plural: tickets, kind: Ticket}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: `+schema+`}`+more+`}]}}`)
	s.t.Cleanup(func() {
		_ = s.dynamic().Resource(crds).Delete(context.Background(), "tickets."+group, metav1.DeleteOptions{})
	})
	s.established("tickets." + group)
	return group
}

var crds = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

func (s *stage) dynamic() dynamic.Interface { return dynamic.NewForConfigOrDie(s.admin) }

const anySchema = "{type: object, x-kubernetes-preserve-unknown-fields: true}"

// TestWhatChangesByItselfIsShownToo where it is a command that changes it.
func TestWhatChangesByItselfIsShownToo(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("rollout status deploy/web --timeout=20s")
	group := s.tickets(anySchema, "")
	s.must("apply -f -", "{apiVersion: "+group+"/v1, kind: Ticket, metadata: {name: a}, spec: {x: 1}, status: {paid: false}}")
	for line, want := range map[string][2]string{
		`patch deploy web --subresource=status --type=merge -p '{"status":{"collisionCount":17}}'`: {"status.collisionCount", "+  collisionCount: 17"},
		`patch tickets a --type=merge -p '{"status":{"paid":true}}'`:                               {"status.paid", "+  paid: true"},
		"annotate deploy web deployment.kubernetes.io/revision=99 --overwrite":                     {"metadata.annotations.deployment.kubernetes.io/revision", `+    deployment.kubernetes.io/revision: "99"`},
		`patch deploy web --type=merge -p '{"metadata":{"annotations":null}}'`:                     {"metadata.annotations", `-    deployment.kubernetes.io/revision: "1"`},
	} {
		p := s.describe(line, "")
		facts, ok := p.Action().Facts.(*Facts)
		if !ok || len(facts.Objects) != 1 || !slices.Equal(facts.Objects[0].Changed, want[:1]) {
			t.Errorf("%s: %+v", line, facts)
		}
		if diff := s.preview(p).Diff; !strings.Contains(diff, want[1]) || strings.Contains(diff, "\n-apiVersion") {
			t.Errorf("%s:\n%s", line, diff)
		}
	}
	if changed := s.describe("label deploy web x=y", "").Action().Facts.(*Facts).Objects[0].Changed; !slices.Equal(changed, []string{"metadata.labels.x"}) {
		t.Errorf("%v", changed)
	}
}
