package kubectl

import (
	"strings"
	"testing"
)

// A kind of somebody's own, in a group that is called like those of Kubernetes,
// whose table prints a field by a name of its own.
const lookalike = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: sprockets.example.k8s.io, annotations: {api-approved.kubernetes.io: "unapproved, a test"}}
spec:
  group: example.k8s.io
  scope: Namespaced
  names: {plural: sprockets, singular: sprocket, kind: Sprocket}
  versions:
  - name: v1
    served: true
    storage: true
    additionalPrinterColumns: [{name: Pin, type: string, jsonPath: .spec.pin}]
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// TestTablesOfOthers: with a mask on anything, a table whose columns are not known
// shows names and ages.
func TestTablesOfOthers(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", lookalike)
	s.established("sprockets.example.k8s.io")
	s.must("create -f -", "{apiVersion: example.k8s.io/v1, kind: Sprocket, metadata: {name: one}, spec: {pin: zztop}}")
	if out := s.must("get sprockets"); !strings.Contains(out, "PIN") || !strings.Contains(out, "zztop") {
		t.Fatalf("the table prints no pin: %s", out)
	}
	s.gate.masks = maskOf{"sprockets.spec.pin": true}
	for _, line := range []string{"get sprockets", "get sprockets -o wide", "get sprocket one", "get sprockets one -o yaml", "get sprockets -L spec", "describe sprocket one"} {
		if out := s.must(line); strings.Contains(out, "zztop") || !strings.Contains(out, "one") {
			t.Errorf("%s prints %s", line, out)
		}
	}
}

// TestTablesQuoteNothing: what is masked by its name stays so in the columns of
// somebody's own kind, also when policy masks nothing.
func TestTablesQuoteNothing(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", strings.NewReplacer("sprocket", "gearbox", "Sprocket", "Gearbox", ".spec.pin", `".spec.env[0].value"`).Replace(lookalike))
	s.established("gearboxs.example.k8s.io")
	s.must("create -f -", "{apiVersion: example.k8s.io/v1, kind: Gearbox, metadata: {name: one}, spec: {env: [{name: DB_PASSWORD, value: zztop}]}}")
	s.must("create -f -", "{apiVersion: example.k8s.io/v1, kind: Gearbox, metadata: {name: two}, spec: {env: [{name: MODE, value: shown}]}}")
	for _, line := range []string{"get gearboxs", "get gearboxs -o wide", "get gearboxs -A", "get gearboxs --show-labels", "get gearboxs --sort-by=.metadata.name"} {
		out := s.must(line)
		if strings.Contains(out, "zztop") || !strings.Contains(out, "shown") || !strings.Contains(out, "one") {
			t.Errorf("%s prints %s", line, out)
		}
	}
}
