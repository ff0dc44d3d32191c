package kubectltest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

// host is the package's cluster.
var host kubectltest.Host

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	defer host.Stop()
	return m.Run()
}

// client asks a cluster as the user of a kubeconfig.
type client struct {
	http.Client
	url string
}

func newClient(t *testing.T, cluster *kubectltest.Cluster, path string) *client {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Clusters []struct {
			Cluster struct {
				CA []byte `json:"certificate-authority-data"`
			} `json:"cluster"`
		} `json:"clusters"`
		Users []struct {
			User struct {
				Cert []byte `json:"client-certificate-data"`
				Key  []byte `json:"client-key-data"`
			} `json:"user"`
		} `json:"users"`
	}
	data, err := yaml.YAMLToJSON(text)
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(config.Users[0].User.Cert, config.Users[0].User.Key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(config.Clusters[0].Cluster.CA)
	c := &client{url: cluster.URL}
	c.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// ask returns the code and the body of an answer.
func (c *client) ask(t *testing.T, method, path, body string, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// expect asks, and wants an answer with a code and, in the body, some text.
func (c *client) expect(t *testing.T, code int, text, method, path, body string, headers ...string) {
	t.Helper()
	if got, said := c.ask(t, method, path, body, headers...); got != code || !strings.Contains(said, text) {
		t.Fatalf("%s %s: %d %s, want %d with %q", method, path, got, said, code, text)
	}
}

// until asks until the answer holds some text.
func (c *client) until(t *testing.T, text, path string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, said := c.ask(t, http.MethodGet, path, "")
		if strings.Contains(said, text) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: still without %q: %s", path, text, said)
		}
	}
}

