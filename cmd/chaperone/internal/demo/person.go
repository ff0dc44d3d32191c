package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Person answers requests in the console, by what a browser sends.
type Person struct {
	site   string
	client http.Client
}

// maxPage is as much of a page as is read, in bytes.
const maxPage = 4 << 20

// SignIn opens the console of a gateway with a person's token.
func SignIn(ctx context.Context, site, token string) (*Person, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	p := &Person{site: site, client: http.Client{Jar: jar}}
	return p, p.send(ctx, "/console/signin", url.Values{"token": {token}})
}

// Waiting is the id of the request whose entry in the inbox holds a text, once
// there is one. Like the page, it looks again when the console says so.
func (p *Person) Waiting(ctx context.Context, text string) (id string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.open(ctx, "/console/events")
	if err != nil {
		return "", err
	}
	defer func() { _ = stream.Close() }()
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "data:") {
			continue
		}
		page, err := p.read(ctx, "/console/")
		if err != nil {
			return "", err
		}
		if id := listed(page, text); id != "" {
			return id, nil
		}
	}
	return "", errors.Join(ctx.Err(), errors.New("the console no longer tells of requests"))
}

var item = regexp.MustCompile(`(?s)<a class="item" href="/console/approvals/([0-9A-Z]+)">(.*?)</a>`)

// listed is the id of the request in a list whose entry holds a text.
func listed(page, text string) string {
	for _, m := range item.FindAllStringSubmatch(page, -1) {
		if strings.Contains(m[2], html.EscapeString(text)) {
			return m[1]
		}
	}
	return ""
}

// Answer opens a request, and presses a button of its form.
func (p *Person) Answer(ctx context.Context, id, verdict, comment string) error {
	path := "/console/approvals/" + id
	page, err := p.read(ctx, path)
	if err != nil {
		return err
	}
	form := url.Values{"verdict": {verdict}, "comment": {comment}}
	for _, hidden := range []string{"csrf", "preview"} {
		m := regexp.MustCompile(`name="` + hidden + `" value="([^"]*)"`).FindStringSubmatch(page)
		if m == nil {
			return fmt.Errorf("the request %s has no form to answer it", id)
		}
		form.Set(hidden, html.UnescapeString(m[1]))
	}
	return p.send(ctx, path, form)
}

func (p *Person) read(ctx context.Context, path string) (string, error) {
	body, err := p.open(ctx, path)
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }()
	page, err := io.ReadAll(io.LimitReader(body, maxPage))
	return string(page), err
}

func (p *Person) open(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.site+path, nil)
	if err != nil {
		return nil, err
	}
	return p.do(r)
}

// send posts a form, and follows to where that leads.
func (p *Person) send(ctx context.Context, path string, form url.Values) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", p.site)
	page, err := p.do(r)
	if err != nil {
		return err
	}
	return page.Close()
}

func (p *Person) do(r *http.Request) (io.ReadCloser, error) {
	answer, err := p.client.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("the console answered %s to %s %s", answer.Status, r.Method, r.URL.Path)
	}
	return answer.Body, nil
}
