package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/tools"
)

// Names of the rules that stand in where no rule of the policy decided.
const (
	// RuleDefault denies what no rule allows.
	RuleDefault = "default-deny"
	// RuleFault denies what the policy could not judge.
	RuleFault = "policy-error"
	// RuleIdentity denies callers that were not verified.
	RuleIdentity = "no-identity"
	// RuleUnknown denies actions that were not understood.
	RuleUnknown = "unknown-effect"
)

// answer is what rules said, decoded.
type answer struct {
	allow   []string
	deny    []obligation.Deny
	approve []obligation.Approve
	confirm []obligation.Confirm
	mask    obligation.Masks
	limit   obligation.Limits
	label   []string
}

// readAnswer decodes all sets, also those that the outcome makes moot: a
// malformed element anywhere means that the policy is not what it seems.
func readAnswer(sets topdown.QueryResult) (answer, error) {
	r := &answerReader{sets: sets}
	a := answer{
		allow:   r.names(setAllow, checkName),
		deny:    elements(r, "deny", obligation.DecodeDeny),
		approve: elements(r, "approve", obligation.DecodeApprove),
		confirm: elements(r, "confirm", obligation.DecodeConfirm),
		mask:    elements(r, "mask", obligation.DecodeMask),
		limit:   elements(r, "limit", obligation.DecodeLimit),
		label:   r.names(setLabel, obligation.CheckLabel),
	}
	return a, r.err
}

// answerReader keeps the first error.
type answerReader struct {
	sets topdown.QueryResult
	err  error
}

// members returns the members of a set, sorted; none when no rule adds to it.
func (r *answerReader) members(name string) []*ast.Term {
	term, ok := r.sets[ast.Var(name)]
	if !ok || r.err != nil {
		return nil
	}
	set, ok := term.Value.(ast.Set)
	if !ok {
		r.err = fmt.Errorf("%s is %s, not a set", name, ast.ValueName(term.Value))
		return nil
	}
	return set.Slice()
}

func (r *answerReader) names(name string, check func(string) error) []string {
	var names []string
	for _, member := range r.members(name) {
		text, ok := member.Value.(ast.String)
		if !ok {
			r.err = fmt.Errorf("%s holds %s, not a string", name, ast.ValueName(member.Value))
			return nil
		}
		if err := check(string(text)); err != nil {
			r.err = fmt.Errorf("%s: %w", name, err)
			return nil
		}
		names = append(names, string(text))
	}
	return names
}

func elements[T any](r *answerReader, name string, decode func([]byte) (T, error)) []T {
	var list []T
	for _, member := range r.members(name) {
		text, err := appendJSON(nil, member.Value)
		if err != nil {
			r.err = fmt.Errorf("%s: %w", name, err)
			return nil
		}
		element, err := decode(text)
		if err != nil {
			r.err = fmt.Errorf("%s: %w", name, err)
			return nil
		}
		list = append(list, element)
	}
	return list
}

func checkName(name string) error {
	if strings.TrimSpace(name) == "" {
		return errors.New("a rule has an empty name")
	}
	return nil
}

// decide is where deny beats approve beats confirm beats allow, and nothing
// denies.
func (a answer) decide(in *Input) Decision {
	d := Decision{Masks: a.mask, Limits: a.limit.Intersect(), Labels: a.label}
	switch {
	case len(a.deny) > 0:
		for _, deny := range a.deny {
			d.Rules = append(d.Rules, Rule{deny.Rule, deny.Message, deny.Hint})
		}
	case !in.Action.Effect.Within(tools.Destroy): // the worst that is known
		d.Rules = []Rule{{RuleUnknown, "what this call would do was not understood, so no rule can allow it", ""}}
	case len(a.approve) > 0:
		d.Outcome, d.Approve = Approve, a.approve
		for _, approve := range a.approve {
			d.Rules = append(d.Rules, Rule{Name: approve.Rule, Message: approve.Message})
		}
	case len(a.confirm) > 0:
		d.Outcome, d.Confirm = Confirm, a.confirm
		for _, confirm := range a.confirm {
			d.Rules = append(d.Rules, Rule{Name: confirm.Rule, Message: confirm.Message})
		}
	case len(a.allow) > 0:
		d.Outcome = Allow
		for _, allow := range a.allow {
			d.Rules = append(d.Rules, Rule{Name: allow})
		}
	default:
		d.Rules = []Rule{defaultDeny(in)}
	}
	slices.SortFunc(d.Rules, func(x, y Rule) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Message, y.Message), cmp.Compare(x.Hint, y.Hint))
	})
	return d
}
