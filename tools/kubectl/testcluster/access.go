package main

import (
	"context"
	"os"
	"path/filepath"

	rbac "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// impersonator is the user as which Chaperone comes: it may do nothing, except
// in the name of others.
const impersonator = "chaperone"

// writeKubeconfigs writes those of the administrator, whose path it returns, and
// of the impersonator. They hold what they need, so that they can be copied.
func writeKubeconfigs(dir, server string, keys *authority) (admin string, err error) {
	admin = filepath.Join(dir, "admin.kubeconfig")
	if err := writeKubeconfig(admin, server, "admin", keys); err != nil {
		return "", err
	}
	return admin, writeKubeconfig(filepath.Join(dir, "impersonator.kubeconfig"), server, impersonator, keys)
}

func writeKubeconfig(path, server, user string, keys *authority) error {
	config := api.NewConfig()
	cluster, auth := api.NewCluster(), api.NewAuthInfo()
	cluster.Server = server
	for file, into := range map[string]*[]byte{
		keys.crt("ca"): &cluster.CertificateAuthorityData,
		keys.crt(user): &auth.ClientCertificateData,
		keys.pem(user): &auth.ClientKeyData,
	} {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		*into = data
	}
	config.Clusters["testcluster"], config.AuthInfos[user] = cluster, auth
	config.Contexts["testcluster"] = &api.Context{Cluster: "testcluster", AuthInfo: user, Namespace: "default"}
	config.CurrentContext = "testcluster"
	return clientcmd.WriteToFile(*config, path)
}

// grantImpersonation gives the impersonator its one right.
func grantImpersonation(ctx context.Context, client kubernetes.Interface) error {
	named := meta.ObjectMeta{Name: "testcluster:impersonator"}
	role := &rbac.ClusterRole{ObjectMeta: named, Rules: []rbac.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"users", "groups"}, Verbs: []string{"impersonate"}},
	}}
	binding := &rbac.ClusterRoleBinding{
		ObjectMeta: named,
		RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: named.Name},
		Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: rbac.UserKind, Name: impersonator}},
	}
	_, err := client.RbacV1().ClusterRoles().Create(ctx, role, meta.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, binding, meta.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
