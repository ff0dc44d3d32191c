package kubectl

import (
	"errors"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

// TestWhatToDoInstead: who asks for what can't be done is told what can, and not
// all of what there is.
func TestWhatToDoInstead(t *testing.T) {
	for line, want := range map[string]string{
		"edit deploy web":             "kubectl edit is not among | patch, or with apply",
		"port-forward pod/x 80":       "kubectl port-forward is not among | get, describe and logs",
		"rollout":                     "kubectl rollout is not among | history, pause, restart, resume, status, undo",
		"rollout bogus x":             "kubectl rollout bogus is not among | history, pause",
		"create secret tls x":         "kubectl create secret is not among | secret generic",
		"frob":                        "kubectl frob is not among | reads are api-resources,",
		"":                            "kubectl nothing is not among | changes are annotate,",
		"get pods --as=admin":         "unknown flag: --as | the connection fixes the server",
		"get pods -s x":               "unknown shorthand flag: 's' in -s | the connection fixes the server",
		"get pods --frob":             "unknown flag: --frob | leave it out; it may have --namespace, --all-namespaces",
		"get -h":                      "kubectl get prints no help here | it may have --namespace",
		"logs x --since=bogus":        `invalid argument "bogus" | correct the value`,
		"get pods -l":                 "flag needs an argument | correct the value",
		"apply -f - --dry-run=server": "may not have --dry-run | set dry_run of the call",
		"create configmap x --from-file=/etc/passwd": "may not have --from-file | use --from-literal",
		"exec -it x -- sh":                           "'t' in -t | there is no terminal",
		"get pods -o custom-columns-file=x":          "can't be used here | jsonpath=..., go-template=..., custom-columns=..., json",
	} {
		_, err := parse(strings.Fields(line), "", "default")
		var r *tools.Refusal
		if !errors.As(err, &r) {
			t.Errorf("kubectl %s: %v", line, err)
			continue
		}
		reason, hint, _ := strings.Cut(want, " | ")
		if !strings.Contains(r.Reason, reason) || !strings.Contains(r.Hint, hint) {
			t.Errorf("kubectl %s: %s; %s", line, r.Reason, r.Hint)
		}
		if !strings.HasPrefix(hint, "reads are") && strings.Contains(r.Hint, "reads are") && hint != "changes are annotate," {
			t.Errorf("kubectl %s: everything is told: %s", line, r.Hint)
		}
	}
}

// TestCopiesSayWhatIsMasked: where a copy would write a mask, it is told of what,
// and how to do the same.
func TestCopiesSayWhatIsMasked(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	s.must("rollout status deploy/web --timeout=20s")
	s.must("set image deploy/web web=nginx:4")
	s.must("rollout status deploy/web --timeout=20s")
	s.must("apply -f -", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: j}\nspec: {schedule: '1 1 1 1 1', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i, env: [{name: A_TOKEN, value: hunter2}]}]}}}}}\n")
	for line, want := range map[string]string{
		"rollout undo deploy/web":         "copy spec.template.spec.containers.env.value of ",
		"create job now --from=cronjob/j": "copy spec.jobTemplate.spec.template.spec.containers.env.value of cronjobs.batch " + s.namespace + "/j, which is masked",
	} {
		_, err := s.call(line, "")
		var r *tools.Refusal
		if !errors.As(err, &r) || r.Rule != "masked" || !strings.Contains(r.Reason, want) || !strings.Contains(r.Hint, "by a manifest with -f -") && !strings.Contains(r.Hint, "the earlier manifest with -f -") {
			t.Errorf("kubectl %s: %+v", line, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("kubectl %s: %v", line, err)
		}
	}
}

// TestOnlyManagersChange is said of a change after which all looks as before.
func TestOnlyManagersChange(t *testing.T) {
	s := newStage(t)
	manifest := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {mode: fast}\n"
	s.must("apply -f -", manifest)
	for line, want := range map[string]string{
		"apply -f -":                         "(no change)",
		"apply -f - --field-manager=another": "(only the managers of fields change)",
	} {
		if p := s.preview(s.describe(line, manifest)); !strings.Contains(p.Diff, want) {
			t.Errorf("kubectl %s: %s", line, p.Diff)
		}
	}
	s.must("apply -f -", webManifest)
	web, _, _ := strings.Cut(webManifest, "---")
	for _, line := range []string{"apply -f -", "apply -f - --field-manager=another"} {
		if p := s.preview(s.describe(line, web)); strings.Contains(p.Diff, "managers") {
			t.Errorf("kubectl %s, of an object with a secret: %s", line, p.Diff)
		}
	}
}
