package kubectl

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/chaperone-dev/chaperone/tools"
)

// gkeStage is a stage whose cluster is Google's.
type gkeStage struct {
	*stage
	google *fakeGoogle
	front  *front
	tokens *googleTokens
	config GKE
	// past is how much time has passed.
	mu   sync.Mutex
	past time.Duration
}

func newGKEStage(t *testing.T) *gkeStage {
	t.Helper()
	s := &gkeStage{stage: newStage(t), config: GKE{Project: "shop", Location: "europe-west1", Cluster: "web"}}
	s.front = newFront(s.stage)
	s.google = newFakeGoogle(s.front)
	s.config.CredentialsFile = s.google.key()
	s.open()
	return s
}

// open makes a connection by the configuration, for which nothing was got yet.
func (s *gkeStage) open() {
	s.t.Helper()
	c := Config{GKE: &s.config, Namespace: s.namespace}
	if err := c.check(); err != nil {
		s.t.Fatal(err)
	}
	s.tokens = newGoogleTokens(s.config.CredentialsFile)
	s.tokens.client = googleClient(s.google.Client().Transport)
	s.tokens.now = func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		return time.Now().Add(s.past)
	}
	api := &gkeAPI{s.google.URL, s.tokens}
	s.conn = connect(c, false, func(ctx context.Context) (*rest.Config, error) { return api.rest(ctx, &s.config) })
}

func (s *gkeStage) wait(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.past += d
}

// TestGKE: the GKE API says where the cluster is, and one token does for it and
// for the cluster, until shortly before it ends.
func TestGKE(t *testing.T) {
	s := newGKEStage(t)
	s.must("create configmap a --from-literal=k=v")
	s.must("get cm a")
	if s.google.tokens() != 1 || s.google.scopes[0] != googleScope {
		t.Errorf("%d tokens, for %v", s.google.tokens(), s.google.scopes)
	}
	s.wait(58 * time.Minute)
	s.must("get cm a")
	if s.google.tokens() != 1 {
		t.Errorf("%d tokens before the first had to go", s.google.tokens())
	}
	s.wait(90 * time.Second)
	s.must("get cm a")
	if s.google.tokens() != 2 {
		t.Errorf("%d tokens after the first had to go", s.google.tokens())
	}
	s.must("run box --image=box")
	s.must("wait --for=condition=Ready pod/box --timeout=20s")
	if out := s.must("exec box -- hostname"); out != "box\n" {
		t.Errorf("exec, which is no plain request: %q", out)
	}
	if away, _ := s.front.counts(); away != 0 {
		t.Errorf("%d requests were turned away", away)
	}
}

// TestGKEWithoutItsAPI: where the endpoint is given, only tokens are Google's.
func TestGKEWithoutItsAPI(t *testing.T) {
	s := newGKEStage(t)
	s.google.status = http.StatusForbidden
	authority := filepath.Join(t.TempDir(), "ca.pem")
	writeFile(t, authority, string(s.front.authority()))
	s.config = GKE{Endpoint: s.google.endpoint, CAFile: authority, CredentialsFile: s.config.CredentialsFile}
	s.open()
	s.must("get cm")
}

// TestApplicationDefaultCredentials: the sign-in of a person will do, and pays
// for itself.
func TestApplicationDefaultCredentials(t *testing.T) {
	s := newGKEStage(t)
	file := filepath.Join(t.TempDir(), "adc.json")
	writeFile(t, file, `{"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "again", "quota_project_id": "payer", "token_uri": "`+s.google.URL+`/token"}`)
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	s.config.CredentialsFile = ""
	s.open()
	s.must("get cm")
	if s.google.tokens() != 1 || s.google.scopes[0] != "again" || s.google.quota != "payer" {
		t.Errorf("%v, paid by %q", s.google.scopes, s.google.quota)
	}
}

// TestWorkloadIdentity: on Google Cloud, the machine's own account will do.
func TestWorkloadIdentity(t *testing.T) {
	s := newGKEStage(t)
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Metadata-Flavor", "Google")
		if r.Header.Get("Metadata-Flavor") == "Google" && r.URL.Path == "/computeMetadata/v1/instance/service-accounts/default/token" {
			s.google.token(w, r)
		}
	}))
	defer machine.Close()
	t.Setenv("GCE_METADATA_HOST", strings.TrimPrefix(machine.URL, "http://"))
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())
	s.config.CredentialsFile = ""
	s.open()
	s.must("get cm")
	s.front.takes()
	s.must("get cm")
	if s.google.tokens() != 2 {
		t.Errorf("%d tokens", s.google.tokens())
	}
}

