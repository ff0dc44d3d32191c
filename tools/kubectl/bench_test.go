package kubectl

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// benchPod is a pod as the server tells it: some 4 KB, of which much is what the
// server notes about who set what.
func benchPod(n int) string {
	fields := `"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:env":{".":{},"k:{\"name\":\"REGION\"}":{".":{},"f:name":{},"f:value":{}}},"f:image":{},"f:name":{}}}}`
	container := `{"name":"web","image":"registry.example.com/shop/web:1.42.0","args":["--listen=:8080"],"env":[{"name":"REGION","value":"eu-west-1"},{"name":"LOG_FORMAT","value":"json"}],"resources":{"limits":{"cpu":"250m","memory":"256Mi"}},"volumeMounts":[{"name":"kube-api-access","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]}`
	return fmt.Sprintf(`{"metadata":{"name":"web-%05d","namespace":"shop","uid":"u-%d","resourceVersion":"%d","labels":{"app":"web"},"managedFields":[%s]},"spec":{"containers":[%s]},"status":{"phase":"Running","podIP":"10.0.0.1"}}`,
		n, n, n, strings.TrimSuffix(strings.Repeat(`{"manager":"m","fieldsV1":{`+fields+`}},`, 8), ","), strings.TrimSuffix(strings.Repeat(container+",", 4), ","))
}

// BenchmarkScreen makes of a list of 500 pods what kubectl gets of it: where policy
// masks nothing, where it masks a field, and where they hold a variable that is
// masked by what it is called.
func BenchmarkScreen(b *testing.B) {
	var pods []string
	for n := range 500 {
		pods = append(pods, benchPod(n))
	}
	list := `{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[` + strings.Join(pods, ",") + `]}`
	for _, what := range []struct {
		name, line, list string
		masks            maskOf
	}{
		{"json", "get pods -o json", list, nil},
		{"name", "get pods -o name", list, nil},
		{"all", "get pods -o jsonpath={.items}", list, nil},
		{"policy", "get pods -o json", list, maskOf{"pods.spec.nodeName": true}},
		{"variable", "get pods -o json", strings.ReplaceAll(list, `"REGION"`, `"API_KEY"`), nil},
	} {
		b.Run(what.name, func(b *testing.B) {
			c, err := parse(splitLine(what.line), "", "shop")
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(what.list)))
			b.ReportAllocs()
			for b.Loop() {
				s := &sent{Request: Request{Verb: "list", Version: "v1", Resource: "pods"}, masker: what.masks, shape: c.shape(64 << 20), http: &http.Request{}}
				if _, err := screened(s, strings.NewReader(what.list)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