// namespace makes a namespace of the test's own, and returns its name.
func namespace(t *testing.T, admin *client) string {
	t.Helper()
	code, said := admin.ask(t, "POST", "/api/v1/namespaces", `{"metadata": {"generateName": "test-"}}`)
	var made struct {
		Metadata struct {
			Name string `json:"name"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal([]byte(said), &made); err != nil || code != 201 {
		t.Fatalf("%v: %d %s", err, code, said)
	}
	return made.Metadata.Name
}

// podsOf is the path of the pods of a new namespace.
func podsOf(t *testing.T, admin *client) string {
	return "/api/v1/namespaces/" + namespace(t, admin) + "/pods"
}

func pod(name, annotations string) string {
	return `{"metadata": {"name": "` + name + `", "annotations": {` + annotations + `}},
		"spec": {"containers": [{"name": "main", "image": "example.com/web:1"}]}}`
}

func TestPods(t *testing.T) {
	cluster := host.Start(t)
	admin := newClient(t, cluster, cluster.Kubeconfig)
	pods := podsOf(t, admin)
	admin.expect(t, 200, `"gitVersion": "v1.37.2"`, "GET", "/version", "")
	admin.expect(t, 200, `"KubeletReady"`, "GET", "/api/v1/nodes/node-1", "")
	for name, state := range map[string]string{
		"runs": `"phase":"Running"`, "pending": `"reason":"Unschedulable"`, "imagepull": "ImagePullBackOff",
		"crash": "CrashLoopBackOff", "succeed": `"phase":"Succeeded"`,
	} {
		admin.expect(t, 201, name, "POST", pods, pod(name, `"testcluster/state": "`+name+`"`))
		admin.until(t, state, pods+"/"+name)
	}
	admin.expect(t, 200, "main: ready\n", "GET", pods+"/runs/log", "")
	admin.expect(t, 400, "is waiting to start", "GET", pods+"/imagepull/log", "")
	admin.expect(t, 200, "main: ready\n", "GET", pods+"/crash/log?previous=true", "")
	admin.expect(t, 400, "previous terminated", "GET", pods+"/runs/log?previous=true", "")
	admin.expect(t, 200, "", "DELETE", pods+"/runs", "")
	admin.until(t, `"code":404`, pods+"/runs")
}

func TestLogs(t *testing.T) {
	cluster := host.Start(t)
	admin := newClient(t, cluster, cluster.Kubeconfig)
	pods := podsOf(t, admin)
	admin.expect(t, 201, "", "POST", pods, pod("web", `"testcluster/log": "one\ntwo\nthree"`))
	admin.until(t, `"phase":"Running"`, pods+"/web")
	for query, want := range map[string]string{
		"": "one\ntwo\nthree\n", "?tailLines=2": "two\nthree\n", "?limitBytes=5": "one\nt",
		"?follow=true&tailLines=1&limitBytes=30": "three\nmain: request 1 served\nm",
	} {
		if _, got := admin.ask(t, "GET", pods+"/web/log"+query, ""); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// TestExec reads the frames of a WebSocket as they come: a server masks none.
func TestExec(t *testing.T) {
	cluster := host.Start(t)
	admin := newClient(t, cluster, cluster.Kubeconfig)
	pods := podsOf(t, admin)
	admin.expect(t, 201, "", "POST", pods, pod("web", ""))
	admin.until(t, `"phase":"Running"`, pods+"/web")
	for command, want := range map[string]string{
		"command=echo&command=a&command=b": "a b\n", "command=hostname": "web\n", "command=env": "DATABASE_URL=postgres://shop:",
		"command=false": `{"reason":"ExitCode","message":"1"}`, "command=sh": "sh: not found in container main\n",
	} {
		admin.expect(t, 101, want, "GET", pods+"/web/exec?stdout=true&stderr=true&"+command, "",
			"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
			"Sec-WebSocket-Key", "dGVzdGNsdXN0ZXJzIGtleQ==", "Sec-WebSocket-Protocol", "v5.channel.k8s.io")
	}
}

func TestDeployments(t *testing.T) {
	cluster := host.Start(t)
	admin := newClient(t, cluster, cluster.Kubeconfig)
	path := "/apis/apps/v1/namespaces/" + namespace(t, admin) + "/deployments"
	admin.expect(t, 201, "", "POST", path, `{"metadata": {"name": "web"}, "spec": {"replicas": 2,
		"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
		"spec": {"containers": [{"name": "main", "image": "example.com/web:1"}]}}}}`)
	admin.until(t, `"readyReplicas":2`, path+"/web")
}

func TestWhoMayWhat(t *testing.T) {
	cluster := host.Start(t)
	const pods = "/api/v1/namespaces/default/pods"
	impersonator := newClient(t, cluster, cluster.Impersonator)
	impersonator.expect(t, 403, `User \"chaperone\" cannot list`, "GET", pods+"?own", "")
	impersonator.expect(t, 403, `User \"jane\" cannot list`, "GET", pods+"?jane", "", "Impersonate-User", "jane")
	impersonator.expect(t, 200, "PodList", "GET", pods+"?masters", "", "Impersonate-User", "jane", "Impersonate-Group", "system:masters")
	text, err := os.ReadFile(cluster.Powerless)
	if err != nil || !strings.Contains(string(text), "powerless-token") {
		t.Fatalf("%v: %s", err, text)
	}
	nobody := &client{url: cluster.URL}
	nobody.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: impersonator.Transport.(*http.Transport).TLSClientConfig.RootCAs}}
	t.Cleanup(nobody.CloseIdleConnections)
	nobody.expect(t, 403, `User \"powerless\" cannot list`, "GET", pods, "", "Authorization", "Bearer powerless-token")

	for uri, want := range map[string]int{pods + "?own": 403, pods + "?jane": 403, pods + "?masters": 200} {
		events := cluster.Audit(t)
		i := slices.IndexFunc(events, func(e kubectltest.AuditEvent) bool { return e.RequestURI == uri })
		if i < 0 {
			t.Fatalf("%s is not in the audit log", uri)
		}
		e := events[i]
		if e.User.Username != "chaperone" || e.Verb != "list" || e.Stage != "ResponseComplete" || e.ResponseStatus.Code != want ||
			e.ObjectRef != (kubectltest.ObjectRef{APIVersion: "v1", Resource: "pods", Namespace: "default"}) {
			t.Errorf("%s: %+v", uri, e)
		}
		if own := uri == pods+"?own"; own != (e.ImpersonatedUser == nil) || !own && e.ImpersonatedUser.Username != "jane" {
			t.Errorf("%s: impersonated %+v", uri, e.ImpersonatedUser)
		}
	}
}

