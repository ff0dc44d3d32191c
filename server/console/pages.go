package console

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/server/gateway"
)

// view is what every page shows.
type view struct {
	Title string
	// Page is the entry of the menu that the page is.
	Page string
	// Who has signed in; nil where nobody has.
	Who      *policy.Principal
	CSRF     string
	Operator bool
	// Frozen is what everybody should know of what is frozen.
	Frozen []freeze.Freeze
	Data   any
}

// render writes a page, or tells that it could not be made.
func (c *Console) render(w http.ResponseWriter, status int, name string, v view) {
	var page bytes.Buffer
	if err := c.pages[name].ExecuteTemplate(&page, "layout", v); err != nil {
		c.log.Error("a page could not be made", "page", name, "error", err)
		http.Error(w, "The page could not be made. Tell the operator to look at the log.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

// view is the page of who has signed in.
func (c *Console) view(s session, title, page string, data any) view {
	v := view{Title: title, Page: page, Who: &s.principal, CSRF: s.csrf, Operator: c.operates(s.principal), Data: data}
	for _, f := range c.options.Freezes.List() {
		if v.Operator || concerns(f, s.principal) {
			v.Frozen = append(v.Frozen, f)
		}
	}
	return v
}

// concerns reports whether a freeze is to be told to who is no operator.
func concerns(f freeze.Freeze, p policy.Principal) bool {
	return f.Scope == freeze.Everything || f.Scope == freeze.Connection || f.Scope == freeze.Principal && f.Name == p.Subject
}

func (c *Console) show(v *visit, title, page string, data any) error {
	c.render(v.w, http.StatusOK, page, c.view(v.session, title, page, data))
	return nil
}

// fail tells what went wrong and what to do next. What is not meant for the
// person goes to the log.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, s *session, err error) {
	f := explain(err)
	if f == nil {
		c.log.Error("a page of the console failed", "path", r.URL.Path, "error", err)
		f = &failure{http.StatusInternalServerError, "Something went wrong here, and it may not have been done.", "Look at the page again. If it stays, tell the operator to look at the log."}
	}
	v := view{Title: "That did not work"}
	if s != nil {
		v = c.view(*s, "That did not work", "", nil)
	}
	v.Data = failurePage{f.what, f.next, pageOf(r.URL.Path)}
	c.render(w, f.status, "failure", v)
}

// failurePage is a failure as the page shows it.
type failurePage struct{ What, Next, Path string }

// pageOf is the page that has the form of an address.
func pageOf(path string) string {
	switch path {
	case "/console/live/stop":
		return "/console/live"
	case "/console/thaw":
		return "/console/freeze"
	case "/console/signout":
		return Path
	}
	return path
}

// explain is the table of errors; nil is for those that nobody should see.
func explain(err error) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, recorder.ErrNotFound):
		return errNoRequest()
	case errors.Is(err, approval.ErrEnded):
		return &failure{http.StatusConflict, sentence(err), "Look at the request to see how it ended. If the call is still wanted, it has to be made again."}
	case errors.Is(err, approval.ErrSelf):
		return &failure{http.StatusForbidden, sentence(err), "Ask one of the people whom the rule names."}
	case errors.Is(err, approval.ErrNotEligible):
		return &failure{http.StatusForbidden, sentence(err), "Ask one of the people whom the rule names."}
	case errors.Is(err, approval.ErrTwice):
		return &failure{http.StatusConflict, sentence(err), "Somebody else has to agree as well."}
	case errors.Is(err, approval.ErrOutdated):
		return &failure{http.StatusConflict, sentence(err), "Open it anew, read what it would do now, and answer then."}
	case errors.Is(err, recorder.ErrUnavailable):
		return &failure{http.StatusServiceUnavailable, "It could not be recorded, so it was not done.", "Tell the operator: the record can't be written."}
	}
	return nil
}

func errNoRequest() *failure {
	return &failure{http.StatusNotFound, "There is no such request, or it is not for you to see.", "Check the link, and that you are signed in as the right person."}
}

// sentence is an error's text as one.
func sentence(err error) string {
	text := []rune(err.Error())
	return string(bytes.ToUpper([]byte(string(text[:1])))) + string(text[1:]) + "."
}

// maxListed bounds lists.
const maxListed = 200

type inboxPage struct {
	// Yours wait for you, Others for somebody else.
	Yours, Others []approval.Request
	More          int
}

func (c *Console) inbox(v *visit) error {
	open, err := c.options.Desk.List(v.r.Context())
	if err != nil {
		return err
	}
	var page inboxPage
	for i := range open {
		r := &open[i]
		switch {
		case !c.shows(r, v.who()):
		case len(page.Yours)+len(page.Others) >= maxListed:
			page.More++
		case c.wants(r, v.who()):
			page.Yours = append(page.Yours, *r)
		default:
			page.Others = append(page.Others, *r)
		}
	}
	return c.show(v, "Inbox", "inbox", page)
}

// wants reports whether the request waits for the person.
func (c *Console) wants(r *approval.Request, p policy.Principal) bool {
	return r.Phase == approval.Requested && c.now().Before(r.Expires) && r.Eligible(p) && !answered(r, p)
}

func answered(r *approval.Request, p policy.Principal) bool {
	return slices.ContainsFunc(r.Answers, func(a approval.Answer) bool { return approval.SamePerson(a.By, p) })
}

func (c *Console) history(v *visit) error {
	list, err := c.seen(v.r.Context(), v.who())
	if err != nil {
		return err
	}
	return c.show(v, "History", "history", list[:min(len(list), maxListed)])
}

// maxRecent is how far back the lists look.
const maxRecent = 1000

// seen are the latest requests that the person may see, the newest first.
func (c *Console) seen(ctx context.Context, p policy.Principal) ([]approval.Request, error) {
	list, err := c.options.Desk.Recent(ctx, maxRecent)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(r approval.Request) bool { return !c.shows(&r, p) })
	slices.SortStableFunc(list, func(a, b approval.Request) int { return cmp.Compare(b.ID, a.ID) })
	return list, nil
}

func (c *Console) live(v *visit) error {
	return c.show(v, "Live calls", "live", c.running(v.who()))
}

// running are the calls that the person may see: their own, or for an operator all.
func (c *Console) running(p policy.Principal) []gateway.Running {
	calls := c.options.Calls.Running()
	if c.operates(p) {
		return calls
	}
	return slices.DeleteFunc(calls, func(r gateway.Running) bool { return !approval.SamePerson(r.Principal, p) })
}

type freezePage struct{ Scope, Name string }

func (c *Console) freezes(v *visit) error {
	q := v.r.URL.Query()
	return c.show(v, "Freeze", "freeze", freezePage{q.Get("scope"), q.Get("name")})
}
