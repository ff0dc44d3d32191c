package policy

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/chaperone-dev/chaperone/tools"
)

// Input is everything that a policy may look at. Its JSON form is `input` in
// Rego, and the schema of that form ships with the binary.
type Input struct {
	Principal  Principal    `json:"principal"`
	Session    Session      `json:"session"`
	Connection Connection   `json:"connection"`
	Call       Call         `json:"call"`
	Action     tools.Action `json:"action"`
	// Preview is what the call would touch, once that was found out.
	Preview *tools.Impact `json:"preview,omitempty"`
}

// Principal is who calls, as verified at the door. The zero value is nobody.
type Principal struct {
	// Subject is unique within the issuer.
	Subject string `json:"subject"`
	Email   string `json:"email"`
	Name    string `json:"name"`
	// Groups are the principal's own, in the order that the issuer gave them.
	Groups []string `json:"groups"`
	// Issuer vouches for the subject: a URL, or "local" or "config".
	Issuer string `json:"issuer"`
	Method Method `json:"method"`
	// Claims are further attributes that the issuer gave.
	Claims map[string]string `json:"claims"`
}

// Method is how a principal was verified. The zero value is not verified.
type Method string

// The ways to verify a principal.
const (
	OIDC     Method = "oidc"
	SAML     Method = "saml"
	Workload Method = "workload"
	Token    Method = "token"
	Local    Method = "local"
	// Key is an approver's own key, at a terminal.
	Key Method = "key"
)

func methods() []string {
	return []string{string(OIDC), string(SAML), string(Workload), string(Token), string(Local), string(Key)}
}

// Valid reports whether the principal may be acted for.
func (p Principal) Valid() bool {
	return slices.Contains(methods(), string(p.Method)) && p.Subject != "" && p.Issuer != ""
}

// Session is one run of one client.
type Session struct {
	ID     string `json:"id"`
	Client Client `json:"client"`
	// Transport is "stdio", "http" or "cli".
	Transport  string `json:"transport"`
	AgeSeconds int64  `json:"age_seconds"`
	// Labels are those that policy put on the session, sorted.
	Labels []string `json:"labels"`
	Totals Totals   `json:"totals"`
}

// Client is the program at the other end, by its own word.
type Client struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Totals count what a session has done so far.
type Totals struct {
	Calls    int64 `json:"calls"`
	Denied   int64 `json:"denied"`
	RowsRead int64 `json:"rows_read"`
	// RowsChanged counts what triggers and cascades change, too, as far as the
	// target tells. What a trigger does that is deferred to the commit is not in.
	RowsChanged    int64 `json:"rows_changed"`
	ObjectsDeleted int64 `json:"objects_deleted"`
	BytesOut       int64 `json:"bytes_out"`
}

// Connection is the target, as the configuration names it.
type Connection struct {
	Name   string            `json:"name"`
	Family string            `json:"family"`
	Labels map[string]string `json:"labels"`
}

// Call is the request around the action.
type Call struct {
	Tool   string    `json:"tool"`
	Reason string    `json:"reason"`
	DryRun bool      `json:"dry_run"`
	Time   time.Time `json:"time"`
}

// MarshalJSON puts the action's facts under the name of their family, and
// writes empty lists and objects where Go has nil.
func (in Input) MarshalJSON() ([]byte, error) {
	data, err := in.withoutFacts()
	if err != nil || in.Action.Facts == nil {
		return data, err
	}
	facts, err := in.facts()
	if err != nil {
		return nil, err
	}
	data = append(data[:len(data)-1], ',')
	data, err = jsontext.AppendQuote(data, in.Action.Facts.Family())
	if err != nil {
		return nil, err
	}
	data = append(append(data, ':'), facts...)
	return append(data, '}'), nil
}

func (in Input) withoutFacts() ([]byte, error) {
	type plain Input
	in.Call.Time = in.Call.Time.UTC()
	return json.Marshal(plain(in))
}

func (in Input) facts() ([]byte, error) {
	return json.Marshal(in.Action.Facts, jsonv1.OmitEmptyWithLegacySemantics(true))
}
