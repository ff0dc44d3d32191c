package kubectl

import (
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
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

// TestTablesOfTheServer: no column of the API server's own tables prints what policy
// masks, and one hides no more than it has to.
func TestTablesOfTheServer(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("create quota most --hard=pods=77")
	s.must("apply -f -", "{apiVersion: storage.k8s.io/v1, kind: VolumeAttachment, metadata: {name: "+s.namespace+"}, spec: {attacher: a.example.com, nodeName: node-1, source: {persistentVolumeName: zztop}}}")
	defer s.must("delete volumeattachment " + s.namespace)
	s.must("apply -f -", `{apiVersion: batch/v1, kind: CronJob, metadata: {name: nightly}, spec: {schedule: "1 2 3 4 *", timeZone: Europe/Berlin,
		jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: box}]}}}}}}`)
	for _, c := range []struct{ mask, line, hidden, shown string }{
		{"cronjobs.spec.timeZone", "get cronjob nightly", "Europe/Berlin", "1 2 3 4 *"},
		{"resourcequotas.spec.hard.pods", "get quota most", "77", "most"},
		{"deployments.spec.selector.matchLabels.app", "get deploy web -o wide", "app=web", "nginx:1"},
		{"deployments.spec.template.spec.containers.image", "get deploy web -o wide", "nginx:1", "app=web"},
		// Columns that are not known may print anything of that resource.
		{"volumeattachments.spec.source.persistentVolumeName", "get volumeattachment " + s.namespace, "zztop", s.namespace},
		{"volumeattachments.metadata.labels.a", "get volumeattachment " + s.namespace, "zztop", s.namespace},
	} {
		s.gate.masks = maskOf{}
		if out := s.must(c.line); !strings.Contains(out, c.hidden) {
			t.Fatalf("%s does not print %q:\n%s", c.line, c.hidden, out)
		}
		s.gate.masks = maskOf{tools.Origin(c.mask): true}
		if out := s.must(c.line); strings.Contains(out, c.hidden) || !strings.Contains(out, c.shown) {
			t.Errorf("%s with %s masked:\n%s", c.line, c.mask, out)
		}
	}
}

// TestMasksOfOthers: a mask on something else hides nothing of a kind of somebody's
// own.
func TestMasksOfOthers(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", strings.NewReplacer("sprocket", "flywheel", "Sprocket", "Flywheel").Replace(lookalike))
	s.established("flywheels.example.k8s.io")
	s.must("create -f -", "{apiVersion: example.k8s.io/v1, kind: Flywheel, metadata: {name: one}, spec: {pin: zztop}}")
	s.gate.masks = maskOf{"shop.customers.email": true}
	if out := s.must("get flywheels"); !strings.Contains(out, "zztop") {
		t.Errorf("a column of a database hides a pin:\n%s", out)
	}
}
