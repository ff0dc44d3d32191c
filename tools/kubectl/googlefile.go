package kubectl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// credentialTypes are the files that are taken.
var credentialTypes = []google.CredentialsType{
	google.ServiceAccount, google.AuthorizedUser, google.ExternalAccount, google.ImpersonatedServiceAccount,
}

func (g *googleTokens) credentials(ctx context.Context) (*google.Credentials, error) {
	if g.file == "" {
		return google.FindDefaultCredentials(ctx, googleScope)
	}
	data, err := os.ReadFile(g.file)
	if err != nil {
		return nil, err
	}
	var kind struct {
		Type google.CredentialsType `json:"type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil || !slices.Contains(credentialTypes, kind.Type) {
		return nil, fmt.Errorf("%s is no credentials file of Google's, such as the key of a service account", g.file)
	}
	return google.CredentialsFromJSONWithType(ctx, data, kind.Type, googleScope)
}

// source is the part of a credentials file that says where tokens come from.
type source struct {
	From struct {
		Executable json.RawMessage `json:"executable"`
	} `json:"credential_source"`
	Of *source `json:"source_credentials"`
}

// runsProgram reports whether credentials would run one to get a token.
func runsProgram(file []byte) bool {
	var s source
	if len(file) == 0 {
		return false // they are the machine's
	}
	if json.Unmarshal(file, &s) != nil {
		return true
	}
	for at := &s; at != nil; at = at.Of {
		if at.From.Executable != nil {
			return true
		}
	}
	return false
}

// errorCode is how token endpoints say what is wrong (RFC 6749, 5.2).
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// hearing notes what came of the last request, since errors quote whole answers,
// and there are tokens in these.
type hearing struct {
	next http.RoundTripper
	last string
	// lost says that there was no answer.
	lost bool
}

// RoundTrip implements http.RoundTripper.
func (h *hearing) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := h.next.RoundTrip(r)
	h.lost = err != nil
	if h.lost {
		h.last = r.URL.Host + " can't be reached: " + err.Error()
	} else {
		h.last = fmt.Sprintf("%s answers %d", r.URL.Host, response.StatusCode)
	}
	return response, err
}

// plain is an error without what was answered, but for the status and the code.
func (h *hearing) plain(err error) error {
	var refused *oauth2.RetrieveError
	var body struct {
		Error string `json:"error"`
	}
	switch {
	case errors.As(err, &refused):
		_ = json.Unmarshal(refused.Body, &body) // what is no JSON has no code
		if errorCode.MatchString(body.Error) {
			return fmt.Errorf("%s (%s)", h.last, body.Error)
		}
		return errors.New(h.last)
	case h.last != "":
		return errors.New(h.last)
	}
	return err // nothing was asked
}

// fix is what to do about it.
func (h *hearing) fix() string {
	if h.lost {
		return "check the network, and that the gateway may reach that host"
	}
	return "check that the key or sign-in was not revoked, and make another"
}

func noToken(err error, fix string) *trouble {
	return &trouble{
		rule: "credentials", reason: "Google gives no token for the connection's credentials",
		detail: err.Error(), fix: fix, cause: err,
	}
}
