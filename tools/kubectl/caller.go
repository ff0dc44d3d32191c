package kubectl

import (
	"fmt"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/chaperone-dev/chaperone/tools"
)

// reserved begins the names that Kubernetes keeps for itself. Whoever is in
// system:masters may do anything, whatever the cluster's own rules say; no
// identity provider is trusted with that.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects
const reserved = "system:"

// impersonated is whom the API server is told.
func impersonated(caller tools.Caller) (rest.ImpersonationConfig, error) {
	if caller.Subject == "" {
		return rest.ImpersonationConfig{}, refused("identity", "the cluster is to be told who calls, and that is not known", "sign in")
	}
	for _, name := range append([]string{caller.Subject}, caller.Groups...) {
		if strings.HasPrefix(strings.ToLower(name), reserved) {
			return rest.ImpersonationConfig{}, refused("identity",
				fmt.Sprintf("the cluster is to be told who calls, and the name %q is one that Kubernetes keeps for itself", name),
				"ask the operator for a name or group without "+reserved)
		}
	}
	return rest.ImpersonationConfig{UserName: caller.Subject, Groups: caller.Groups}, nil
}