// TestCredentialsRunNothing, whatever they say and the environment allows.
func TestCredentialsRunNothing(t *testing.T) {
	s := newGKEStage(t)
	t.Setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	external := `{"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "` + s.google.URL + `/token",
		"credential_source": {"executable": {"command": "/usr/bin/touch ` + ran + `", "timeout_millis": 5000}}}`
	for name, text := range map[string]string{
		"external":     external,
		"impersonated": `{"type": "impersonated_service_account", "service_account_impersonation_url": "` + s.google.URL + `/x", "source_credentials": ` + external + `}`,
	} {
		s.config.CredentialsFile = filepath.Join(dir, name)
		writeFile(t, s.config.CredentialsFile, text)
		for _, inFile := range []bool{true, false} {
			if !inFile {
				t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", s.config.CredentialsFile)
				s.config.CredentialsFile = ""
			}
			s.open()
			s.refusedBy("credentials", "get cm", "")
			if found := s.conn.Check(t.Context()); len(found) != 1 || !strings.Contains(found[0].What, "run a program") {
				t.Errorf("%s: %+v", name, found)
			}
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the program ran")
	}
}

// TestRevokedGoogleToken: a token that is not accepted is replaced once, and a
// change that was turned away for it is made once.
func TestRevokedGoogleToken(t *testing.T) {
	s := newGKEStage(t)
	s.must("create configmap a --from-literal=k=v")
	s.front.takes()
	s.must("get cm a")
	plan, err := s.conn.Describe(t.Context(), s.request("label cm a team=shop", ""))
	if err != nil {
		t.Fatal(err)
	}
	s.front.takes()
	_, before := s.front.counts()
	if _, err := s.run(plan); err != nil {
		t.Error(err)
	}
	away, after := s.front.counts()
	if after != before+1 || s.google.tokens() != 3 || away != 2 {
		t.Errorf("%d changes, %d tokens, %d turned away", after-before, s.google.tokens(), away)
	}
	// The GKE API turns it away as well.
	s.front.takes()
	s.conn.open = nil
	s.must("get cm a")
	if s.google.tokens() != 4 {
		t.Errorf("%d tokens", s.google.tokens())
	}
	// Google gives no more.
	s.google.mu.Lock()
	s.google.deny = true
	s.google.mu.Unlock()
	s.front.takes()
	s.refusedBy("credentials", "get cm a", "")
	s.refusedBy("credentials", "delete cm a", "")
	found := s.conn.Check(t.Context())
	if len(found) != 1 || found[0].Level != tools.Fail || !strings.Contains(found[0].What, "400 (invalid_grant)") || found[0].Fix == "" {
		t.Errorf("%+v", found)
	}
	s.tellsNothing(found)
}

// tellsNothing fails where a finding has what is a secret, or text of Google's.
func (s *gkeStage) tellsNothing(found []tools.Finding) {
	s.t.Helper()
	for _, f := range found {
		for _, secret := range []string{"token-", "PRIVATE", "hunter2"} {
			if strings.Contains(f.What+f.Fix, secret) {
				s.t.Errorf("%+v", f)
			}
		}
	}
}

// TestGKEMistakes: what is wrong is told to callers without names, and to the
// operator with what to do.
func TestGKEMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		set             func(*gkeStage)
		rule, what, fix string
	}{
		"wrong authority": {func(s *gkeStage) { s.google.authority = authorityOfNobody(t) }, "unreachable", "certificate", "certificate authority"},
		"no authority":    {func(s *gkeStage) { s.google.authority = nil }, "unreachable", "by what authority", "dns"},
		"may not look":    {func(s *gkeStage) { s.google.status = http.StatusForbidden }, "unreachable", "403", "roles/container.clusterViewer"},
		"no such cluster": {func(s *gkeStage) { s.config.Cluster = "none" }, "unreachable", "404", "location"},
		"API is down":     {func(s *gkeStage) { s.google.status = http.StatusBadGateway }, "unreachable", "502", "again"},
		"not on this way": {func(s *gkeStage) { s.config.Via = "private" }, "unreachable", "no such endpoint", "kubectl.gke.via"},
		"not an endpoint": {func(s *gkeStage) { s.google.endpoint = "10.0.0.1/x?y" }, "unreachable", "no such endpoint", "kubectl.gke.via"},
		"no file":         {func(s *gkeStage) { s.config.CredentialsFile = "/nowhere/key.json" }, "credentials", "no such file", "kubectl.gke.credentials_file"},
		"no Google":       {func(s *gkeStage) { s.google.Close() }, "credentials", "can't be reached", "network"},
		"odd answer":      {func(s *gkeStage) { s.google.garbled = true }, "credentials", "answers 200", "revoked"},
		"odd exchange": {func(s *gkeStage) {
			s.google.garbled = true
			s.config.CredentialsFile = filepath.Join(t.TempDir(), "federated.json")
			writeFile(t, s.config.CredentialsFile, `{"type": "external_account", "audience": "a", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
				"token_url": "`+s.google.URL+`/token", "credential_source": {"file": "`+s.config.CredentialsFile+`"}}`)
		}, "credentials", "answers 200", "revoked"},
		"other file": {func(s *gkeStage) {
			s.config.CredentialsFile = filepath.Join(t.TempDir(), "hunter")
			writeFile(t, s.config.CredentialsFile, `{"type": "hunter2"}`)
		}, "credentials", "is no credentials file", "kubectl.gke.credentials_file"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newGKEStage(t)
			c.set(s)
			s.open()
			_, err := s.call("get cm", "")
			var r *tools.Refusal
			if !errors.As(err, &r) || r.Rule != c.rule || strings.Contains(r.Reason+r.Hint, "127.0.0.1") || !strings.Contains(r.Hint, "doctor") {
				t.Errorf("a caller learns %+v", err)
			}
			found := s.conn.Check(t.Context())
			if len(found) != 1 || found[0].Level != tools.Fail || !strings.Contains(found[0].What, c.what) || !strings.Contains(found[0].Fix, c.fix) {
				t.Errorf("the operator learns %+v", found)
			}
			s.tellsNothing(found)
		})
	}
}

