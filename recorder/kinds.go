package recorder

import (
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/tools"
)

// The kinds of events. Later versions add to them; a reader shows a kind that
// it does not know as [Unknown].
const (
	KindLogOpened      Kind = "log.opened"
	KindLogClosed      Kind = "log.closed"
	KindSessionOpened  Kind = "session.opened"
	KindSessionClosed  Kind = "session.closed"
	KindReceived       Kind = "call.received"
	KindDescribed      Kind = "call.described"
	KindDecided        Kind = "call.decided"
	KindJudged         Kind = "call.judged"
	KindStarted        Kind = "call.started"
	KindOutput         Kind = "call.output"
	KindFinished       Kind = "call.finished"
	KindRefused        Kind = "call.refused"
	KindFailed         Kind = "call.failed"
	KindAmbiguous      Kind = "call.ambiguous"
	KindPolicyLoaded   Kind = "policy.loaded"
	KindPolicyRejected Kind = "policy.rejected"
	KindConfigLoaded   Kind = "config.loaded"
	KindStood          Kind = "standing.changed"

	KindPreviewed         Kind = "call.previewed"
	KindConfirmed         Kind = "call.confirmed"
	KindPending           Kind = "call.pending"
	KindStopped           Kind = "call.stopped"
	KindApprovalRequested Kind = "approval.requested"
	KindApprovalAnswered  Kind = "approval.answered"
	KindApprovalEnded     Kind = "approval.ended"
	KindApprovalSpent     Kind = "approval.spent"
	KindFrozen            Kind = "freeze.set"
	KindThawed            Kind = "freeze.lifted"
	KindSignedIn          Kind = "console.signed_in"
)

// LogOpened is the first event of every log.
type LogOpened struct {
	// Version is that of the program that writes the log.
	Version string `json:"version"`
	// Others are the heads of all logs that no log before this one had seen
	// the end of.
	Others []Head `json:"others"`
}

// LogClosed is the last event of a log whose process ended in order.
type LogClosed struct{}

// SessionOpened says who a session belongs to.
type SessionOpened struct {
	Principal policy.Principal `json:"principal"`
	Client    policy.Client    `json:"client"`
	// Transport is "stdio", "http" or "cli".
	Transport string `json:"transport"`
}

// SessionClosed ends a session.
type SessionClosed struct {
	Reason string `json:"reason"`
}

// Received is a call as it came in.
type Received struct {
	Tool       string `json:"tool"`
	Connection string `json:"connection"`
	Reason     string `json:"reason"`
	DryRun     bool   `json:"dry_run"`
	// Args is a digest of the arguments. It has to be a keyed one, see
	// [Recorder.Key]: a plain one would let anyone try out a short secret.
	Args string `json:"args"`
	// Size of the arguments in bytes.
	Size int `json:"size"`
	// Approval is the request that the call goes on by, when it was held before.
	Approval string `json:"approval,omitempty"`
}

// Described is what the call would do.
type Described struct {
	Action Action `json:"action"`
	// Params are the values bound to the statement, as a person reads them.
	Params []string `json:"params,omitempty"`
}

// Decided is the policy's answer, with all that it looked at besides the
// action, so that the question can be asked again of another policy.
type Decided struct {
	Decision   policy.Decision   `json:"decision"`
	Principal  policy.Principal  `json:"principal"`
	Session    policy.Session    `json:"session"`
	Connection policy.Connection `json:"connection"`
	Call       policy.Call       `json:"call"`
}

// Judged are further actions that a plan found while it ran.
type Judged struct {
	Actions []Judgement `json:"actions"`
}

// Judgement is the policy's answer to one further action.
type Judgement struct {
	Action   Action          `json:"action"`
	Decision policy.Decision `json:"decision"`
}

// Started is written before a plan runs. A call that started and has no
// outcome may have taken effect.
type Started struct{}

// Output is a piece of a stream; the piece is the event's content.
type Output struct {
	Stream string `json:"stream"`
	// Offset is the time since the start, in milliseconds.
	Offset int64 `json:"offset_ms"`
}

// Finished is the outcome of a call that ran; its result is the event's content.
type Finished struct {
	Stats     tools.Stats   `json:"stats"`
	Duration  time.Duration `json:"duration_ns"`
	Truncated bool          `json:"truncated"`
}

// Refused is the outcome of a call that did not run.
type Refused struct {
	// Stage is where the call stopped: "describe", "decide".
	Stage  string `json:"stage"`
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
	// Blank is the call's text without constants, where it was not described.
	Blank string `json:"blank,omitempty"`
}

// Failed is the outcome of a call that ran and did not succeed.
type Failed struct {
	Code     string `json:"code,omitempty"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
	Position int    `json:"position,omitempty"`
	// Fault is the id of a fault of ours, as the caller was told it.
	Fault    string        `json:"fault,omitempty"`
	Duration time.Duration `json:"duration_ns"`
}

// Ambiguous is the outcome of a call of which nobody knows whether it ran.
type Ambiguous struct {
	Why string `json:"why"`
}

// PolicyLoaded says which policy decides from here on.
type PolicyLoaded struct {
	Digest string   `json:"digest"`
	Paths  []string `json:"paths"`
}

// PolicyRejected is a policy that could not be loaded; the one before it stays.
type PolicyRejected struct {
	Digest string   `json:"digest"`
	Paths  []string `json:"paths"`
	Error  string   `json:"error"`
}

// ConfigLoaded says which configuration is in force.
type ConfigLoaded struct {
	Digest string `json:"digest"`
}

// Stood is a standing as it is from here on. The recorder writes it with every
// change, so that a standing that was changed by hand does not agree with it.
type Stood struct {
	Of    string `json:"of"`
	ID    string `json:"id"`
	Phase string `json:"phase"`
	// Due in microseconds since 1970; 0 is never.
	Due     int64 `json:"due,omitempty"`
	Version int64 `json:"version"`
	Changed int64 `json:"changed"`
	// SHA256 of its data, in hexadecimal.
	SHA256 string `json:"sha256"`
}

func (LogOpened) Kind() Kind      { return KindLogOpened }
func (LogClosed) Kind() Kind      { return KindLogClosed }
func (SessionOpened) Kind() Kind  { return KindSessionOpened }
func (SessionClosed) Kind() Kind  { return KindSessionClosed }
func (Received) Kind() Kind       { return KindReceived }
func (Described) Kind() Kind      { return KindDescribed }
func (Decided) Kind() Kind        { return KindDecided }
func (Judged) Kind() Kind         { return KindJudged }
func (Started) Kind() Kind        { return KindStarted }
func (Output) Kind() Kind         { return KindOutput }
func (Finished) Kind() Kind       { return KindFinished }
func (Refused) Kind() Kind        { return KindRefused }
func (Failed) Kind() Kind         { return KindFailed }
func (Ambiguous) Kind() Kind      { return KindAmbiguous }
func (PolicyLoaded) Kind() Kind   { return KindPolicyLoaded }
func (PolicyRejected) Kind() Kind { return KindPolicyRejected }
func (ConfigLoaded) Kind() Kind   { return KindConfigLoaded }
func (Stood) Kind() Kind          { return KindStood }
