package kubectl

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fakeGoogle gives tokens "token-1", "token-2" and so on, and knows one cluster.
type fakeGoogle struct {
	*httptest.Server
	t     testing.TB
	front *front

	mu sync.Mutex
	// given counts tokens; scopes are what they were asked for.
	given  int
	scopes []string
	// garbled makes it answer with a token that can't be read.
	garbled bool
	// deny and status make it refuse tokens, or answer about the cluster.
	deny   bool
	status int
	// authority and endpoint are the cluster's.
	authority []byte
	endpoint  string
	// quota is what the last question about the cluster was paid by.
	quota string
	// asked and answer hold back the next token.
	asked, answer chan struct{}
}

func newFakeGoogle(f *front) *fakeGoogle {
	g := &fakeGoogle{t: f.t, front: f, authority: f.authority(), endpoint: strings.TrimPrefix(f.URL, "https://")}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", g.token)
	mux.HandleFunc("GET /v1/projects/shop/locations/europe-west1/clusters/web", g.cluster)
	g.Server = httptest.NewTLSServer(mux)
	f.t.Cleanup(g.Close)
	return g
}

func (g *fakeGoogle) token(w http.ResponseWriter, r *http.Request) {
	if g.asked != nil {
		g.asked <- struct{}{}
		<-g.answer
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if g.deny {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"error": "invalid_grant", "error_description": "account hunter2 was disabled"}`)
		return
	}
	if g.garbled {
		_, _ = fmt.Fprint(w, `{"access_token": "token-hunter2", "expires_in": {}}`)
		return
	}
	scope := r.PostFormValue("refresh_token")
	if parts := strings.Split(r.PostFormValue("assertion"), "."); len(parts) == 3 {
		claims, _ := base64.RawURLEncoding.DecodeString(parts[1])
		var c struct{ Scope string }
		_ = json.Unmarshal(claims, &c)
		scope = c.Scope
	}
	g.given++
	g.scopes = append(g.scopes, scope)
	token := fmt.Sprintf("token-%d", g.given)
	g.front.takes(token)
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
}

func (g *fakeGoogle) cluster(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.quota = r.Header.Get("X-Goog-User-Project")
	g.front.mu.Lock()
	known := g.front.accept[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	g.front.mu.Unlock()
	switch {
	case !known:
		w.WriteHeader(http.StatusUnauthorized)
	case g.status != 0:
		w.WriteHeader(g.status)
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{
			"endpoint": g.endpoint, "status": "RUNNING", "masterAuth": map[string]any{"clusterCaCertificate": g.authority},
		})
	}
}

func (g *fakeGoogle) tokens() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.given
}

// key is the file of a service account.
func (g *fakeGoogle) key() string {
	g.t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		g.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		g.t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "chaperone@shop.example", "token_uri": g.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	path := filepath.Join(g.t.TempDir(), "key.json")
	writeFile(g.t, path, string(text))
	return path
}
