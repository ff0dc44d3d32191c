package policy

import (
	"fmt"

	"github.com/chaperone-dev/chaperone/policy/obligation"
)

// defaultDeny says which call no rule allows.
func defaultDeny(in *Input) Rule {
	return Rule{
		Name: RuleDefault,
		Message: fmt.Sprintf("no rule allows %s on connection %s (%s, effect %s)",
			in.Call.Tool, in.Connection.Name, in.Action.Verb, in.Action.Effect),
		Hint: "call the `access` tool to see what you can reach, and what needs approval",
	}
}

// fault denies what the policy could not judge. As it is not known what should
// be hidden, everything is.
func (p *Policy) fault(err error) Decision {
	return Decision{
		Rules: []Rule{{
			Name:    RuleFault,
			Message: "the policy could not judge this call",
			Hint:    "this is not about the call: tell the people who keep the policy; the record holds the reason",
		}},
		Masks: obligation.MaskAll(RuleFault),
		Fault: err.Error(),
	}
}

// noIdentity denies a caller that no one vouches for.
func noIdentity() Decision {
	return Decision{
		Rules: []Rule{{Name: RuleIdentity, Message: "the caller's identity was not verified", Hint: "sign in again"}},
		Masks: obligation.MaskAll(RuleIdentity),
	}
}
