package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/tools"
)

const attack = `<script>document.title="owned"</script><img src=x onerror=alert(1)>"'`

// attacked is a request with an attack in every text that it has.
func attacked(r *approval.Request) {
	r.Reason, r.Tool, r.Session, r.Call, r.Params = attack, attack, attack, attack, []string{attack}
	r.Client = policy.Client{Name: attack, Version: attack}
	r.Principal.Name, r.Principal.Groups = attack, []string{attack}
	r.Connection = policy.Connection{Name: attack, Family: attack, Labels: map[string]string{attack: attack}}
	r.Rules = obligation.Approvals{{Rule: attack, Message: attack, Groups: []string{"dba", attack}, Count: 1}}
	facts, _ := json.Marshal(map[string]any{"fingerprint": "f", attack: attack, "tables": []any{map[string]string{"name": attack}}})
	r.Action = recorder.Action{Verb: attack, Display: attack, Facts: facts}
	where := tools.Target{Kind: attack, Name: attack}
	r.Preview = &tools.Preview{
		Impact:  tools.Impact{Rows: 1, Changes: []tools.Change{{Target: where, Verb: attack, Count: 1}}, Dependents: []tools.Target{where}},
		Samples: []tools.Sample{{Target: where, Columns: []string{attack}, Before: [][]string{{"x"}}, After: [][]string{{attack}}}},
		Diff:    attack, Warnings: []string{attack},
	}
}

// TestListsAreBrief: long statements do not make the lists too long to be read;
// the page of a request has all of its.
func TestListsAreBrief(t *testing.T) {
	s := newSite(t)
	const end = "THE END"
	r := s.ask(func(r *approval.Request) {
		r.Action.Display, r.Reason = strings.Repeat("\u3164", 20_000)+end, strings.Repeat("because ", 200)+end
	})
	v := s.as("bo-token")
	for _, list := range []string{"/console/", "/console/history"} {
		if page := v.get(list).body; len(page) > 200_000 || !strings.Contains(page, r.ID) || strings.Contains(page, end) {
			t.Errorf("%s has %d bytes", list, len(page))
		}
	}
	if page := v.get("/console/approvals/" + r.ID).body; strings.Count(page, end) != 2 {
		t.Error("the page of the request does not show all of it")
	}
}

func TestCommentIsText(t *testing.T) {
	s := newSite(t)
	path := "/console/approvals/" + s.ask().ID
	v := s.as("bo-token")
	v.post(path, v.form(path, "verdict", "approve", "comment", "\xff")).says(t, http.StatusBadRequest)
	v.post(path, v.form(path, "verdict", "approve", "comment", "é")).says(t, http.StatusOK)
}

func TestEverythingIsText(t *testing.T) {
	s := newSite(t)
	r, _ := s.ask(attacked), s.ask(attacked)
	v := s.as("bo-token")
	path := "/console/approvals/" + r.ID
	v.post(path, v.form(path, "verdict", "approve", "comment", attack)).says(t, http.StatusOK)
	if err := s.freezes.Set(t.Context(), freeze.Freeze{Scope: freeze.Connection, Name: attack, Why: attack, By: person(attack, attack, attack)}); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{path, "/console/", "/console/history", "/console/freeze", "/console/signin?next=" + url.QueryEscape(attack)} {
		body := v.get(page).body
		for _, live := range []string{"<script>", "<img src=x", "onerror=alert(1)>"} {
			if strings.Contains(body, live) {
				t.Errorf("%s has %s", page, live)
			}
		}
		if !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s does not show the text", page)
		}
	}
}

func TestHiddenCharactersAreShown(t *testing.T) {
	for text, want := range map[string]string{
		"plain äöü 漢字 😀":  "plain äöü 漢字 😀",
		"a\u202eb":        "a[U+202E]b",
		"a\u200bb\x00":    "a[U+200B]b[U+0000]",
		"a\u00a0b\u3164":  "a[U+00A0]b[U+3164]",
		"\xff\u2066":      "[byte FF][U+2066]",
		"a\nb\r":          "a[U+000A]b[U+000D]",
		"tag\U000e0041":   "tag[U+E0041]",
		"v\ufe0f\u2028\t": "v[U+FE0F][U+2028][U+0009]",
	} {
		var got strings.Builder
		for _, s := range segments(text, false) {
			if s.Odd {
				s.Text = "[" + s.Text + "]"
			}
			got.WriteString(s.Text)
		}
		if got.String() != want {
			t.Errorf("%q is shown as %q, want %q", text, got.String(), want)
		}
	}
	if s := segments("a\n\tb", true); len(s) != 1 || s[0].Odd {
		t.Errorf("lines are shown as %v", s)
	}
	s := newSite(t)
	r := s.ask(func(r *approval.Request) { r.Action.Display = "delete from \u202esredro" })
	s.as("bo-token").get("/console/approvals/"+r.ID).says(t, http.StatusOK, ">U&#43;202E</mark>")
}
