package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The headers of a webhook's request.
const (
	// HeaderID is the notice's id.
	HeaderID = "Chaperone-Notice"
	// HeaderSignature is "t=SECONDS,v1=HEX": when it was sent, in seconds since
	// 1970, and the HMAC-SHA256 of SECONDS, a dot and the body.
	HeaderSignature = "Chaperone-Signature"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 16 << 10

// newClient is a client that goes where it is told and nowhere else.
func newClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxResponseHeaderBytes: maxAnswer, MaxIdleConnsPerHost: 1},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Sign is the signature of a body that is sent at a time.
func Sign(secret string, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// send makes one request. Its error holds neither the address nor the secret.
func (b *Outbox) send(ctx context.Context, t Target, n Notice) error {
	address, what := t.Webhook, any(n)
	if t.Slack != "" {
		address, what = t.Slack, n.slack()
	}
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address can't be used")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "chaperone")
	if t.Slack == "" {
		r.Header.Set(HeaderID, n.ID)
		r.Header.Set(HeaderSignature, Sign(t.Secret, b.now(), body))
	}
	response, err := b.client.Do(r)
	if err != nil {
		return withoutAddress(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %d", response.StatusCode)
	}
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // for the connection's sake only
	return nil
}

// withoutAddress is an error of the HTTP client without the address, which may
// be a secret.
func withoutAddress(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return errors.New("the receiver can't be reached")
	}
	if u.Timeout() {
		return errors.New("the receiver did not answer in time")
	}
	return fmt.Errorf("the receiver can't be reached: %w", u.Err)
}
