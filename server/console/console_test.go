package console

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/tools"
)

var pages = []string{"/console/", "/console/history", "/console/live", "/console/freeze", "/console/approvals/x", "/console/nowhere"}

func TestSignInIsNeeded(t *testing.T) {
	s := newSite(t)
	v := s.visitor()
	for _, path := range pages {
		r := v.get(path, func(r *http.Request) { r.Header.Set("Authorization", "Bearer bo-token") })
		if r.Request.URL.Path != "/console/signin" {
			t.Errorf("%s is shown to nobody, or to a bearer token: %s", path, r.Request.URL)
		}
	}
	v.post("/console/freeze", url.Values{"scope": {"everything"}}).says(t, http.StatusForbidden, "not signed in")
	if r := v.get("/console/events"); r.StatusCode != http.StatusNoContent {
		t.Errorf("the stream answers %d", r.StatusCode)
	}
	v.post("/console/signin", url.Values{"token": {"wrong"}}).says(t, http.StatusForbidden, "This token is not known")
	if r := v.get("/"); r.Request.URL.Path != "/console/signin" {
		t.Errorf("/ leads to %s", r.Request.URL)
	}
	// A link from another site comes without the cookie, and is opened again.
	v.get("/console/approvals/x", func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }).says(t, http.StatusOK, `http-equiv="refresh"`)
}

func TestCookie(t *testing.T) {
	for address, want := range map[string]string{
		"":                          "chaperone",
		"https://gate.example.com/": "__Host-chaperone",
	} {
		s := newSite(t, func(o *Options) { o.URL = address })
		v := s.visitor()
		v.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		r := v.post("/console/signin", url.Values{"token": {"bo-token"}, "next": {"/console/approvals/01X"}})
		if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/console/approvals/01X" || len(r.Cookies()) != 1 {
			t.Fatalf("the sign-in answers %d %v", r.StatusCode, r.Header)
		}
		c := r.Cookies()[0]
		if c.Name != want || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Secure != (address != "") || c.MaxAge != 12*3600 || c.Domain != "" || len(c.Value) < 40 {
			t.Errorf("the cookie is %+v", c)
		}
		if strings.Contains(c.Value, "bo") || strings.Contains(c.Value, "token") {
			t.Errorf("the cookie tells %q", c.Value)
		}
	}
}

func TestSignInIsRecorded(t *testing.T) {
	s := newSite(t)
	s.as("bo-token")
	for e, err := range s.reader.Events(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if in, ok := e.Body.(recorder.SignedIn); ok && in.Principal.Subject == "bo" {
			return
		}
	}
	t.Error("the sign-in is not on record")
}

func TestCookieDoesNotOpenMCP(t *testing.T) {
	s := newSite(t)
	v := s.as("bo-token")
	jar, _ := v.http.Jar.(*cookiejar.Jar)
	u := must(url.Parse(s.url + "/console/"))(t)
	r := v.post("/mcp", nil, func(r *http.Request) {
		r.Header.Set("Content-Type", "application/json")
		for _, c := range jar.Cookies(u) {
			r.AddCookie(c)
			r.Header.Set("Authorization", "Bearer "+c.Value)
		}
	})
	if r.StatusCode != http.StatusUnauthorized {
		t.Errorf("a cookie opens /mcp: %d", r.StatusCode)
	}
}

func TestSessionsEnd(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	later := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	s := newSite(t, func(o *Options) {
		o.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
	})
	v := s.as("bo-token")
	later(sessionLife - time.Minute)
	v.get("/console/").says(t, http.StatusOK, "Nothing waits for you")
	later(2 * time.Minute)
	if r := v.get("/console/"); r.Request.URL.Path != "/console/signin" {
		t.Errorf("after 12 h it shows %s", r.Request.URL)
	}
	v = s.as("bo-token")
	v.post("/console/signout", v.form("/console/"))
	if r := v.get("/console/"); r.Request.URL.Path != "/console/signin" {
		t.Errorf("after the sign-out it shows %s", r.Request.URL)
	}
	for range maxPerPerson + 3 {
		s.as("cy-token")
	}
	s.console.sessions.mu.Lock()
	defer s.console.sessions.mu.Unlock()
	if n := len(s.console.sessions.all); n > maxPerPerson {
		t.Errorf("there are %d sessions", n)
	}
}

