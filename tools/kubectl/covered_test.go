package kubectl

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestCoveredChanges: of a change to what is masked nobody is told that nothing
// changes, and a right guess looks like a wrong one.
func TestCoveredChanges(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", webManifest)
	secret := "{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {password: VALUE}}"
	for _, c := range []struct{ line, stdin, right, wrong, field string }{
		{`patch secret db -p '{"data":{"password":"VALUE"}}'`, "", "aHVudGVyMg==", "aHVudGVyMw==", "data.password"},
		{`patch secret db -p '{"stringData":{"password":"VALUE"}}'`, "", "hunter2", "hunter3", "stringData.password"},
		{`patch secret db --type=merge -p '{"data":{"password":"VALUE"}}'`, "", "aHVudGVyMg==", "aHVudGVyMw==", "data.password"},
		{`patch secret db --type=json -p '[{"op":"replace","path":"/data/password","value":"VALUE"}]'`, "", "aHVudGVyMg==", "aHVudGVyMw==", "data.password"},
		{"apply -f - --force-conflicts", secret, "aHVudGVyMg==", "aHVudGVyMw==", "data.password"},
		{"replace -f -", secret, "aHVudGVyMg==", "aHVudGVyMw==", "data.password"},
		{"set env deploy/web DB_PASSWORD=VALUE", "", "hunter2", "hunter3", "spec.template.spec.containers.env.value"},
	} {
		seen := func(value string) (changed []string, diff string, warnings []string) {
			p := s.describe(strings.ReplaceAll(c.line, "VALUE", value), strings.ReplaceAll(c.stdin, "VALUE", value))
			shown := s.preview(p)
			f, _ := p.Action().Facts.(*Facts)
			return f.Objects[0].Changed, shown.Diff, shown.Warnings
		}
		changed, diff, warnings := seen(c.wrong)
		if !slices.Contains(changed, c.field) || strings.Contains(diff, "(no change)") || !strings.Contains(strings.Join(warnings, "\n"), c.field+" of ") {
			t.Errorf("%s: changed %q, warnings %q\n%s", c.line, changed, warnings, diff)
		}
		rightly, rightDiff, rightWarnings := seen(c.right)
		if !reflect.DeepEqual(rightly, changed) || rightDiff != diff || !reflect.DeepEqual(rightWarnings, warnings) {
			t.Errorf("%s: a right guess shows: %q and %q\n%s\n%s", c.line, rightly, changed, rightDiff, diff)
		}
	}
	// What is masked and not written does not count.
	p := s.describe("label secret db a=b", "")
	f, _ := p.Action().Facts.(*Facts)
	if got := f.Objects[0].Changed; !slices.Equal(got, []string{"metadata.labels"}) || len(s.preview(p).Warnings) > 0 {
		t.Errorf("a label changes %q, %q", got, s.preview(p).Warnings)
	}
}
