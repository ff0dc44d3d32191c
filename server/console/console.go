package console

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/server/gateway"
)

// Desk is where requests are. See package approval for what its methods promise.
type Desk interface {
	List(ctx context.Context) ([]approval.Request, error)
	Recent(ctx context.Context, n int) ([]approval.Request, error)
	Get(ctx context.Context, id string) (approval.Request, error)
	Answer(ctx context.Context, id string, a approval.Answer) (approval.Request, error)
	Changes() <-chan struct{}
}

// Calls are those under way. See package gateway.
type Calls interface {
	Running() []gateway.Running
	Stop(ctx context.Context, id string, by policy.Principal, why string) (bool, error)
}

// Freezes are what is frozen. See package freeze.
type Freezes interface {
	List() []freeze.Freeze
	Set(ctx context.Context, f freeze.Freeze) error
	Lift(ctx context.Context, f freeze.Freeze) error
	Changes() <-chan struct{}
}

// Record is where sign-ins are noted.
type Record interface {
	Append(ctx context.Context, events ...recorder.Event) error
}

// Options are what a console is made of.
type Options struct {
	// Verify returns whom a token stands for.
	Verify  func(token string) (policy.Principal, error)
	Desk    Desk
	Calls   Calls
	Freezes Freezes
	Record  Record
	// Operators are the groups whose members may stop calls, freeze and thaw,
	// and see every request. None lets nobody.
	Operators []string
	// URL is how the site is reached where that is not the address that it
	// listens on; "" otherwise.
	URL string
	// Log is for the operator; nil discards.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Path is where the console is served.
const Path = "/console/"

//go:embed templates static
var files embed.FS

// Console is the pages. It is an http.Handler for everything under Path.
type Console struct {
	options  Options
	sessions *sessions
	// tries are the sign-ins that are looked at, streams the pages that follow
	// what changes.
	tries, streams *places
	// pause is how long a wrong token waits.
	pause  time.Duration
	pages  map[string]*template.Template
	routes *http.ServeMux
	log    *slog.Logger
	now    func() time.Time
}

// New makes a console. An error says that a template of ours is wrong.
func New(o Options) (*Console, error) {
	c := &Console{options: o, log: o.Log, now: o.Now, tries: newPlaces(64, 4), streams: newPlaces(256, 16), pause: wrongPause}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.sessions = newSessions(c.now)
	var err error
	if c.pages, err = parse(c.now); err != nil {
		return nil, err
	}
	return c, c.route()
}

// route says what is served. What is under members is for who has signed in.
func (c *Console) route() error {
	static, err := fs.Sub(files, "static")
	if err != nil {
		return err
	}
	m := http.NewServeMux()
	m.Handle("GET /console/static/", http.StripPrefix("/console/static/", http.FileServerFS(static)))
	m.HandleFunc("GET /console/signin", c.signIn)
	m.HandleFunc("POST /console/signin", c.signedIn)
	for pattern, page := range map[string]func(*visit) error{
		"GET /console/{$}":             c.inbox,
		"GET /console/approvals/{id}":  c.request,
		"POST /console/approvals/{id}": c.answer,
		"GET /console/history":         c.history,
		"GET /console/live":            c.live,
		"POST /console/live/stop":      c.stop,
		"GET /console/freeze":          c.freezes,
		"POST /console/freeze":         c.freeze,
		"POST /console/thaw":           c.thaw,
		"POST /console/signout":        c.signOut,
		"GET /console/events":          c.events,
	} {
		m.HandleFunc(pattern, c.members(page))
	}
	m.HandleFunc("/console/", c.members(func(*visit) error {
		return &failure{http.StatusNotFound, "There is no such page.", "Go to the inbox and on from there."}
	}))
	c.routes = m
	return nil
}

// contentPolicy lets a page load our own style and script, and nothing else.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// maxForm is the largest form that is read, in bytes.
const maxForm = 32 << 10

// ServeHTTP implements http.Handler. Whatever it answers has the same headers,
// and whatever changes something comes from a page of ours.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// Without a referrer a form would come from the origin "null".
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if !c.ours(r) {
			c.fail(w, r, nil, &failure{http.StatusForbidden, "This form was sent from another site, so nothing was done.", "Open the console itself and try again there."})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			c.fail(w, r, nil, &failure{http.StatusBadRequest, "The form could not be read, so nothing was done.", "Go back, shorten what you wrote, and send it again."})
			return
		}
	}
	c.routes.ServeHTTP(w, r)
}

// ours reports whether a form was sent by a page of this site. A browser says
// where it comes from, and who does not say is not let in.
func (c *Console) ours(r *http.Request) bool {
	if site := r.Header.Values("Sec-Fetch-Site"); len(site) > 0 && !slices.Equal(site, []string{"same-origin"}) {
		return false
	}
	origins := r.Header.Values("Origin")
	if len(origins) != 1 {
		return false
	}
	if c.options.URL != "" && strings.EqualFold(origins[0], origin(c.options.URL)) {
		return true
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	return strings.EqualFold(origins[0], scheme+r.Host)
}

// visit is one request by somebody who has signed in.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	session session
}

func (v *visit) who() policy.Principal { return v.session.principal }

// members serves a page to who has signed in, and sends others to do so. A form
// must have the session's own token.
func (c *Console) members(page func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, ok := c.sessionOf(r)
		switch {
		case ok && r.Method == http.MethodPost && !s.sent(r.PostForm.Get("csrf")):
			c.fail(w, r, &s, &failure{http.StatusForbidden, "This form is not from your session, so nothing was done.", "You may have signed in again since you opened it. Open the page anew and send it again."})
		case ok:
			v := &visit{w, r, s}
			if err := page(v); err != nil {
				c.fail(w, r, &s, err)
			}
		case r.Method == http.MethodGet && r.URL.Path == "/console/events":
			w.WriteHeader(http.StatusNoContent) // which tells a browser not to ask again
		case r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Site") == "cross-site":
			// A link from elsewhere comes without the cookie (SameSite=Strict).
			// The page that opens itself again gets it.
			c.render(w, http.StatusOK, "again", view{Title: "Opening"})
		case r.Method == http.MethodGet || r.Method == http.MethodHead:
			http.Redirect(w, r, signInFor(r.URL), http.StatusSeeOther)
		default:
			c.fail(w, r, nil, &failure{http.StatusForbidden, "You are not signed in, so nothing was done.", "Sign in, and do it again."})
		}
	}
}

// operates reports whether the person may stop and freeze.
func (c *Console) operates(p policy.Principal) bool {
	return p.Valid() && slices.ContainsFunc(p.Groups, func(g string) bool { return slices.Contains(c.options.Operators, g) })
}

// shows reports whether the person may see a request.
func (c *Console) shows(r *approval.Request, p policy.Principal) bool {
	return r.Eligible(p) || approval.SamePerson(r.Principal, p) || c.operates(p) ||
		slices.ContainsFunc(r.Answers, func(a approval.Answer) bool { return approval.SamePerson(a.By, p) })
}

// failure is what went wrong, told to the person, with what to do next.
type failure struct {
	status     int
	what, next string
}

func (f *failure) Error() string { return fmt.Sprintf("%d: %s %s", f.status, f.what, f.next) }