func TestSignInsAreBounded(t *testing.T) {
	s := newSite(t)
	s.console.pause = time.Second
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	begin := time.Now()
	for range 12 {
		all.Go(func() {
			r := s.visitor().post("/console/signin", url.Values{"token": {"guess"}})
			mu.Lock()
			defer mu.Unlock()
			got[r.StatusCode]++
		})
	}
	all.Wait()
	if got[http.StatusTooManyRequests] == 0 || got[http.StatusForbidden] > 4*int(1+time.Since(begin)/time.Second) || time.Since(begin) < time.Second {
		t.Errorf("in %s: %v", time.Since(begin), got)
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(t)
	r := s.ask()
	in := s.as("mira-token")
	out := s.visitor()
	paths := append([]string{"/console/signin", "/console/static/app.css", "/console/static/app.js", "/console/static/nothing", "/console/approvals/" + r.ID}, pages...)
	var replies []reply
	for _, v := range []*visitor{in, out} {
		v.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for _, path := range paths {
			replies = append(replies, v.get(path), v.post(path, nil), v.do(http.MethodDelete, path, nil),
				v.post(path, nil, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }))
		}
	}
	for _, r := range replies {
		h := r.Header
		if h.Get("Content-Security-Policy") != contentPolicy || h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Referrer-Policy") != "same-origin" || h.Get("Cache-Control") != "no-store" && r.StatusCode != http.StatusNotFound {
			t.Errorf("%s %s (%d): %v", r.Request.Method, r.Request.URL, r.StatusCode, h)
		}
		if body := strings.ToLower(r.body); strings.Contains(body, "<script>") || strings.Contains(body, " style=") || strings.Contains(body, "<style") || strings.Contains(body, "://") {
			t.Errorf("%s has an inline script or style, or an asset from elsewhere", r.Request.URL)
		}
	}
}

