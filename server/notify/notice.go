package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/tools"
)

// Requested is the kind of a notice of a new request.
const Requested = "approval.requested"

// Notice is what a webhook gets. Its fields stay; later versions may add some.
type Notice struct {
	// ID is the same however often the notice is sent.
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// Approval is the id of the request.
	Approval   string    `json:"approval"`
	Principal  Person    `json:"principal"`
	Connection string    `json:"connection"`
	Tool       string    `json:"tool"`
	Verb       string    `json:"verb"`
	Rules      []Rule    `json:"rules"`
	Reason     string    `json:"reason,omitempty"`
	Preview    *Counts   `json:"preview,omitempty"`
	Asked      time.Time `json:"asked"`
	Expires    time.Time `json:"expires"`
	// URL is where to sign in and answer, where that is known.
	URL string `json:"url,omitempty"`
}

// Person is who asks.
type Person struct {
	Subject string `json:"subject"`
	Name    string `json:"name,omitempty"`
	Issuer  string `json:"issuer"`
}

// Rule is one that holds the call.
type Rule struct {
	Rule   string   `json:"rule"`
	Groups []string `json:"groups"`
	Count  int      `json:"count"`
}

// Counts are what the call would change, without a row of it.
type Counts struct {
	Measured bool           `json:"measured"`
	Rows     int64          `json:"rows"`
	Changes  []tools.Change `json:"changes"`
	Warnings int            `json:"warnings"`
}

// notice is the notice of a request.
func notice(r *approval.Request, id, console string) Notice {
	n := Notice{
		ID: id, Kind: Requested, Approval: r.ID, Principal: person(r.Principal), Connection: r.Connection.Name,
		Tool: r.Tool, Verb: r.Action.Verb, Reason: r.Reason, Asked: r.Asked, Expires: r.Expires,
	}
	for _, rule := range r.Rules {
		n.Rules = append(n.Rules, Rule{rule.Rule, rule.Groups, max(rule.Count, 1)})
	}
	if p := r.Preview; p != nil {
		n.Preview = &Counts{p.Measured, p.Rows, p.Changes, len(p.Warnings)}
	}
	if console != "" {
		n.URL = console + "/approvals/" + r.ID
	}
	return n
}

func person(p policy.Principal) Person { return Person{p.Subject, p.Name, p.Issuer} }

// Kind is that of the standings that hold notices.
const Kind = "notice"

// The phases of a notice.
const (
	waiting = "waiting"
	sent    = "sent"
	givenUp = "given_up"
)

// parcel is a notice on its way to one target.
type parcel struct {
	Target string    `json:"target"`
	Made   time.Time `json:"made"`
	// Tries is how often it was sent, or was about to be.
	Tries  int    `json:"tries"`
	Notice Notice `json:"notice"`
}

// standing is a parcel in the outbox.
func (p parcel) standing(phase string, due time.Time, version int64) (recorder.Standing, error) {
	data, err := json.Marshal(p)
	return recorder.Standing{Kind: Kind, ID: p.Notice.ID, Phase: phase, Due: due, Version: version, Data: data}, err
}

// escape makes a text one that Slack shows as it is.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", " ", "\r", " ")

// maxSaid bounds what is told of a text that the caller wrote.
const maxSaid = 300

func said(text string) string {
	if len(text) > maxSaid {
		text = strings.ToValidUTF8(text[:maxSaid], "") + "…"
	}
	return escape.Replace(tools.Visible(text))
}

// slack is the notice as a message.
func (n Notice) slack() map[string]string {
	var rules []string
	for _, r := range n.Rules {
		rules = append(rules, fmt.Sprintf("%s (%d of %s)", said(r.Rule), r.Count, said(strings.Join(r.Groups, " or "))))
	}
	text := fmt.Sprintf("*%s* asks for approval: %s on %s, held by %s.", said(n.Principal.Subject), said(n.Verb), said(n.Connection), strings.Join(rules, ", "))
	if n.Reason != "" {
		// As code, in which Slack makes no link of what the caller wrote.
		text += "\nWhy: `" + strings.ReplaceAll(said(n.Reason), "`", "'") + "`"
	}
	if n.Preview != nil {
		var parts []string
		for _, c := range n.Preview.Changes {
			parts = append(parts, fmt.Sprintf("%s %d in %s", said(c.Verb), c.Count, said(c.Name)))
		}
		if len(parts) > 0 {
			text += "\nIt would " + strings.Join(parts, ", ") + "."
		}
	}
	text += fmt.Sprintf("\nUntil %s, as %s.", n.Expires.UTC().Format("2006-01-02 15:04 MST"), n.Approval)
	if n.URL != "" {
		text += " <" + escape.Replace(n.URL) + "|Sign in and answer>"
	}
	return map[string]string{"text": text}
}
