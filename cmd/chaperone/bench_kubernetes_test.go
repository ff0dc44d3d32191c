package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/server/identity"
	"github.com/chaperone-dev/chaperone/tools/kubectl/kubectltest"
)

// benchCluster is a gateway over HTTP on the starter policy before a cluster full
// of pods, and client-go and kubectl, which go there without it.
type benchCluster struct {
	cluster *kubectltest.Cluster
	url     string
	tokens  []string
	pid     int
	bare    rest.Interface
	kubectl string
	home    string
}

const benchClusterConfig = `data_dir: ./state
policy: {paths: [%q]}
server: {listen: "127.0.0.1:0"}
identity:
  tokens:
%sconnections:
  - name: cluster
    family: kubectl
    labels: {env: staging}
    kubectl: {kubeconfig: %q, namespace: few}
`

// The namespaces of the benchmarks, and how many pods are in each.
var benchPods = map[string]int{"one": 1, "few": 500, "many": 5000}

func newBenchCluster(b *testing.B) *benchCluster {
	b.Helper()
	s := &benchCluster{cluster: sharedCluster.Start(b)}
	config, err := clientcmd.BuildConfigFromFlags("", s.cluster.Kubeconfig)
	if err != nil {
		b.Fatal(err)
	}
	config.QPS, config.WarningHandler = -1, rest.NoWarnings{}
	fill(b, kubernetes.NewForConfigOrDie(config))
	config.GroupVersion, config.NegotiatedSerializer, config.APIPath = &corev1.SchemeGroupVersion, scheme.Codecs.WithoutConversion(), "/api"
	if s.bare, err = rest.RESTClientFor(config); err != nil {
		b.Fatal(err)
	}
	policies, err := filepath.Abs("../../examples/policies")
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	var tokens strings.Builder
	for n := range 8 {
		token, hash := identity.NewToken()
		s.tokens = append(s.tokens, token)
		fmt.Fprintf(&tokens, "    - {hash: %q, subject: bench%d, groups: [developers]}\n", hash, n)
	}
	writeFiles(b, dir, map[string]string{"chaperone.yaml": fmt.Sprintf(benchClusterConfig, policies, tokens.String(), s.cluster.Kubeconfig)})
	s.url, s.pid = servedBench(b, filepath.Join(dir, "chaperone.yaml"))
	return s
}

// filled makes the pods once, for they take half a minute.
var filled sync.Once

func fill(b *testing.B, client kubernetes.Interface) {
	b.Helper()
	filled.Do(func() {
		for name, count := range benchPods {
			namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
			if _, err := client.CoreV1().Namespaces().Create(b.Context(), namespace, metav1.CreateOptions{}); err != nil {
				b.Fatal(err)
			}
			var group sync.WaitGroup
			for worker := range 8 {
				group.Go(func() {
					for n := worker; n < count; n += 8 {
						if err := makePod(b.Context(), client, name, n); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
		}
		settle(b, client)
	})
	if b.Failed() {
		b.FailNow()
	}
}

// settle waits until the node has said of all pods that they run.
func settle(b *testing.B, client kubernetes.Interface) {
	for {
		list, err := client.CoreV1().Pods("").List(b.Context(), metav1.ListOptions{FieldSelector: "status.phase!=Running", Limit: 1})
		if err != nil {
			b.Fatal(err)
		}
		if len(list.Items) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// makePod makes a pod of the size that they have in production: some 8 KB, half
// of which is what the server notes about who set what.
func makePod(ctx context.Context, client kubernetes.Interface, namespace string, n int) error {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("web-7d9c6b5f4-%05d", n), Namespace: namespace,
			Labels:      map[string]string{"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "shop", "pod-template-hash": "7d9c6b5f4", "team": "shop"},
			Annotations: map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "9090", "checksum/config": strings.Repeat("0123456789abcdef", 4)},
		},
		Spec: corev1.PodSpec{
			NodeName: "node-1", Containers: []corev1.Container{benchContainer("web", "registry.example.com/shop/web:1.42.0"), benchContainer("proxy", "registry.example.com/mesh/proxy:2.7.1")},
			Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "web"}}}}},
		},
	}
	for {
		_, err := client.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
		// The namespace's service account is made by a controller, in its time.
		if !apierrors.IsForbidden(err) || ctx.Err() != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func benchContainer(name, image string) corev1.Container {
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}}, PeriodSeconds: 10}
	room := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("256Mi")}
	return corev1.Container{
		Name: name, Image: image, Args: []string{"--listen=:8080", "--log-level=info"},
		Env:       []corev1.EnvVar{{Name: "REGION", Value: "eu-west-1"}, {Name: "LOG_FORMAT", Value: "json"}, {Name: "DB_HOST", Value: "db.shop.svc"}},
		Ports:     []corev1.ContainerPort{{Name: name + "-http", ContainerPort: 8080}},
		Resources: corev1.ResourceRequirements{Limits: room, Requests: room}, LivenessProbe: probe, ReadinessProbe: probe,
		VolumeMounts: []corev1.VolumeMount{{Name: "config", MountPath: "/etc/" + name}},
	}
}

// governed is a call of the words by a client of its own.
func (s *benchCluster) governed(b *testing.B, n int, words ...string) func(context.Context) error {
	b.Helper()
	c, err := demo.Connect(b.Context(), s.url, s.tokens[n%len(s.tokens)])
	if err != nil {
		b.Fatal(err)
	}
	return func(ctx context.Context) error {
		reply, err := c.Call(ctx, "kubectl_read", map[string]any{"args": words})
		if err == nil && reply.IsError {
			err = fmt.Errorf("%s", reply.Text)
		}
		return err
	}
}

