package replay

import (
	"fmt"
	"strings"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
)

// Person is how somebody is called.
func Person(p policy.Principal) string {
	who := Printable(p.Subject)
	if name := Printable(p.Name); name != "" && name != who {
		who = fmt.Sprintf("%s (%s)", name, who)
	}
	return who
}

// Rules names the people that rules want.
func Rules(rules []obligation.Approve) string {
	var out []string
	for _, r := range rules {
		people := "1 person"
		if r.Count > 1 {
			people = fmt.Sprintf("%d people", r.Count)
		}
		out = append(out, fmt.Sprintf("%s of %s (%s)", people, Printable(strings.Join(r.Groups, " or ")), Printable(r.Rule)))
	}
	return strings.Join(out, " and ")
}

// asked prints the events of a call that people are asked about. It reports
// whether the event is one.
func (p *printer) asked(e recorder.Event) (bool, error) {
	s := p.options.Style
	switch b := e.Body.(type) {
	case recorder.Previewed:
		return true, p.previewed(b)
	case recorder.Confirmed:
		return true, p.line(inCall, "the person at the client: %s", Printable(b.Answer))
	case recorder.Pending:
		return true, p.line(inCall, "%s until %s, as %s", s.Warn("waits for approval"), b.Until.Format(time.DateTime), Printable(b.Approval))
	case recorder.Stopped:
		return true, p.line(inCall, "%s by %s%s", s.Bad("stopped"), Person(b.By), because(b.Why))
	case recorder.ApprovalRequested:
		return true, p.line(inCall, "asks for approval by %s, until %s, as %s", Rules(b.Rules), b.Expires.Format(time.DateTime), Printable(b.Approval))
	case recorder.ApprovalAnswered:
		return true, p.answered(e, b)
	case recorder.ApprovalEnded:
		return true, p.line(inCall, "%s request %s %s%s", p.at(e), Printable(b.Approval), s.Warn(Printable(b.Phase)), because(b.Why))
	case recorder.ApprovalSpent:
		return true, p.line(inCall, "runs by the approval %s", Printable(b.Approval))
	}
	return false, nil
}

// steered prints what operators do. It reports whether the event is one.
func (p *printer) steered(e recorder.Event) (bool, error) {
	switch b := e.Body.(type) {
	case recorder.Frozen:
		return true, p.line(noIndent, "%s %s %s by %s%s", p.at(e), Printable(scope(b.Scope, b.Name)), p.options.Style.Bad("frozen"), Person(b.By), because(b.Why))
	case recorder.Thawed:
		return true, p.line(noIndent, "%s %s %s by %s", p.at(e), Printable(scope(b.Scope, b.Name)), p.options.Style.Good("thawed"), Person(b.By))
	case recorder.SignedIn:
		return true, p.line(noIndent, "%s %s signed in to the console", p.at(e), Person(b.Principal))
	}
	return false, nil
}

func scope(scope, name string) string { return strings.TrimSpace(scope + " " + name) }

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + Printable(why)
}

func (p *printer) previewed(b recorder.Previewed) error {
	if err := p.line(inCall, "%s", p.options.Style.Dim("it would:")); err != nil {
		return err
	}
	var out strings.Builder
	if err := Preview(&out, &b.Preview, p.options.Style); err != nil {
		return err
	}
	return p.quote(out.String())
}

func (p *printer) answered(e recorder.Event, b recorder.ApprovalAnswered) error {
	verdict := p.options.Style.Bad("denied")
	if b.Verdict == "approve" {
		verdict = p.options.Style.Good("approved")
	}
	return p.line(inCall, "%s %s by %s, by %s%s", p.at(e), verdict, Person(b.By), Printable(b.Via), because(b.Comment))
}
