package console

import (
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
)

// signIn shows the form.
func (c *Console) signIn(w http.ResponseWriter, r *http.Request) {
	next := whereTo(r.URL.Query().Get("next"))
	if _, ok := c.sessionOf(r); ok {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	c.render(w, http.StatusOK, "signin", view{Title: "Sign in", Data: signInPage{Next: next}})
}

type signInPage struct {
	Next, Problem string
}

// signedIn takes the form. A wrong token is answered after a while, and only so
// many are taken at a time.
func (c *Console) signedIn(w http.ResponseWriter, r *http.Request) {
	next := whereTo(r.PostForm.Get("next"))
	again := func(status int, problem string) {
		c.render(w, status, "signin", view{Title: "Sign in", Data: signInPage{next, problem}})
	}
	leave, ok := c.tries.enter(hostOf(r.RemoteAddr))
	if !ok {
		w.Header().Set("Retry-After", "2")
		again(http.StatusTooManyRequests, "There are too many attempts at a time. Wait a few seconds and try again.")
		return
	}
	defer leave()
	p, err := c.options.Verify(strings.TrimSpace(r.PostForm.Get("token")))
	if err != nil || !p.Valid() {
		c.log.Warn("a sign-in to the console failed", "from", r.RemoteAddr)
		time.Sleep(c.pause) // in their place, even if they hang up
		again(http.StatusForbidden, "This token is not known. Check that you have copied all of it; the operator makes one with `chaperone token`.")
		return
	}
	if err := c.options.Record.Append(r.Context(), recorder.Event{Body: recorder.SignedIn{Principal: p}}); err != nil {
		c.log.Error("a sign-in could not be recorded", "error", err)
		again(http.StatusServiceUnavailable, "Your sign-in could not be recorded, and without that nobody is let in. Tell the operator to look at the log.")
		return
	}
	if old, ok := c.sessionOf(r); ok {
		c.sessions.close(old.key)
	}
	http.SetCookie(w, c.cookie(r, c.sessions.open(p), sessionLife))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (c *Console) signOut(v *visit) error {
	c.sessions.close(v.session.key)
	http.SetCookie(v.w, c.cookie(v.r, "", 0))
	http.Redirect(v.w, v.r, "/console/signin", http.StatusSeeOther)
	return nil
}

// signInFor is the address of the form, that leads back to a page.
func signInFor(u *url.URL) string {
	if u.Path == Path {
		return "/console/signin"
	}
	return "/console/signin?" + url.Values{"next": {u.Path}}.Encode()
}

// whereTo is a page of ours, whatever was asked for.
func whereTo(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.Contains(next, `\`) {
		return Path
	}
	clean := path.Clean("/" + u.Path)
	if !strings.HasPrefix(clean, Path) || clean == "/console/signin" || clean == "/console/events" {
		return Path
	}
	return (&url.URL{Path: clean}).String()
}

// origin is scheme and host of an address.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// wrongPause is how long a wrong token waits for its answer. Tokens can't be
// guessed; this keeps those who try from being many.
const wrongPause = time.Second

// places bound what goes on at a time, in all and for one name.
type places struct {
	mu        sync.Mutex
	all, each int
	taken     map[string]int
	count     int
}

func newPlaces(all, each int) *places { return &places{all: all, each: each, taken: map[string]int{}} }

// enter takes a place. leave gives it back.
func (p *places) enter(name string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count >= p.all || p.taken[name] >= p.each {
		return nil, false
	}
	p.count++
	p.taken[name]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.count--
		if p.taken[name]--; p.taken[name] == 0 {
			delete(p.taken, name)
		}
	}, true
}

// hostOf is the host of an address.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