// table is what kubectl asks for, to print the pods of a namespace.
const table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"

// list makes the request of "kubectl get pods" by client-go, and decodes the table.
func (s *benchCluster) list(namespace string) func(context.Context) error {
	return func(ctx context.Context) error {
		var out metav1.Table
		err := s.bare.Get().Namespace(namespace).Resource("pods").Param("limit", "500").SetHeader("Accept", table).Do(ctx).Into(&out)
		if err == nil && len(out.Rows) != min(500, benchPods[namespace]) {
			err = fmt.Errorf("the table has %d rows", len(out.Rows))
		}
		return err
	}
}

// process starts kubectl, which has looked at what the server offers before.
func (s *benchCluster) process(words ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		c := exec.CommandContext(ctx, s.kubectl, append(words, "--kubeconfig", s.cluster.Kubeconfig)...)
		c.Env = []string{"HOME=" + s.home, "PATH=" + os.Getenv("PATH"), "KUBECTL_KUBERC=false"}
		out, err := c.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
}

// BenchmarkKubernetesRead compares "kubectl get pods" as a governed call, as a
// request of client-go, and as a process, in turns. It reports medians.
func BenchmarkKubernetesRead(b *testing.B) {
	s := newBenchCluster(b)
	s.kubectl, s.home = built(b, "kubectl", "./testdata/kubectl"), b.TempDir()
	for _, what := range []struct {
		name, namespace string
		more            []string
	}{
		{"1pod", "one", nil}, {"500pods", "few", nil},
		// Of these kubectl wants to know what client-go asks for, and not less.
		{"500pods-labels", "few", []string{"--show-labels"}},
	} {
		b.Run(what.name, func(b *testing.B) {
			words := append([]string{"get", "pods", "-n", what.namespace}, what.more...)
			governed, bare, process := s.governed(b, 0, words...), s.list(what.namespace), s.process(words...)
			one := func(call func(context.Context) error, calls int) []time.Duration {
				return take(b, []func(context.Context) error{call}, calls)
			}
			one(governed, 5)
			one(bare, 5)
			one(process, 2)
			var with, without, started []time.Duration
			for len(with) < max(b.N, turns) {
				with = append(with, one(governed, 10)...)
				without = append(without, one(bare, 10)...)
				started = append(started, one(process, 2)...)
			}
			ours, base, kubectl := p50(with), p50(without), p50(started)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(ours), "governed-p50-ms")
			b.ReportMetric(ms(base), "client-go-p50-ms")
			b.ReportMetric(ms(kubectl), "kubectl-p50-ms")
			b.ReportMetric(float64(ours)/float64(base), "times-client-go")
			b.ReportMetric(float64(kubectl)/float64(ours), "faster-than-kubectl")
		})
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// BenchmarkKubernetesFirst is the first call of a connection, which asks the
// server what it offers, and the second.
func BenchmarkKubernetesFirst(b *testing.B) {
	var first, second []time.Duration
	for b.Loop() {
		s := newBenchCluster(b)
		call := []func(context.Context) error{s.governed(b, 0, "get", "pods", "-n", "one")}
		first, second = append(first, take(b, call, 1)...), append(second, take(b, call, 1)...)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(p50(first)), "first-p50-ms")
	b.ReportMetric(ms(p50(second)), "second-p50-ms")
}

// BenchmarkKubernetesMemory reads how much memory the gateway holds at most while
// it lists 5,000 pods, in a process of its own for each format.
func BenchmarkKubernetesMemory(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("reads /proc")
	}
	for _, format := range []string{"table", "wide", "json", "yaml", "name"} {
		b.Run(format, func(b *testing.B) {
			s := newBenchCluster(b)
			time.Sleep(2 * time.Second) // until nothing of the start is left
			words := []string{"get", "pods", "-n", "many"}
			if format != "table" {
				words = append(words, "-o", format)
			}
			take(b, []func(context.Context) error{s.governed(b, 0, "get", "pods", "-n", "one")}, 1)
			idle := memory(b, s.pid, "VmRSS")
			call := s.governed(b, 0, words...)
			var times []time.Duration
			for b.Loop() {
				times = append(times, take(b, []func(context.Context) error{call}, 1)...)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(p50(times)), "p50-ms")
			b.ReportMetric(idle, "idle-MB")
			b.ReportMetric(memory(b, s.pid, "VmHWM"), "peak-MB")
		})
	}
}

// BenchmarkKubernetesCrowd compares the calls a second of 20 callers with those of
// one, in turns.
func BenchmarkKubernetesCrowd(b *testing.B) {
	s := newBenchCluster(b)
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 100
	var crowd []func(context.Context) error
	for n := range 20 {
		crowd = append(crowd, s.governed(b, n, "get", "pods", "-n", "one"))
	}
	rate := func(callers []func(context.Context) error) float64 {
		const calls = 10
		start := time.Now()
		take(b, callers, calls)
		return float64(calls*len(callers)) / time.Since(start).Seconds()
	}
	rate(crowd)
	var one, twenty []float64
	for b.Loop() {
		one, twenty = append(one, rate(crowd[:1])), append(twenty, rate(crowd))
	}
	slices.Sort(one)
	slices.Sort(twenty)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(one[len(one)/2], "one-calls/s")
	b.ReportMetric(twenty[len(twenty)/2], "twenty-calls/s")
	b.ReportMetric(twenty[len(twenty)/2]/one[len(one)/2], "ratio")
}
