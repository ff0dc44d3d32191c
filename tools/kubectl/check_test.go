package kubectl

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

func TestReadLines(t *testing.T) {
	for line, want := range map[string]string{
		"get pods -n shop -o wide":                          "get",
		"-n shop get pods":                                  "get",
		"get po,svc -A --show-labels":                       "get",
		"get pods -l app=web --sort-by=.metadata.name":      "get",
		"get pods -o jsonpath={.items[*].metadata.name}":    "get",
		"get pods -o go-template={{range.items}}{{end}}":    "get",
		"logs deploy/web --tail=5 --since=1h -c web":        "logs",
		"rollout status deployment/web --timeout=5s":        "rollout status",
		"top pod --containers":                              "top pod",
		"top pods":                                          "top pod",
		"auth can-i get pods/log":                           "auth can-i",
		"wait --for=condition=Available deploy/web":         "wait",
		"explain pods.spec.containers":                      "explain",
		"create deployment web --image=nginx --replicas=2":  "create deployment",
		"create deploy web --image=nginx":                   "create deployment",
		"set image deployment/web web=registry/nginx:1.2":   "set image",
		"label pods x example.com/team=a other-":            "label",
		"annotate deploy web a=b/c":                         "annotate",
		"exec web-1 -c web -- ls -la /etc":                  "exec",
		"delete pod a b --grace-period=0 --force":           "delete",
		"scale --replicas=3 deploy/web":                     "scale",
		"autoscale deploy web --min=1 --max=5":              "autoscale",
		"taint nodes n a=b:NoSchedule":                      "taint",
		"drain n --ignore-daemonsets":                       "drain",
		"create secret generic s --from-literal=password=x": "create secret generic",
	} {
		c, err := parse(strings.Fields(line), "", "default")
		if err != nil || c.name != want {
			t.Errorf("%q is %q: %v", line, c.name, err)
		}
	}
}

// TestFlagsExist: a flag that is on a list and that kubectl does not have is a
// mistake of ours, or one that kubectl dropped.
func TestFlagsExist(t *testing.T) {
	for _, list := range []map[string][]string{reads, writes} {
		for name, flags := range list {
			cmd, _, err := emptyRoot(strings.Fields(name)[0]).Find(strings.Fields(name))
			if err != nil || strings.TrimPrefix(cmd.CommandPath(), "kubectl ") != name {
				t.Errorf("kubectl has no %q", name)
				continue
			}
			for _, flag := range flags {
				if cmd.Flags().Lookup(flag) == nil {
					t.Errorf("kubectl %s has no --%s", name, flag)
				}
			}
		}
	}
}

// TestSecretsStayOutOfWhatIsRecorded.
func TestSecretsStayOutOfWhatIsRecorded(t *testing.T) {
	const secret = "hunter2"
	for _, line := range []string{
		"create secret generic s --from-literal=password=hunter2", "set env deploy/web PASSWORD=hunter2",
		"run x --image=y --env=PASSWORD=hunter2", `patch secret s -p {"stringData":{"password":"hunter2"}}`,
		`run x --image=y --overrides={"password":"hunter2"}`, "exec x -- login --password hunter2",
		"create configmap c --from-literal --hunter2=x",
	} {
		c, err := parse(strings.Fields(line), "", "default")
		if err != nil {
			t.Error(line, err)
			continue
		}
		a := c.action(nil, nil)
		if strings.Contains(a.Blank, secret) || !a.Secret && !strings.HasPrefix(line, "exec") {
			t.Errorf("%q is recorded as %q, secret %v", line, a.Blank, a.Secret)
		}
		for _, f := range c.facts(nil, nil).Flags {
			if strings.Contains(f.Value, secret) {
				t.Errorf("%q: the facts hold --%s=%s", line, f.Name, f.Value)
			}
		}
	}
}

// TestRefusedLinesAreRecorded: an auditor sees what was asked for, without values.
func TestRefusedLinesAreRecorded(t *testing.T) {
	s := newStage(t)
	long := strings.Repeat("x", 5000)
	for line, want := range map[string]string{
		"get --raw=/api/v1/secrets pods": "kubectl get --raw pods", "get --raw /api/v1/secrets": "kubectl get --raw ...", "proxy 8001": "kubectl proxy 8001",
		"get secrets -ojsonpath={.x} --as root -n kube-system": "kubectl get secrets -o --as ... -n ...",
		"create secret generic s --from-file=hunter2":          "kubectl create secret generic s --from-file", "set env deploy/web TOKEN=hunter2 --bad": "kubectl set env deploy/web ... --bad",
		"exec box -it -- login hunter2": "kubectl exec box -i -- ...", "kubectl delete pod": "kubectl delete pod", "run web --image=y --tty -- login hunter2 --kubeconfig=x": "kubectl run web --image --tty -- ...",
		"proxy " + long: "kubectl proxy " + long[:253] + "...",
	} {
		_, err := s.call(line, "")
		var r *tools.Refusal
		if !errors.As(err, &r) || r.Blank != want {
			t.Errorf("%.80s: %v is recorded as %+v", line, err, r)
		}
	}
	if got := wanted(slices.Repeat([]string{"word"}, 1000)); len(got) > maxWanted+300 {
		t.Errorf("it keeps %d bytes", len(got))
	}
}

// FuzzParse: whatever comes, there is no panic, nothing is sent, and what passes
// is one of our commands with no file but stdin.
func FuzzParse(f *testing.F) {
	for _, theme := range lineThemes {
		for _, a := range theme.attempts {
			f.Add(a.line, "kind: Pod")
		}
	}
	f.Fuzz(func(t *testing.T, line, stdin string) {
		c, err := parse(strings.Fields(line), stdin, "default")
		if err != nil {
			if !errors.As(err, new(*tools.Refusal)) {
				t.Errorf("%q: %v is no refusal", line, err)
			}
			return
		}
		if _, ok := find(c.name); !ok {
			t.Errorf("%q passes as %q", line, c.name)
		}
		if value, ok := c.flag("filename"); ok && value != "[-]" {
			t.Errorf("%q passes with the file %s", line, value)
		}
	})
}

// BenchmarkParse is what it takes to read a command line.
func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := parse([]string{"get", "pods", "-n", "shop", "-o", "wide"}, "", "default"); err != nil {
			b.Fatal(err)
		}
	}
}
