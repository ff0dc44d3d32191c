package kubectl

import (
	"strings"
	"testing"
)

const podsOfTwo = `apiVersion: apps/v1
kind: Deployment
metadata: {name: two}
spec:
  replicas: 2
  selector: {matchLabels: {app: two}}
  template:
    metadata: {labels: {app: two}}
    spec: {containers: [{name: first, image: box}, {name: second, image: box}]}
---
apiVersion: v1
kind: Pod
metadata: {name: noted, annotations: {kubectl.kubernetes.io/default-container: second}}
spec: {containers: [{name: first, image: box}, {name: second, image: box}]}
---
apiVersion: v1
kind: Pod
metadata: {name: wrong, annotations: {kubectl.kubernetes.io/default-container: third}}
spec: {containers: [{name: first, image: box}, {name: second, image: box}]}
`

// TestLogsSayWhatTheyChose to the caller, as kubectl does, and to nobody else.
func TestLogsSayWhatTheyChose(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", podsOfTwo)
	s.must("rollout status deploy/two --timeout=20s")
	s.must("wait --for=condition=Ready pod/noted pod/wrong --timeout=20s")
	own := capture(t)
	for line, want := range map[string]string{
		"logs deploy/two --tail=1":                         "Found 2 pods, using pod/",
		"logs deploy/two -c second --tail=1":               "Found 2 pods, using pod/",
		"logs deploy/two --all-containers --tail=1":        "Found 2 pods, using pod/",
		"logs deploy/two --all-pods --tail=1":              "",
		"logs -l app=two --tail=1":                         `Defaulted container "first" out of: first, second`,
		"logs noted --tail=1":                              "",
		"logs noted first --tail=1":                        "",
		"logs noted --all-containers --tail=1":             "",
		"logs wrong --tail=1":                              `Default container name "third" not found in pod wrong`,
		"logs wrong -c third":                              "container third is not valid for pod wrong",
		"logs deploy/two -c none --tail=1 --ignore-errors": "container none is not valid",
	} {
		_, wantErr, code := s.kubectl(s.namespace, line, "")
		got := ""
		r, err := s.call(line, "")
		if err != nil {
			got = err.Error()
		} else {
			got = r.Errors
		}
		if (err != nil) != (code != 0) || strings.TrimSpace(got) != strings.TrimSpace(wantErr) || !strings.Contains(got, want) {
			t.Errorf("%s: %v\n%s\nand kubectl says\n%s", line, err, got, wantErr)
		}
	}
	if text := own(); text != "" {
		t.Errorf("it says to our own standard error: %s", text)
	}
}
