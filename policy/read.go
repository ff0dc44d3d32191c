package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

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

// ReadInput reads an input from the JSON that marshalling one yields. Besides
// the common members there may be one, named after the connection's family, with
// its facts.
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
	family := in.Connection.Family
	if facts, ok := in.Facts[family]; ok {
		in.Action.Facts = RawFacts{family, facts}
		delete(in.Facts, family)
	}
	if len(in.Facts) > 0 {
		return nil, fmt.Errorf("the input has no place for %s: it takes principal, session, connection, call, action, preview, "+
			"and facts under the name that connection.family has (%q)", quoted(in.Facts), family)
	}
	return &Input{in.Principal, in.Session, in.Connection, in.Call, in.Action, in.Preview}, nil
}

// quoted are the names of members, for people.
func quoted(members map[string]jsontext.Value) string {
	names := slices.Sorted(maps.Keys(members))
	for i, name := range names {
		names[i] = strconv.Quote(name)
	}
	return strings.Join(names, ", ")
}
