package app

import (
	"errors"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/policy"
)

// ErrNoApprover is the error of a key that the configuration does not know.
var ErrNoApprover = errors.New("the key is none of approvals.approvers in the configuration")

// Approver is whom an approver's public key stands for.
func Approver(c *config.Config, public string) (policy.Principal, error) {
	for _, p := range c.Approvals.Approvers {
		if p.Key == public && public != "" {
			return policy.Principal{
				Subject: p.Subject, Name: p.Name, Email: p.Email, Groups: p.Groups, Issuer: "config", Method: policy.Key,
				Claims: map[string]string{"approver_key": public},
			}, nil
		}
	}
	return policy.Principal{}, ErrNoApprover
}