// witness is a testing.TB that only remembers how a test was ended.
type witness struct {
	testing.TB
	ended string
}

func (w *witness) Helper()              {}
func (w *witness) Skipf(string, ...any) { w.ended = "skipped"; runtime.Goexit() }
func (w *witness) Fatal(...any)         { w.ended = "failed"; runtime.Goexit() }

func TestWithoutTheProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the test cluster runs on Linux only")
	}
	t.Setenv("CHAPERONE_TESTCLUSTER", t.TempDir()+"/none")
	for ci, want := range map[string]string{"": "skipped", "true": "failed"} {
		t.Setenv("CI", ci)
		w, done := &witness{TB: t}, make(chan struct{})
		go func() {
			defer close(done)
			new(kubectltest.Host).Start(w)
		}()
		<-done
		if w.ended != want {
			t.Errorf("with CI=%q the test %s, want %s", ci, w.ended, want)
		}
	}
}

// TestItGoesOn where it was, in order or killed: who knew it before knows it still.
func TestItGoesOn(t *testing.T) {
	var own kubectltest.Host
	t.Cleanup(own.Stop)
	cluster := own.Start(t)
	admin := newClient(t, cluster, cluster.Kubeconfig)
	pods := podsOf(t, admin)
	admin.expect(t, 201, "", "POST", pods, pod("first", ""))
	admin.until(t, `"phase":"Running"`, pods+"/first")
	for name, end := range map[string]func(){"killed": func() { cluster.Kill() }, "stopped": func() { cluster.Stop() }} {
		end()
		if response, err := admin.Get(cluster.URL + "/readyz"); err == nil {
			response.Body.Close()
			t.Errorf("%s, it still answers", name)
		}
		cluster.Again(t)
		admin.expect(t, 200, `"podIP":"10.244.0.2"`, "GET", pods+"/first", "")
		admin.expect(t, 201, "", "POST", pods, pod(name, ""))
		admin.until(t, `"phase":"Running"`, pods+"/"+name)
		impersonator := newClient(t, cluster, cluster.Impersonator)
		impersonator.expect(t, 200, "PodList", "GET", pods+"?"+name, "", "Impersonate-User", "jane", "Impersonate-Group", "system:masters")
		if !slices.ContainsFunc(cluster.Audit(t), func(e kubectltest.AuditEvent) bool { return e.RequestURI == pods+"?"+name }) {
			t.Errorf("%s, its audit log does not go on", name)
		}
		if _, body := admin.ask(t, "GET", pods+"/"+name, ""); strings.Contains(body, `"podIP":"10.244.0.2"`) {
			t.Errorf("%s, it gives an address twice", name)
		}
	}
}

func TestItEndsWithItsInput(t *testing.T) {
	var own kubectltest.Host
	cluster := own.Start(t)
	admin := newClient(t, cluster, cluster.Kubeconfig)
	admin.expect(t, 200, "ok", "GET", "/readyz", "")
	own.Stop()
	if response, err := admin.Get(cluster.URL + "/readyz"); err == nil {
		response.Body.Close()
		t.Error("it still answers")
	}
	if _, err := os.Stat(cluster.Kubeconfig); !os.IsNotExist(err) {
		t.Errorf("its folder is still there: %v", err)
	}
}
