package kubectl

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"

	"k8s.io/client-go/rest"
)

// GKE is a cluster of Google's. Its tokens are of Google's application default
// credentials, or of a credentials file. No other program is run.
type GKE struct {
	// Project, Location and Cluster name the cluster; the GKE API then says where
	// its server is, and by what authority. Location is a region or a zone.
	Project  string `yaml:"project"`
	Location string `yaml:"location"`
	Cluster  string `yaml:"cluster"`
	// Via is the way to the server: "public", "private" or "dns"; "" stands for
	// the cluster's own.
	Via string `yaml:"via"`
	// Endpoint is the server's host in their place, and CAFile the path of its
	// authority's certificate; "" stands for the public ones.
	Endpoint string `yaml:"endpoint"`
	CAFile   string `yaml:"ca_file"`
	// CredentialsFile is the path of a credentials file, such as the key of a
	// service account.
	CredentialsFile string `yaml:"credentials_file"`
}

// gkeName is the name of a project, a location or a cluster.
var gkeName = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,99}$`)

// check refuses what can't work.
func (g *GKE) check() error {
	named := g.Project != "" || g.Location != "" || g.Cluster != "" || g.Via != ""
	switch {
	case g.Endpoint != "" && named:
		return errors.New("kubectl.gke: endpoint stands in place of project, location, cluster and via; give the one or the others")
	case g.Endpoint != "":
		if host, err := gkeHost(g.Endpoint); err != nil || g.CAFile == "" && !strings.HasSuffix(host, ".goog") {
			return errors.New("kubectl.gke.endpoint must be a host, and its authority's certificate be in kubectl.gke.ca_file")
		}
		return nil
	case g.CAFile != "":
		return errors.New("kubectl.gke.ca_file is for kubectl.gke.endpoint; the GKE API says it for a cluster that is named")
	}
	for _, name := range []string{g.Project, g.Location, g.Cluster} {
		if !gkeName.MatchString(name) {
			return fmt.Errorf("kubectl.gke: %q can't be a name; give project, location and cluster, or endpoint and ca_file", name)
		}
	}
	if g.Via != "" && g.Via != "public" && g.Via != "private" && g.Via != "dns" {
		return fmt.Errorf("kubectl.gke.via is %q; it must be public, private or dns", g.Via)
	}
	return nil
}

// gkeHost is a host and no more.
func gkeHost(endpoint string) (string, error) {
	u, err := url.Parse("https://" + strings.TrimPrefix(endpoint, "https://"))
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is no host", endpoint)
	}
	return u.Host, nil
}

// gkeAPI is how to ask Google: always at the same address, but in tests.
type gkeAPI struct {
	address string
	tokens  *googleTokens
}

func newGKEAPI(file string) *gkeAPI {
	return &gkeAPI{"https://container.googleapis.com", newGoogleTokens(file)}
}

// rest is how to reach the cluster.
func (a *gkeAPI) rest(ctx context.Context, g *GKE) (*rest.Config, error) {
	host, authority, err := a.locate(ctx, g)
	if err != nil {
		return nil, err
	}
	config := &rest.Config{Host: "https://" + host, TLSClientConfig: rest.TLSClientConfig{CAData: authority}}
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return bearer{a.tokens, host, next} })
	return config, nil
}

func (a *gkeAPI) locate(ctx context.Context, g *GKE) (host string, authority []byte, err error) {
	if g.Endpoint == "" {
		c, err := a.describe(ctx, g)
		if err != nil {
			return "", nil, err
		}
		return c.way(g)
	}
	if host, err = gkeHost(g.Endpoint); err == nil && g.CAFile != "" {
		authority, err = os.ReadFile(g.CAFile)
	}
	if err != nil {
		return "", nil, &trouble{rule: "unreachable", reason: errNotFound, detail: err.Error(), fix: "mend kubectl.gke", cause: err}
	}
	return host, authority, nil
}

// errNotFound is for callers.
const errNotFound = "it can't be found out where the API server is"

// gkeCluster is what the GKE API says of a cluster, as far as we need it.
type gkeCluster struct {
	Endpoint   string `json:"endpoint"`
	Status     string `json:"status"`
	MasterAuth struct {
		Authority string `json:"clusterCaCertificate"`
	} `json:"masterAuth"`
	PrivateCluster struct {
		Private string `json:"privateEndpoint"`
		Public  string `json:"publicEndpoint"`
	} `json:"privateClusterConfig"`
	Endpoints struct {
		DNS struct {
			Endpoint string `json:"endpoint"`
		} `json:"dnsEndpointConfig"`
		IP struct {
			Public  string `json:"publicEndpoint"`
			Private string `json:"privateEndpoint"`
		} `json:"ipEndpointsConfig"`
	} `json:"controlPlaneEndpointsConfig"`
}

// way is where the cluster's server is, on the way that is configured. The name
// in DNS has a certificate that everybody trusts.
func (c *gkeCluster) way(g *GKE) (host string, authority []byte, err error) {
	none := func(detail, fix string) (string, []byte, error) {
		return "", nil, &trouble{rule: "unreachable", reason: errNotFound, detail: detail, fix: fix, later: true}
	}
	endpoint := map[string][]string{
		"":        {c.Endpoint},
		"public":  {c.Endpoints.IP.Public, c.PrivateCluster.Public, c.Endpoint},
		"private": {c.Endpoints.IP.Private, c.PrivateCluster.Private},
		"dns":     {c.Endpoints.DNS.Endpoint},
	}[g.Via]
	if host, err = gkeHost(cmp.Or(endpoint...)); err != nil {
		return none("the cluster has no such endpoint; it is "+c.state(), "set kubectl.gke.via to one that it has, or wait until it runs")
	}
	if g.Via == "dns" {
		return host, nil, nil
	}
	authority, err = base64.StdEncoding.DecodeString(c.MasterAuth.Authority)
	if err != nil || len(authority) == 0 {
		return none("the GKE API does not say by what authority the server is known", "set kubectl.gke.via to dns, or give endpoint and ca_file")
	}
	return host, authority, nil
}

// describe asks the GKE API about the cluster, and once more if it does not take
// the token.
func (a *gkeAPI) describe(ctx context.Context, g *GKE) (*gkeCluster, error) {
	path := fmt.Sprintf("/v1/projects/%s/locations/%s/clusters/%s", url.PathEscape(g.Project), url.PathEscape(g.Location), url.PathEscape(g.Cluster))
	var c gkeCluster
	for again := true; ; again = false {
		status, err := a.get(ctx, path, &c)
		switch {
		case err != nil:
			return nil, err
		case status == http.StatusOK:
			return &c, nil
		case status != http.StatusUnauthorized || !again:
			return nil, gkeRefused(status, g)
		}
	}
}

// maxGKE bounds what the GKE API may answer.
const maxGKE = 4 << 20

func (a *gkeAPI) get(ctx context.Context, path string, into *gkeCluster) (status int, err error) {
	token, err := a.tokens.token(ctx)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.address+path, nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	if token.quota != "" {
		r.Header.Set("X-Goog-User-Project", token.quota)
	}
	response, err := a.tokens.client.Do(r)
	if err != nil {
		return 0, &trouble{rule: "unreachable", reason: errNotFound, detail: err.Error(), fix: "check the way to " + r.URL.Host, later: true, cause: err}
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusUnauthorized:
		a.tokens.drop(token)
	case http.StatusOK:
		err = json.NewDecoder(io.LimitReader(response.Body, maxGKE)).Decode(into)
	}
	if err != nil {
		return 0, &trouble{rule: "unreachable", reason: errNotFound, detail: "the GKE API's answer can't be read", fix: "try again", later: true, cause: err}
	}
	return response.StatusCode, nil
}

// gkeRefused says what an answer of the GKE API means.
func gkeRefused(status int, g *GKE) *trouble {
	t := &trouble{rule: "unreachable", reason: errNotFound, later: status >= http.StatusInternalServerError || status == http.StatusTooManyRequests}
	switch status {
	case http.StatusForbidden:
		t.detail = "the GKE API does not let the credentials look at the cluster " + g.Cluster + " (403)"
		t.fix = "grant them roles/container.clusterViewer on the project " + g.Project + ", and see that the Kubernetes Engine API is enabled there"
	case http.StatusUnauthorized:
		t.detail, t.fix = "the GKE API does not accept the credentials' token, nor a new one (401)", "make another key, or sign in anew"
	case http.StatusNotFound:
		t.detail = fmt.Sprintf("the GKE API knows no cluster %s in %s of %s (404)", g.Cluster, g.Location, g.Project)
		t.fix = "correct kubectl.gke; location is the region, or for a zonal cluster the zone"
	default:
		t.detail, t.fix = fmt.Sprintf("the GKE API answers %d", status), "try again in a while"
	}
	return t
}

// gkeStatus is how the GKE API names the state of a cluster.
var gkeStatus = regexp.MustCompile(`^[A-Z_]{1,40}$`)

func (c *gkeCluster) state() string {
	if !gkeStatus.MatchString(c.Status) {
		return "in a state that is not known"
	}
	return c.Status
}
