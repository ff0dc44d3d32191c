package recorder

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// Unknown is the body of an event of a later version of this program.
type Unknown struct {
	// Of is the kind, as the event has it.
	Of Kind
	// Raw is the body, as the event has it.
	Raw jsontext.Value
	// Why says what is not known about it.
	Why string
}

// Kind is the kind that was not known, or whose body was not.
func (u Unknown) Kind() Kind { return u.Of }

// MarshalJSON returns the body as it was read.
func (u Unknown) MarshalJSON() ([]byte, error) { return u.Raw, nil }

// envelope is a leaf as it is read.
type envelope struct {
	Body    jsontext.Value `json:"body"`
	Call    string         `json:"call"`
	Content Content        `json:"content"`
	ID      string         `json:"id"`
	Kind    Kind           `json:"kind"`
	Number  int64          `json:"n"`
	Session string         `json:"session"`
	Time    string         `json:"time"`
}

// decodeLeaf reads the bytes of a leaf. An unknown kind of body is no error;
// anything else that is not as this package writes it is.
func decodeLeaf(leaf []byte) (Event, error) {
	var env envelope
	if err := json.Unmarshal(leaf, &env, json.RejectUnknownMembers(true)); err != nil {
		return Event{}, fmt.Errorf("recorder: not an event: %w", err)
	}
	at, err := time.Parse(timeFormat, env.Time)
	if err != nil {
		return Event{}, fmt.Errorf("recorder: an event's time is not one: %w", err)
	}
	if !env.Content.whole() {
		return Event{}, fmt.Errorf("recorder: the content of event %s contradicts itself", env.ID)
	}
	return Event{
		ID: env.ID, Time: at, Session: env.Session, Call: env.Call, Content: env.Content,
		Body:  decodeBody(env.Kind, env.Body),
		Place: Place{Number: env.Number},
	}, nil
}

var decoders = map[Kind]func(Kind, jsontext.Value) Body{
	KindLogOpened:      decode[LogOpened],
	KindLogClosed:      decode[LogClosed],
	KindSessionOpened:  decode[SessionOpened],
	KindSessionClosed:  decode[SessionClosed],
	KindReceived:       decode[Received],
	KindDescribed:      decode[Described],
	KindDecided:        decode[Decided],
	KindJudged:         decode[Judged],
	KindStarted:        decode[Started],
	KindOutput:         decode[Output],
	KindFinished:       decode[Finished],
	KindRefused:        decode[Refused],
	KindFailed:         decode[Failed],
	KindAmbiguous:      decode[Ambiguous],
	KindPolicyLoaded:   decode[PolicyLoaded],
	KindPolicyRejected: decode[PolicyRejected],
	KindConfigLoaded:   decode[ConfigLoaded],
	KindStood:          decode[Stood],

	KindPreviewed:         decode[Previewed],
	KindConfirmed:         decode[Confirmed],
	KindPending:           decode[Pending],
	KindStopped:           decode[Stopped],
	KindApprovalRequested: decode[ApprovalRequested],
	KindApprovalAnswered:  decode[ApprovalAnswered],
	KindApprovalEnded:     decode[ApprovalEnded],
	KindApprovalSpent:     decode[ApprovalSpent],
	KindFrozen:            decode[Frozen],
	KindThawed:            decode[Thawed],
	KindSignedIn:          decode[SignedIn],
}

func decodeBody(kind Kind, raw jsontext.Value) Body {
	if to, ok := decoders[kind]; ok {
		return to(kind, raw)
	}
	return Unknown{Of: kind, Raw: raw, Why: "this version does not know the kind"}
}

func decode[B Body](kind Kind, raw jsontext.Value) Body {
	var body B
	err := json.Unmarshal(raw, &body, jsonv1.DefaultOptionsV1(), json.RejectUnknownMembers(true),
		json.MatchCaseInsensitiveNames(false), jsontext.AllowDuplicateNames(false))
	if err != nil {
		return Unknown{Of: kind, Raw: raw, Why: err.Error()}
	}
	return body
}