func authorityOfNobody(t *testing.T) []byte {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestOneTokenForAll: who asks while a token is being got waits for it, or leaves,
// and asks for none of his own.
func TestOneTokenForAll(t *testing.T) {
	s := newGKEStage(t)
	s.google.asked, s.google.answer = make(chan struct{}, 100), make(chan struct{})
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if token, err := s.tokens.token(t.Context()); err != nil || token.AccessToken != "token-1" {
				t.Errorf("%v", err)
			}
		})
	}
	<-s.google.asked
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.tokens.token(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(s.google.answer)
	group.Wait()
	if s.google.tokens() != 1 {
		t.Errorf("%d tokens", s.google.tokens())
	}
}

// TestTokensAreForOneHost, over TLS.
func TestTokensAreForOneHost(t *testing.T) {
	s := newGKEStage(t)
	reached := false
	b := bearer{s.tokens, "10.0.0.1", roundTrip(func(r *http.Request) (*http.Response, error) {
		reached = true
		return answer(r, http.StatusOK, nil), nil
	})}
	for address, ok := range map[string]bool{
		"https://10.0.0.1/api": true, "http://10.0.0.1/api": false, "https://10.0.0.2/api": false, "https://10.0.0.1:444/api": false,
	} {
		reached = false
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, bytes.NewReader(nil))
		if err != nil {
			t.Fatal(err)
		}
		response, err := b.RoundTrip(r)
		if (err == nil) != ok || reached != ok {
			t.Errorf("%s: %v", address, err)
		}
		if err == nil {
			_ = response.Body.Close()
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestGKEWays(t *testing.T) {
	c := &gkeCluster{Endpoint: "34.1.1.1"}
	c.MasterAuth.Authority = base64.StdEncoding.EncodeToString([]byte("authority"))
	c.PrivateCluster.Private, c.PrivateCluster.Public = "10.0.0.2", "34.1.1.2"
	c.Endpoints.DNS.Endpoint = "gke-1.europe-west1.gke.goog"
	for via, want := range map[string]string{"": "34.1.1.1 authority", "public": "34.1.1.2 authority", "private": "10.0.0.2 authority", "dns": "gke-1.europe-west1.gke.goog "} {
		host, authority, err := c.way(&GKE{Via: via})
		if err != nil || host+" "+string(authority) != want {
			t.Errorf("%q: %s %s %v", via, host, authority, err)
		}
	}
}

func TestGKEConfig(t *testing.T) {
	good := GKE{Project: "shop", Location: "europe-west1", Cluster: "web"}
	for name, c := range map[string]struct {
		config Config
		ok     bool
	}{
		"named":        {Config{GKE: &good}, true},
		"endpoint":     {Config{GKE: &GKE{Endpoint: "34.1.1.1", CAFile: "ca.pem"}}, true},
		"dns":          {Config{GKE: &GKE{Endpoint: "gke-1.europe-west1.gke.goog"}}, true},
		"no authority": {Config{GKE: &GKE{Endpoint: "34.1.1.1"}}, false},
		"path":         {Config{GKE: &GKE{Endpoint: "34.1.1.1/x", CAFile: "ca.pem"}}, false},
		"clear":        {Config{GKE: &GKE{Endpoint: "http://34.1.1.1", CAFile: "ca.pem"}}, false},
		"both":         {Config{GKE: &GKE{Endpoint: "34.1.1.1", CAFile: "ca.pem", Cluster: "web"}}, false},
		"nothing":      {Config{GKE: &GKE{}}, false},
		"odd name":     {Config{GKE: &GKE{Project: "shop", Location: "../x", Cluster: "web"}}, false},
		"odd way":      {Config{GKE: &GKE{Project: "shop", Location: "l", Cluster: "web", Via: "tunnel"}}, false},
		"kubeconfig":   {Config{GKE: &good, Kubeconfig: "x"}, false},
		"in cluster":   {Config{GKE: &good, InCluster: true}, false},
		"plugin":       {Config{GKE: &good, ExecPlugin: "/bin/gcloud"}, false},
	} {
		if err := c.config.check(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
