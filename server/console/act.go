package console

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
)

// maxComment bounds what an approver may say, as the desk does.
const maxComment = 2000

// answer takes what a person says to a request.
func (c *Console) answer(v *visit) error {
	id := v.r.PathValue("id")
	r, err := c.options.Desk.Get(v.r.Context(), id)
	if err != nil {
		return err
	}
	if !c.shows(&r, v.who()) {
		return errNoRequest()
	}
	form := v.r.PostForm
	a := approval.Answer{
		By: v.who(), Verdict: approval.Verdict(form.Get("verdict")), Comment: form.Get("comment"),
		Via: "console", Seen: form.Get("preview"),
	}
	switch {
	case a.Verdict != approval.Approve && a.Verdict != approval.Deny:
		return &failure{http.StatusBadRequest, "The form says neither approve nor deny, so nothing was done.", "Open the request anew and use one of its buttons."}
	case len(a.Comment) > maxComment:
		return &failure{http.StatusBadRequest, "The comment is too long, so nothing was done.", "Go back, shorten it to 2000 bytes, and send it again."}
	case !utf8.ValidString(a.Comment):
		return &failure{http.StatusBadRequest, "The comment is not text in UTF-8, so nothing was done.", "Go back, write it anew, and send it again."}
	}
	if _, err := c.options.Desk.Answer(v.r.Context(), id, a); err != nil {
		return err
	}
	return v.done("/console/approvals/" + r.ID)
}

// done leads to a page after a form, so that it is not sent twice.
func (v *visit) done(where string) error {
	http.Redirect(v.w, v.r, where, http.StatusSeeOther)
	return nil
}

// operators lets operators go on.
func (c *Console) operators(v *visit) error {
	switch {
	case c.operates(v.who()):
		return nil
	case len(c.options.Operators) == 0:
		return &failure{http.StatusForbidden, "Nobody may stop calls or freeze here.", "The operator names groups under approvals.operators in the configuration. From a terminal, `chaperone freeze` works."}
	}
	return &failure{http.StatusForbidden, "You may not stop calls or freeze.", "Ask somebody of " + strings.Join(c.options.Operators, " or ") + "."}
}

func (c *Console) stop(v *visit) error {
	if err := c.operators(v); err != nil {
		return err
	}
	found, err := c.options.Calls.Stop(v.r.Context(), v.r.PostForm.Get("call"), v.who(), "")
	if err == nil && !found {
		err = &failure{http.StatusConflict, "There is no such call under way: it has ended already.", "Look at the live calls again."}
	}
	if err != nil {
		return err
	}
	return v.done("/console/live")
}

// frozen is the freeze that a form is about.
func (c *Console) frozen(v *visit) (freeze.Freeze, error) {
	if err := c.operators(v); err != nil {
		return freeze.Freeze{}, err
	}
	form := v.r.PostForm
	f := freeze.Freeze{
		Scope: freeze.Scope(form.Get("scope")), Name: strings.TrimSpace(form.Get("name")),
		By: v.who(), Why: strings.TrimSpace(form.Get("why")), At: c.now().UTC(),
	}
	var problem string
	switch {
	case !slices.Contains(scopes, f.Scope):
		problem = "Everything can be frozen, or a principal, a session or a connection; this is none of them."
	case f.Scope == freeze.Everything && f.Name != "":
		problem = "To freeze everything, name nothing in particular."
	case f.Scope != freeze.Everything && f.Name == "":
		problem = "It is not said which " + string(f.Scope) + " is meant."
	case len(f.Why) > maxFreeze || len(f.Name) > maxFreeze:
		problem = "That is too long: 500 bytes are the most."
	default:
		return f, nil
	}
	return f, &failure{http.StatusBadRequest, problem, "Nothing was done. Go back, and fill in the form anew."}
}

// maxFreeze bounds what a freeze may say, as the board does.
const maxFreeze = 500

var scopes = []freeze.Scope{freeze.Everything, freeze.Principal, freeze.Session, freeze.Connection}

func (c *Console) freeze(v *visit) error {
	f, err := c.frozen(v)
	if err == nil {
		err = c.options.Freezes.Set(v.r.Context(), f)
	}
	if err != nil {
		return err
	}
	return v.done("/console/freeze")
}

func (c *Console) thaw(v *visit) error {
	f, err := c.frozen(v)
	if err == nil {
		err = c.options.Freezes.Lift(v.r.Context(), f)
	}
	if err != nil {
		return err
	}
	return v.done("/console/freeze")
}
