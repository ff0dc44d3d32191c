package approval

import (
	"slices"
	"strings"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// Phase is how far a request has come. The zero value is none, in which
// nothing may run.
type Phase string

// The phases of a request.
const (
	Requested Phase = "requested"
	Approved  Phase = "approved"
	Denied    Phase = "denied"
	Expired   Phase = "expired"
	Cancelled Phase = "cancelled"
	// Spent is a request whose call was let run, once.
	Spent Phase = "spent"
)

// Open reports whether the request can still come to something.
func (p Phase) Open() bool { return p == Requested || p == Approved }

// Request is one call that waits for people.
type Request struct {
	ID    string `json:"id"`
	Phase Phase  `json:"phase"`
	// Why says what ended it, in the phases where that is not plain.
	Why string `json:"why,omitempty"`

	Asked time.Time `json:"asked"`
	// Expires is until when it may be answered, and once approved, spent.
	Expires time.Time `json:"expires"`
	// Window is how long an approval holds.
	Window time.Duration `json:"window_ns"`

	// Principal asks, in a session, by a call.
	Principal  policy.Principal  `json:"principal"`
	Client     policy.Client     `json:"client"`
	Session    string            `json:"session"`
	Call       string            `json:"call"`
	Connection policy.Connection `json:"connection"`
	Tool       string            `json:"tool"`
	Reason     string            `json:"reason,omitempty"`

	// Action, Params and Preview are what approvers see, with what policy
	// masks left out.
	Action  recorder.Action `json:"action"`
	Params  []string        `json:"params,omitempty"`
	Preview *tools.Preview  `json:"preview,omitempty"`

	// Rules are those that hold the call; each has to be satisfied.
	Rules obligation.Approvals `json:"rules"`
	// Policy is the digest of the policy that they are from.
	Policy string `json:"policy"`
	// Key is a keyed digest of who calls what: the same call has the same.
	Key string `json:"key"`
	// Sealed is the call itself, encrypted. It is dropped when the request ends.
	Sealed []byte `json:"sealed,omitempty"`

	Answers []Answer `json:"answers,omitempty"`
	// SpentBy is the call that ran by it, and SpentIn its session.
	SpentBy string `json:"spent_by,omitempty"`
	SpentIn string `json:"spent_in,omitempty"`

	version int64
}

// Verdict is what an approver says. The zero value is neither.
type Verdict string

// The verdicts.
const (
	Approve Verdict = "approve"
	Deny    Verdict = "deny"
)

// Answer is what one person said.
type Answer struct {
	By      policy.Principal `json:"by"`
	Verdict Verdict          `json:"verdict"`
	Comment string           `json:"comment,omitempty"`
	At      time.Time        `json:"at"`
	// Via is where they said it: "console", "cli".
	Via string `json:"via"`
	// Seen is the digest of the preview that they were shown.
	Seen string `json:"seen,omitempty"`
	// Signature is that of an answer by key, over the request's Statement of it.
	Signature []byte `json:"signature,omitempty"`
}

// SamePerson reports whether two principals may be one person. Who has two
// tokens, or signs in here and there, is known by the subject or the address;
// the one issuer's subject may be the other's address.
func SamePerson(a, b policy.Principal) bool {
	if a.Subject == b.Subject {
		return true
	}
	for _, x := range []string{a.Subject, a.Email} {
		for _, y := range []string{b.Subject, b.Email} {
			if x = strings.TrimSpace(x); x != "" && strings.EqualFold(x, strings.TrimSpace(y)) {
				return true
			}
		}
	}
	return false
}

// eligible reports whether the person may answer for a rule.
func eligible(rule obligation.Approve, p policy.Principal) bool {
	return slices.ContainsFunc(rule.Groups, func(group string) bool { return slices.Contains(p.Groups, group) })
}

// Eligible reports whether the person may answer the request at all.
func (r *Request) Eligible(p policy.Principal) bool {
	return p.Valid() && !SamePerson(p, r.Principal) &&
		slices.ContainsFunc(r.Rules, func(rule obligation.Approve) bool { return eligible(rule, p) })
}

// Missing lists, for each rule that is not satisfied yet, how many more people
// have to agree.
func (r *Request) Missing() []obligation.Approve {
	var out []obligation.Approve
	for _, rule := range r.Rules {
		var agreed []policy.Principal
		for _, a := range r.Answers {
			known := slices.ContainsFunc(agreed, func(p policy.Principal) bool { return SamePerson(p, a.By) })
			if a.Verdict == Approve && eligible(rule, a.By) && !known {
				agreed = append(agreed, a.By)
			}
		}
		if more := max(rule.Count, 1) - len(agreed); more > 0 {
			rule.Count = more
			out = append(out, rule)
		}
	}
	return out
}
