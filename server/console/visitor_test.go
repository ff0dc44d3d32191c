package console

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// visitor is a browser without a screen: it keeps cookies, and sends forms as
// the page has them.
type visitor struct {
	t    testing.TB
	s    *site
	http *http.Client
}

// answer is a response and its text.
type reply struct {
	*http.Response
	body string
}

func (s *site) visitor() *visitor {
	jar := must(cookiejar.New(nil))(s.t)
	return &visitor{s.t, s, &http.Client{Jar: jar}}
}

// as is a visitor who has signed in.
func (s *site) as(token string) *visitor {
	s.t.Helper()
	v := s.visitor()
	if r := v.post("/console/signin", url.Values{"token": {token}}); r.StatusCode != http.StatusOK || r.Request.URL.Path != "/console/" {
		s.t.Fatalf("the sign-in led to %s: %d", r.Request.URL, r.StatusCode)
	}
	return v
}

func (v *visitor) do(method, path string, form url.Values, set ...func(*http.Request)) reply {
	v.t.Helper()
	request := must(http.NewRequest(method, v.s.url+path, strings.NewReader(form.Encode())))(v.t)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", v.s.url)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, f := range set {
		f(request)
	}
	response, err := v.http.Do(request)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return reply{response, string(must(io.ReadAll(response.Body))(v.t))}
}

func (v *visitor) get(path string, set ...func(*http.Request)) reply {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil, set...)
}

func (v *visitor) post(path string, form url.Values, set ...func(*http.Request)) reply {
	v.t.Helper()
	return v.do(http.MethodPost, path, form, set...)
}

var hidden = regexp.MustCompile(`name="(csrf|preview)" value="([^"]*)"`)

// form is what a page's forms hold hidden, and more.
func (v *visitor) form(path string, more ...string) url.Values {
	v.t.Helper()
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(v.get(path).body, -1) {
		form.Set(m[1], m[2])
	}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// says fails unless the page has the status and each text.
func (r reply) says(t testing.TB, status int, texts ...string) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("%s %s: status %d, want %d", r.Request.Method, r.Request.URL, r.StatusCode, status)
	}
	for _, text := range texts {
		if !strings.Contains(r.body, text) {
			t.Errorf("%s %s does not say %q:\n%s", r.Request.Method, r.Request.URL, text, r.body)
		}
	}
}
