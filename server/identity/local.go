package identity

import (
	"fmt"
	"os/user"

	"github.com/chaperone-dev/chaperone/policy"
)

// Local is the user of the operating system that this process runs as. That is
// who calls over standard input and from the command line.
func Local() (policy.Principal, error) {
	u, err := user.Current()
	if err != nil {
		return policy.Principal{}, fmt.Errorf("the user of this process is not known: %w", err)
	}
	return policy.Principal{
		Subject: u.Username, Name: u.Name, Groups: groups(u), Issuer: "local", Method: policy.Local, Claims: map[string]string{},
	}, nil
}

// groups are the names of the user's groups; those that have no name are left out.
func groups(u *user.User) []string {
	names := []string{}
	ids, err := u.GroupIds()
	if err != nil {
		return names
	}
	for _, id := range ids {
		if g, err := user.LookupGroupId(id); err == nil {
			names = append(names, g.Name)
		}
	}
	return names
}
