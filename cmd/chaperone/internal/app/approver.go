package app

import (
	"errors"
	"fmt"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/server/approval"
)

// ErrNoApprover is the error of a key that the configuration does not know.
var ErrNoApprover = errors.New("the key is none of approvals.approvers in the configuration")

// Approver is whom an approver's public key stands for.
func Approver(c *config.Config, public string) (policy.Principal, error) {
	who, ok := approvers(c)[public]
	if !ok {
		return policy.Principal{}, fmt.Errorf("%w: add %s there, with the person's subject and groups", ErrNoApprover, public)
	}
	return who, nil
}

// approvers are those who answer by key, by their public keys.
func approvers(c *config.Config) map[string]policy.Principal {
	out := map[string]policy.Principal{}
	for _, p := range c.Approvals.Approvers {
		out[p.Key] = policy.Principal{
			Subject: p.Subject, Name: p.Name, Email: p.Email, Groups: p.Groups, Issuer: "config", Method: policy.Key,
			Claims: map[string]string{approval.KeyClaim: p.Key},
		}
	}
	return out
}
