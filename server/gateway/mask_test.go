package gateway

import (
	"context"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/tools"
)

// card is a value of the masked column, as an agent may have guessed it.
const card = "4111-1111-1111-1111"

// touching makes the target's actions compare the masked column with the card.
func touching(a *tools.Action) {
	a.Display, a.Blank, a.Params, a.Origins = "select where card = '"+card+"'", "select where card = ?", []string{card}, secretOrigin
}

func TestResultsAreMasked(t *testing.T) {
	s := newStage(t)
	s.rules.decision.Masks = masksSecret
	s.target.text = card
	for _, tool := range []string{"fake_read", "fake_write"} {
		r := s.call(tool)
		if r.Status != OK || strings.Contains(string(r.JSON()), card) {
			t.Errorf("%s: %s", tool, r.JSON())
		}
		if end := s.events(r.Call)[4]; end.Content.Text != string(r.Result) {
			t.Errorf("%s: the record has %q, and the caller %s", tool, end.Content.Text, r.Result)
		}
		s.hidden(tool, r, card)
	}
	s.rules.decision.Masks = nil
	if r := s.call("fake_read"); !strings.Contains(string(r.Result), card) {
		t.Errorf("without a mask: %s", r.Result)
	}
}

// TestSecretsAreScrubbed, wherever they stand and whatever policy says.
func TestSecretsAreScrubbed(t *testing.T) {
	s := newStage(t)
	secret := "ghp_" + strings.Repeat("a", 36)
	s.target.text = "found " + secret
	s.target.action = func(a *tools.Action) { a.Display, a.Params = "do "+secret, []string{secret} }
	s.hidden("a result", s.call("fake_read", `"reason":"use `+secret+`"`), secret)
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
		return nil, &tools.Failure{Message: "no " + secret, Plain: "no", Hint: "try " + secret}
	}
	s.hidden("a failure", s.call("fake_read"), secret)
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
		return nil, &tools.Refusal{Rule: "r", Reason: "no " + secret, Hint: "try " + secret}
	}
	s.hidden("a refusal", s.call("fake_read"), secret)
	s.target.describe = func(context.Context, tools.Request) error {
		return &tools.Refusal{Rule: "r", Reason: "no", Blank: "do " + secret}
	}
	s.hidden("what was not described", s.call("fake_read"), secret)
}

// TestLiteralsOfMaskedColumnsAreNotStored makes calls that hold a value of a
// masked column end in every way.
func TestLiteralsOfMaskedColumnsAreNotStored(t *testing.T) {
	masked := policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "all"}}, Masks: masksSecret}
	denied := policy.Decision{Rules: []policy.Rule{{Name: "no"}}, Masks: masksSecret}
	fault := policy.Decision{Fault: "it timed out"}
	refused := func(context.Context, tools.Request) error {
		return &tools.Refusal{Rule: "syntax", Reason: "no", Blank: "select ?"}
	}
	for name, c := range map[string]struct {
		decision policy.Decision
		set      func(*stage)
		tool     string
	}{
		"it runs":                      {decision: masked, tool: "fake_write"},
		"it is denied":                 {decision: denied, tool: "fake_write"},
		"policy could not decide":      {decision: fault, tool: "fake_write"},
		"it is worse than its tool":    {decision: masked, tool: "fake_read", set: func(s *stage) { s.target.action = func(a *tools.Action) { touching(a); a.Effect = tools.Write } }},
		"it could not be described":    {decision: masked, tool: "fake_read", set: func(s *stage) { s.target.describe = refused }},
		"it holds a secret in any way": {tool: "fake_read", decision: policy.Decision{Outcome: policy.Allow}, set: func(s *stage) { s.target.action = func(a *tools.Action) { touching(a); a.Secret = true } }},
		"the target quotes it": {decision: masked, tool: "fake_write", set: func(s *stage) {
			s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
				return nil, &tools.Failure{Code: "23505", Message: "the key " + card + " is there", Plain: "the key is there", Hint: "not " + card}
			}
		}},
		"it is a dry run": {decision: masked, tool: "fake_write", set: func(s *stage) { s.rules.decision.Limits.Rows = 1 }},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.rules.decision, s.target.action = c.decision, touching
			if c.set != nil {
				c.set(s)
			}
			args := []string{`"do":"` + card + `"`}
			if name == "it is a dry run" {
				args = append(args, `"dry_run":true`)
			}
			r := s.call(c.tool, args...)
			s.hidden(name, r, card)
			for _, e := range s.events(r.Call) {
				if d, ok := e.Body.(recorder.Described); ok && (d.Action.Display != "select where card = ?" || len(d.Params) != 1 || d.Params[0] != "?") {
					t.Errorf("described as %+v", d)
				}
			}
		})
	}
}

