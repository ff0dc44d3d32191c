package kubectl

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// googleScope is what a token is for. GKE knows no narrower one.
const googleScope = "https://www.googleapis.com/auth/cloud-platform"

const (
	// early is how long before its end a token is replaced.
	early = time.Minute
	// tokenTime bounds getting one.
	tokenTime = 15 * time.Second
)

// googleTokens gets tokens for Google Cloud, and keeps the newest.
type googleTokens struct {
	// file is the path of the credentials; "" stands for those that Google calls
	// the application's default.
	file   string
	client *http.Client
	now    func() time.Time

	mu     sync.Mutex
	newest *googleToken
	// flight is the one that gets the next, if it is being got.
	flight *flight
}

// googleToken is a token, and the project that pays for its requests; "" is the
// credential's own.
type googleToken struct {
	*oauth2.Token
	quota string
}

// flight is getting a token, for all who wait for it.
type flight struct {
	done  chan struct{}
	token *googleToken
	err   error
}

func newGoogleTokens(file string) *googleTokens {
	return &googleTokens{file: file, client: googleClient(http.DefaultTransport), now: time.Now}
}

// googleClient sends nothing on to where an answer points.
func googleClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: tokenTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// token is one that is still good. Who asks at the same time waits for the same.
func (g *googleTokens) token(ctx context.Context) (*googleToken, error) {
	g.mu.Lock()
	if g.good(early) {
		defer g.mu.Unlock()
		return g.newest, nil
	}
	f := g.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		g.flight = f
		go g.fly(f)
	}
	g.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// good reports whether the newest token lasts for some time.
func (g *googleTokens) good(left time.Duration) bool {
	return g.newest != nil && (g.newest.Expiry.IsZero() || g.newest.Expiry.Sub(g.now()) > left)
}

// fly gets a token. It belongs to no call: when the one that began it is given
// up, others wait for it.
func (g *googleTokens) fly(f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), tokenTime)
	defer cancel()
	f.token, f.err = g.fetch(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case f.err == nil:
		g.newest = f.token
	case g.good(0):
		f.token, f.err = g.newest, nil
	}
	g.flight = nil
	close(f.done)
}

// drop forgets a token that was not accepted.
func (g *googleTokens) drop(t *googleToken) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.newest == t {
		g.newest = nil
	}
}

// fetch reads the credentials anew each time, so that others are taken up.
func (g *googleTokens) fetch(ctx context.Context) (*googleToken, error) {
	client, heard := *g.client, &hearing{next: g.client.Transport}
	client.Transport = heard
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &client)
	credentials, err := g.credentials(ctx)
	if err == nil && runsProgram(credentials.JSON) {
		err = errors.New("they would run a program to get a token, which is not done")
	}
	if err != nil {
		return nil, noToken(err, "give kubectl.gke.credentials_file, set GOOGLE_APPLICATION_CREDENTIALS, or run on Google Cloud with a service account")
	}
	token, err := credentials.TokenSource.Token()
	if err != nil {
		return nil, noToken(heard.plain(err), heard.fix())
	}
	var more struct {
		Quota string `json:"quota_project_id"`
	}
	_ = json.Unmarshal(credentials.JSON, &more) // there is no JSON where a server of Google's gives tokens
	return &googleToken{token, more.Quota}, nil
}

// bearer sends requests with a token, to one host.
type bearer struct {
	tokens *googleTokens
	host   string
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" || r.URL.Host != b.host {
		return nil, refused("request", "the token of the connection is not for "+r.URL.Host, "")
	}
	token, err := b.tokens.token(r.Context())
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	response, err := b.next.RoundTrip(r)
	if err == nil && response.StatusCode == http.StatusUnauthorized {
		b.tokens.drop(token)
	}
	return response, err
}

// WrappedRoundTripper is what client-go looks for to close connections.
func (b bearer) WrappedRoundTripper() http.RoundTripper { return b.next }
