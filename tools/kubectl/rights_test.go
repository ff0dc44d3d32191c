package kubectl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chaperone-dev/chaperone/tools"
)

// grant gives the user of the cluster who has no rights some, until the test
// ends.
func (s *stage) grant(rules ...rbacv1.PolicyRule) {
	s.t.Helper()
	name := fmt.Sprintf("%s-%d", s.namespace, stages.Add(1))
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: "User", APIGroup: rbacv1.GroupName, Name: "powerless"}},
	}
	rbac := s.client.RbacV1()
	if _, err := rbac.ClusterRoles().Create(s.t.Context(), role, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	if _, err := rbac.ClusterRoleBindings().Create(s.t.Context(), binding, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx := context.Background()
		_ = rbac.ClusterRoleBindings().Delete(ctx, name, metav1.DeleteOptions{})
		_ = rbac.ClusterRoles().Delete(ctx, name, metav1.DeleteOptions{})
	})
}

// as is the stage with another kubeconfig.
func (s *stage) as(kubeconfig string, production bool, set ...func(*Config)) {
	s.t.Helper()
	c := Config{Kubeconfig: kubeconfig, Namespace: s.namespace}
	for _, f := range set {
		f(&c)
	}
	find, err := c.finder()
	if err != nil {
		s.t.Fatal(err)
	}
	s.conn = connect(c, production, find)
}

func rule(verb, group, resource string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: []string{verb}, APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: names}
}

// TestProductionRefusesTheAlmighty, and who can become that. Others it takes,
// and it notices when that changes.
func TestProductionRefusesTheAlmighty(t *testing.T) {
	s := newStage(t)
	s.as(s.cluster.Kubeconfig, true)
	s.refusedBy("cluster-admin", "get pods", "")
	s.refusedBy("cluster-admin", "delete pod x", "")
	s.as(s.cluster.Kubeconfig, false)
	s.must("get pods")
	s.as(s.cluster.Impersonator, true, func(c *Config) { c.Impersonate = true })
	s.must("get pods")
	s.grant(rule("list", "", "pods"))
	s.as(s.cluster.Powerless, true)
	s.eventually("get pods", func(err error) bool { return err == nil })
	s.grant(rule("bind", rbacGroup, "clusterroles"))
	s.conn.vetted = s.conn.vetted.Add(-2 * vetTime)
	s.eventually("get pods", func(err error) bool {
		s.conn.vetted = s.conn.vetted.Add(-2 * vetTime)
		return refusedFor(err) == "cluster-admin"
	})
}

func refusedFor(err error) string {
	var r *tools.Refusal
	if errors.As(err, &r) {
		return r.Rule
	}
	return ""
}

// eventually makes a call until it ends as wanted: the API server takes up rights
// after a moment.
func (s *stage) eventually(line string, want func(error) bool) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, err := s.call(line, "")
		if want(err) {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("kubectl %s: still %v", line, err)
		}
	}
}

// TestFindings: the check-up tells what is wrong with a cluster, and no more.
func TestFindings(t *testing.T) {
	s := newStage(t)
	impersonating := func(c *Config) { c.Impersonate = true }
	for name, c := range map[string]struct {
		kubeconfig string
		production bool
		set        func(*Config)
		want       []string
	}{
		"impersonator":        {s.cluster.Impersonator, true, impersonating, []string{"ok: Kubernetes v1.37.2 answers", "warn: the credential may act as system:masters"}},
		"idle impersonator":   {s.cluster.Impersonator, true, nil, []string{"ok: Kubernetes", "warn: the credential may act as anybody"}},
		"administrator":       {s.cluster.Kubeconfig, false, nil, []string{"ok: Kubernetes", "warn: the credential may do anything"}},
		"in production":       {s.cluster.Kubeconfig, true, nil, []string{"ok: Kubernetes", "fail: the connection is labelled as production"}},
		"powerless":           {s.cluster.Powerless, false, nil, []string{"ok: Kubernetes"}},
		"may not impersonate": {s.cluster.Powerless, false, impersonating, []string{"ok: Kubernetes", "fail: the credential may not impersonate users", "warn: the credential may not impersonate groups"}},
		"no such namespace": {s.cluster.Kubeconfig, false, func(c *Config) { c.Namespaces = []string{c.Namespace, "nowhere"} },
			[]string{"ok: Kubernetes", "warn: the credential may do anything", "warn: the namespace nowhere does not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			set := []func(*Config){func(*Config) {}}
			if c.set != nil {
				set = append(set, c.set)
			}
			s.as(c.kubeconfig, c.production, set...)
			found := s.conn.Check(t.Context())
			for i, f := range found {
				if i >= len(c.want) || !strings.HasPrefix(string(f.Level)+": "+f.What, c.want[i]) || (f.Fix == "") != (f.Level == tools.OK) {
					t.Errorf("%+v", f)
				}
			}
			if len(found) < len(c.want) {
				t.Errorf("%d findings, want %q", len(found), c.want)
			}
		})
	}
}

// TestFindingsOfNamedGroups: a credential that may act as the groups that it needs,
// and as no others, is as it should be.
func TestFindingsOfNamedGroups(t *testing.T) {
	s := newStage(t)
	s.grant(rule("impersonate", "", "users"), rule("impersonate", "", "groups", "developers"))
	s.as(s.cluster.Powerless, true, func(c *Config) { c.Impersonate = true })
	s.caller.Groups = []string{"developers"}
	s.eventually("auth whoami", func(err error) bool { return err == nil })
	if found := s.conn.Check(t.Context()); len(found) != 1 || found[0].Level != tools.OK {
		t.Errorf("%+v", found)
	}
}

// TestFindingsOfVersions: kubectl is made for its neighbours.
func TestFindingsOfVersions(t *testing.T) {
	for v, warned := range map[string]bool{
		"v1.35.9": true, "v1.36.0": false, "v1.37.2": false, "v1.38.0-gke.100": false, "v1.39.1+k3s1": true, "v1.30.5-gke.1014001": true, "": false, "odd": false,
	} {
		e := &examination{}
		var g greeting
		g.GitVersion = v
		e.version(g)
		if got := slices.ContainsFunc(e.found, func(f tools.Finding) bool { return f.Level == tools.Warn }); got != warned {
			t.Errorf("%q: %+v", v, e.found)
		}
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil || !strings.Contains(string(mod), fmt.Sprintf("k8s.io/kubectl v0.%d.", ownMinor)) {
		t.Errorf("go.mod has another kubectl than 1.%d", ownMinor)
	}
}

// TestFindingsOfFiles: a kubeconfig is for its owner.
func TestFindingsOfFiles(t *testing.T) {
	path := t.TempDir() + "/kubeconfig"
	writeFile(t, path, "")
	c := Config{Kubeconfig: path}
	if found := c.files(); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if found := c.files(); len(found) != 1 || found[0].Level != tools.Warn || !strings.Contains(found[0].Fix, "chmod go-rwx "+path) {
			t.Errorf("%o: %+v", mode, found)
		}
	}
}