func TestFormsMustBeOurs(t *testing.T) {
	s := newSite(t)
	r := s.ask()
	path := "/console/approvals/" + r.ID
	v, other := s.as("bo-token"), s.as("cy-token")
	good := func() url.Values { return v.form(path, "verdict", "approve") }
	without := good()
	without.Del("csrf")
	theirs := good()
	theirs.Set("csrf", other.form(path).Get("csrf"))
	for name, try := range map[string]func() reply{
		"no token":        func() reply { return v.post(path, without) },
		"another's token": func() reply { return v.post(path, theirs) },
		"no origin":       func() reply { return v.post(path, good(), func(r *http.Request) { r.Header.Del("Origin") }) },
		"another origin": func() reply {
			return v.post(path, good(), func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })
		},
		"another port": func() reply {
			return v.post(path, good(), func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") })
		},
		"null": func() reply { return v.post(path, good(), func(r *http.Request) { r.Header.Set("Origin", "null") }) },
		"cross-site": func() reply {
			return v.post(path, good(), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
		},
		"token in the URL": func() reply { return v.post(path+"?"+good().Encode(), nil) },
	} {
		if got := try(); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	large := good()
	large.Set("comment", strings.Repeat("x", maxForm))
	v.post(path, large).says(t, http.StatusBadRequest, "could not be read")
	if now := must(s.desk.Get(t.Context(), r.ID))(t); len(now.Answers) != 0 {
		t.Errorf("one of them was taken: %+v", now.Answers)
	}
}

func TestApprove(t *testing.T) {
	s := newSite(t)
	s.rules.hold(obligation.Approve{Rule: "two", Groups: []string{"dba"}, Count: 2})
	r := s.ask()
	path := "/console/approvals/" + r.ID
	bo, cy := s.as("bo-token"), s.as("cy-token")
	bo.get("/console/").says(t, http.StatusOK, "1 request waits for you", "update orders", "ticket 1187")
	bo.get(path).says(t, http.StatusOK, "2 missing", "2 people of", "env</bdi>=<bdi>prod", "cursor")
	form := bo.form(path, "verdict", "approve", "comment", "  looks right ")
	got := bo.post(path, form)
	got.says(t, http.StatusOK, "1 missing", "You have approved", "looks right")
	if got.Request.Method != http.MethodGet {
		t.Error("the form is not followed by a redirect")
	}
	bo.post(path, form).says(t, http.StatusConflict, "one person counts once")
	bo.get("/console/").says(t, http.StatusOK, "Nothing waits for you", "Open, and not waiting for you")
	cy.post(path, cy.form(path, "verdict", "maybe")).says(t, http.StatusBadRequest, "neither approve nor deny")
	cy.post(path, cy.form(path, "verdict", "approve")).says(t, http.StatusOK, "It is approved")
	now := must(s.desk.Get(t.Context(), r.ID))(t)
	if now.Phase != approval.Approved || now.Answers[0].Comment != "looks right" || now.Answers[0].Via != "console" || now.Answers[0].By.Subject != "bo" {
		t.Errorf("the request is %+v", now)
	}
	// Until it is spent it can be withdrawn.
	cy.post(path, cy.form(path, "verdict", "deny", "comment", "wait")).says(t, http.StatusOK, "It was denied")
	bo.post(path, form).says(t, http.StatusConflict, "The request has ended.")
}

func TestWhoMayAnswer(t *testing.T) {
	s := newSite(t)
	r := s.ask()
	path := "/console/approvals/" + r.ID
	mira := s.as("mira-token") // of the right group, and the one who asks
	mira.get(path).says(t, http.StatusOK, "Nobody approves what they asked for themselves.")
	mira.post(path, mira.form(path, "verdict", "approve")).says(t, http.StatusForbidden, sentence(approval.ErrSelf))
	agent := s.as("agent-token")
	agent.post(path, agent.form(path, "verdict", "approve")).says(t, http.StatusForbidden, sentence(approval.ErrSelf))
	op := s.as("op-token")
	op.post(path, op.form(path, "verdict", "approve")).says(t, http.StatusForbidden, sentence(approval.ErrNotEligible))
	ann := s.as("ann-token") // who has nothing to do with it, and learns nothing
	ann.get(path).says(t, http.StatusNotFound, "not for you to see")
	ann.post(path, ann.form("/console/", "verdict", "approve")).says(t, http.StatusNotFound, "not for you to see")
	for _, page := range []string{"/console/", "/console/history"} {
		if strings.Contains(ann.get(page).body, r.ID) {
			t.Errorf("%s lists it", page)
		}
	}
	ann.get("/console/approvals/nothing").says(t, http.StatusNotFound, "There is no such request")
	if now := must(s.desk.Get(t.Context(), r.ID))(t); len(now.Answers) != 0 {
		t.Errorf("one of them was taken: %+v", now.Answers)
	}
}

func TestStalePreview(t *testing.T) {
	s := newSite(t)
	r := s.ask(func(r *approval.Request) {
		r.Preview = &tools.Preview{Impact: tools.Impact{Measured: true, Rows: 3}}
	})
	path := "/console/approvals/" + r.ID
	v := s.as("bo-token")
	form := v.form(path, "verdict", "approve")
	if form.Get("preview") != r.Preview.Digest() {
		t.Errorf("the form holds %q", form.Get("preview"))
	}
	for _, seen := range []string{"", "0123"} {
		form.Set("preview", seen)
		v.post(path, form).says(t, http.StatusConflict, "look at it again", "Open the page anew")
	}
	if now := must(s.desk.Get(t.Context(), r.ID))(t); len(now.Answers) != 0 {
		t.Errorf("it was taken: %+v", now.Answers)
	}
}

func TestWhereTo(t *testing.T) {
	for next, want := range map[string]string{
		"": Path, "/console/history": "/console/history", "/console/approvals/01X?x=1#y": "/console/approvals/01X",
		"//evil.example/console/": Path, "https://evil.example/console/": Path, `/\evil.example/console/`: Path, "/console/../mcp": Path,
		"javascript:alert(1)": Path, "/mcp": Path, "/console/signin": Path, "/console//evil": "/console/evil", "/console/%0a": "/console/%0A", "\x00": Path,
	} {
		if got := whereTo(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}

func TestEventsTellOfChanges(t *testing.T) {
	s := newSite(t)
	v := s.as("bo-token")
	response, err := v.http.Get(s.url + "/console/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream is %v", response.Header)
	}
	heard := make(chan string)
	go func() {
		buffer := make([]byte, 100)
		for {
			n, err := response.Body.Read(buffer)
			if err != nil {
				close(heard)
				return
			}
			heard <- string(buffer[:n])
		}
	}()
	<-heard // at first
	s.ask()
	if got := <-heard; got != "data: changed\n\n" {
		t.Errorf("it says %q", got)
	}
	v.post("/console/signout", v.form("/console/"))
	if got, open := <-heard; open {
		t.Errorf("after the sign-out it says %q", got)
	}
}

func TestFailuresTellNoSecrets(t *testing.T) {
	s := newSite(t)
	w := httptest.NewRecorder()
	s.console.fail(w, httptest.NewRequest(http.MethodGet, "/console/", nil), nil, io.ErrUnexpectedEOF)
	if body := w.Body.String(); w.Code != http.StatusInternalServerError || strings.Contains(body, "EOF") || !strings.Contains(body, "Tell the operator") && !strings.Contains(body, "tell the operator") {
		t.Errorf("%d %s", w.Code, body)
	}
}
