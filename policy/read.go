package policy

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/chaperone-dev/chaperone/tools"
)

// RawFacts are a family's facts as they were written, for an action that is
// judged again.
type RawFacts struct {
	Name string
	JSON jsontext.Value
}

// Family implements tools.Facts.
func (f RawFacts) Family() string { return f.Name }

// MarshalJSON writes the facts as they are.
func (f RawFacts) MarshalJSON() ([]byte, error) { return f.JSON, nil }

// ReadInput reads an input from the JSON that marshalling one yields. A member
// besides the common ones holds the facts of the family of that name.
func ReadInput(text []byte) (*Input, error) {
	var in struct {
		Principal  Principal                 `json:"principal"`
		Session    Session                   `json:"session"`
		Connection Connection                `json:"connection"`
		Call       Call                      `json:"call"`
		Action     tools.Action              `json:"action"`
		Preview    *tools.Impact             `json:"preview"`
		Facts      map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(text, &in, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("the input can't be read: %w", err)
	}
	if len(in.Facts) > 1 {
		return nil, errors.New("the input holds the facts of more than one family")
	}
	for name, facts := range in.Facts {
		if name != in.Connection.Family {
			return nil, fmt.Errorf("%q is no part of an input, nor the family of its connection, which is %q", name, in.Connection.Family)
		}
		in.Action.Facts = RawFacts{name, facts}
	}
	return &Input{in.Principal, in.Session, in.Connection, in.Call, in.Action, in.Preview}, nil
}
