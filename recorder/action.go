package recorder

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/tools"
)

// Action is a tools.Action as the record keeps it.
type Action struct {
	Verb    string         `json:"verb"`
	Effect  tools.Effect   `json:"effect"`
	Targets []tools.Target `json:"targets"`
	// Display is the action for a person to read, without constants where they
	// may be secret.
	Display string `json:"display"`
	// Family is the name under which the facts stand in policy input.
	Family string `json:"family,omitempty"`
	// Facts are the family's own, as it wrote them.
	Facts jsontext.Value `json:"facts,omitempty"`
}

// NewAction takes over an action. With blank, or when the action says that it
// holds a secret, the display is the one without constants. An error says that
// the family's facts are not JSON.
func NewAction(a tools.Action, blank bool) (Action, error) {
	kept := Action{Verb: a.Verb, Effect: a.Effect, Targets: a.Targets, Display: a.Display}
	if blank || a.Secret {
		kept.Display = a.Blank
	}
	if a.Facts == nil {
		return kept, nil
	}
	// The way in which policy input has them, or a decision could not be asked again.
	facts, err := json.Marshal(a.Facts, jsonv1.OmitEmptyWithLegacySemantics(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return Action{}, fmt.Errorf("recorder: facts of %s: %w", a.Facts.Family(), err)
	}
	kept.Family, kept.Facts = a.Facts.Family(), facts
	return kept, nil
}

// Input is the policy input of a decision on record, to be judged again.
func (d Decided) Input(a Action) policy.Input {
	action := tools.Action{Verb: a.Verb, Effect: a.Effect, Targets: a.Targets, Display: a.Display}
	if a.Family != "" {
		action.Facts = facts{family: a.Family, raw: a.Facts}
	}
	return policy.Input{
		Principal: d.Principal, Session: d.Session, Connection: d.Connection, Call: d.Call, Action: action,
	}
}

// facts are a family's facts that were read back.
type facts struct {
	family string
	raw    jsontext.Value
}

func (f facts) Family() string               { return f.family }
func (f facts) MarshalJSON() ([]byte, error) { return f.raw, nil }