// TestLiteralsAreStoredWhereNothingIsMasked: the record is worth its disk.
func TestLiteralsAreStoredWhereNothingIsMasked(t *testing.T) {
	s := newStage(t)
	s.target.action = touching
	s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
		return nil, &tools.Failure{Message: "écrit " + card, Plain: "no", Hint: "look"}
	}
	r := s.call("fake_write")
	d, ok := s.events(r.Call)[1].Body.(recorder.Described)
	if !ok || !strings.Contains(d.Action.Display, card) || d.Params[0] != card {
		t.Errorf("described as %+v", d)
	}
	if r.Message != "Écrit "+card+"." || r.Hint != "look" {
		t.Errorf("the caller is told %q, %q", r.Message, r.Hint)
	}
	for message, want := range map[string]string{"": ".", ".": ".", " x. ": "X.", "\xff": "\xff."} {
		s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
			return nil, &tools.Failure{Message: message, Plain: message}
		}
		if r := s.call("fake_read"); r.Message != want || r.Status != Failed {
			t.Errorf("%q becomes %+v", message, r)
		}
	}
}

// madeOfSecret is what is computed from the column that tests mask.
var madeOfSecret = tools.Origins{Known: secretOrigin.Known, Made: secretOrigin.Known}

func masksSecretAs(with string) obligation.Masks {
	return obligation.Masks{{Columns: []string{"public.people.card"}, With: with}}
}

// TestMaskedValuesAreNotCopied to where no mask follows, or one that leaves more.
func TestMaskedValuesAreNotCopied(t *testing.T) {
	elsewhere := tools.Origins{Known: []tools.Origin{"public.notes.text"}}
	for name, c := range map[string]struct {
		masks  obligation.Masks
		flow   tools.Flow
		denied bool
	}{
		"to another column":      {masksSecret, tools.Flow{From: secretOrigin, To: elsewhere}, true},
		"to nobody knows where":  {masksSecret, tools.Flow{From: secretOrigin}, true},
		"to itself":              {masksSecret, tools.Flow{From: secretOrigin, To: secretOrigin}, false},
		"what is not masked":     {masksSecret, tools.Flow{From: elsewhere, To: elsewhere}, false},
		"where nothing is":       {nil, tools.Flow{From: secretOrigin, To: elsewhere}, false},
		"to itself, changed":     {masksSecretAs("partial"), tools.Flow{From: madeOfSecret, To: secretOrigin}, true},
		"to itself, as it is":    {masksSecretAs("partial"), tools.Flow{From: secretOrigin, To: secretOrigin}, false},
		"to itself, all hidden":  {masksSecretAs("redact"), tools.Flow{From: madeOfSecret, To: secretOrigin}, false},
		"to one masked less":     {append(masksSecretAs("hash"), obligation.Mask{Columns: []string{"public.notes.text"}, With: "partial"}), tools.Flow{From: secretOrigin, To: elsewhere}, true},
		"to one masked like it":  {append(masksSecretAs("null"), obligation.Mask{Columns: []string{"public.notes.text"}, With: "redact"}), tools.Flow{From: secretOrigin, To: elsewhere}, false},
		"to one that is masked,": {append(masksSecret, obligation.Mask{Columns: []string{"public.notes.text"}, With: "null"}), tools.Flow{From: secretOrigin, To: elsewhere}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.rules.decision.Masks = c.masks
			s.target.action = func(a *tools.Action) { a.Flows = []tools.Flow{c.flow} }
			r := s.call("fake_write")
			if (r.Rule == "mask") != c.denied || c.denied && (r.Status != Refused || !strings.Contains(r.Message, "public.people.card")) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// unsound is a family's result that would break the message it is put into.
type unsound struct {
	*result
	content string
}

func (u unsound) MarshalJSON() ([]byte, error) { return []byte(u.content), nil }

func TestResultsAreJSONOfOneLine(t *testing.T) {
	for _, content := range []string{"", "{", `{"a":1}}`, "{\n}", `{"a":"` + "\n" + `"}`} {
		s := newStage(t)
		s.target.run = func(context.Context, tools.Gate) (tools.Result, error) {
			return unsound{&result{target: s.target}, content}, nil
		}
		if r := s.call("fake_read"); r.Status != Failed || r.Result != nil {
			t.Errorf("%q: %+v", content, r)
		}
	}
}
