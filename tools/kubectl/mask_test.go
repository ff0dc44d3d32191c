package kubectl

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

// maskOf hides the values of the origins in one way.
type maskOf map[tools.Origin]bool

func (m maskOf) Mask(o tools.Origins) tools.Mask {
	if o.Any && len(m) > 0 {
		return gone{}
	}
	for _, origin := range o.Known {
		if m[origin] {
			return gone{}
		}
	}
	for _, place := range o.Within {
		for origin := range m {
			if strings.HasPrefix(string(origin)+".", string(place)+".") {
				return gone{}
			}
		}
	}
	return nil
}

type gone struct{}

func (gone) Name() string                { return "redact" }
func (gone) Apply(string) (string, bool) { return "***", true }

// through is an answer as kubectl gets it.
func through(t testing.TB, r Request, m tools.Masker, kind, body string) (string, error) {
	t.Helper()
	s := &sent{Request: r, masker: m, http: &http.Request{Method: http.MethodGet}}
	answer, err := mask(s, &http.Response{ //nolint:bodyclose // it is a string
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)),
	})
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(answer.Body)
	return string(data), err
}

const secretJSON = `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db","annotations":{
	"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"stringData\":{\"password\":\"hunter2\"}}"}},
	"data":{"password":"aHVudGVyMg=="},"stringData":{"password":"hunter2"}}`

// TestSecretsAreMasked wherever they stand in an answer.
func TestSecretsAreMasked(t *testing.T) {
	secrets := Request{Verb: "get", Version: "v1", Resource: "secrets"}
	for name, body := range map[string]string{
		"one":    secretJSON,
		"a list": `{"kind":"SecretList","apiVersion":"v1","items":[` + secretJSON + `]}`,
		"nested": `{"kind":"List","apiVersion":"v1","items":[{"kind":"List","apiVersion":"v1","items":[` + secretJSON + `]}]}`,
		"table":  `{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[],"rows":[{"cells":["db"],"object":` + secretJSON + `}]}`,
		"event":  `{"type":"ADDED","object":` + secretJSON + `}`,
		"a list without kinds": `{"kind":"SecretList","apiVersion":"v1","items":[` +
			strings.Replace(strings.Replace(secretJSON, `"kind":"Secret",`, "", 1), `"apiVersion":"v1",`, "", 1) + `]}`,
		"a broken annotation": strings.Replace(secretJSON, `"{\"apiVersion`, `"{{\"apiVersion`, 1),
	} {
		for _, r := range []Request{secrets, {Verb: "list", Version: "v1", Resource: "configmaps"}} {
			if name == "a list without kinds" && r.Resource != "secrets" {
				continue
			}
			got, err := through(t, r, maskOf{}, "application/json", body)
			if err != nil || strings.Contains(got, "hunter2") || strings.Contains(got, "aHVudGVyMg") {
				t.Errorf("%s as %s: %v %s", name, r.Resource, err, got)
			}
		}
	}
}

// TestNotesAreMasked: more than kubectl keep whole objects in annotations.
func TestNotesAreMasked(t *testing.T) {
	const note = `{\"apiVersion\":\"v1\", \"kind\":\"%\",\"data\":{\"password\":\"hunter2\"},\"env\":[{\"name\":\"TOKEN\",\"value\":\"hunter2\"}]}`
	const plain = `"plain":"{\"a\": 1 }","broken":"{a"`
	for resource, kind := range map[string]string{"secrets": "Secret", "pods": "Pod", "configmaps": "Secret"} {
		body := `{"kind":"` + strings.ToUpper(resource) + `","metadata":{"name":"a","annotations":{` + plain + `,"kapp.k14s.io/original":"` + strings.Replace(note, "%", kind, 1) + `"}}}`
		got, err := through(t, Request{Verb: "get", Version: "v1", Resource: resource}, maskOf{"pods.data.password": true}, "application/json", body)
		if err != nil || strings.Contains(got, "hunter2") || !strings.Contains(got, `"broken":"{a"`) || !strings.Contains(got, `"plain":"{\"a\": 1 }"`) {
			t.Errorf("%s: %v %s", resource, err, got)
		}
	}
}

// TestWatchesAreMasked event by event.
func TestWatchesAreMasked(t *testing.T) {
	event := `{"type":"MODIFIED","object":` + secretJSON + `}`
	got, err := through(t, Request{Verb: "watch", Version: "v1", Resource: "secrets"}, maskOf{}, "application/json", event+"\n"+event)
	if err != nil || strings.Contains(got, "hunter2") || strings.Count(got, redacted) < 4 {
		t.Errorf("%v %s", err, got)
	}
}

func TestEnvironmentIsMasked(t *testing.T) {
	body := `{"kind":"Pod","spec":{"containers":[{"name":"web","env":[{"name":"DB_PASSWORD","value":"hunter2"},{"name":"MODE","value":"fast"},
		{"name":"API_KEY","valueFrom":{"secretKeyRef":{"name":"db","key":"k"}}}]}]}}`
	got, err := through(t, Request{Verb: "get", Version: "v1", Resource: "pods"}, maskOf{}, "application/json", body)
	if err != nil || strings.Contains(got, "hunter2") || !strings.Contains(got, `"fast"`) || !strings.Contains(got, "secretKeyRef") {
		t.Errorf("%v %s", err, got)
	}
}

// TestFieldsAreMasked that policy names, in the object and in what kubectl keeps
// of it.
func TestFieldsAreMasked(t *testing.T) {
	body := `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","annotations":{"kubectl.kubernetes.io/last-applied-configuration":
		"{\"kind\":\"ConfigMap\",\"data\":{\"host\":\"db.internal\",\"mode\":\"fast\"}}"}},"data":{"host":"db.internal","mode":"fast"}}`
	got, err := through(t, Request{Verb: "get", Version: "v1", Resource: "configmaps"}, maskOf{"configmaps.data.host": true}, "application/json", body)
	if err != nil || strings.Contains(got, "db.internal") || strings.Count(got, "fast") != 2 || !strings.Contains(got, `"name":"c"`) {
		t.Errorf("%v %s", err, got)
	}
}

// TestCellsOfUnknownTables: a column of a custom resource may print any field.
func TestCellsOfUnknownTables(t *testing.T) {
	table := `{"kind":"Table","columnDefinitions":[{"name":"Name","format":"name"},{"name":"Desired"},{"name":"Age"}],
		"rows":[{"cells":["a","1234","5m"],"object":{"apiVersion":"%","kind":"X"}}]}`
	for version, hidden := range map[string]bool{"bank.example.com/v1": true, "apps/v1": false, "networking.k8s.io/v1": false, "v1": false} {
		body := strings.Replace(table, "%", version, 1)
		got, err := through(t, Request{Verb: "list", Resource: "x"}, maskOf{"x.spec.pin": true}, "application/json", body)
		if err != nil || strings.Contains(got, "1234") == hidden || !strings.Contains(got, `"5m"`) {
			t.Errorf("%s: %v %s", version, err, got)
		}
		if got, _ := through(t, Request{Verb: "list", Resource: "x"}, maskOf{}, "application/json", body); !strings.Contains(got, "1234") {
			t.Errorf("%s without a mask: %s", version, got)
		}
	}
}

// TestCellsOfCustomResources: the server tells only the metadata of the objects
// beside the cells, in a list and in a watch.
func TestCellsOfCustomResources(t *testing.T) {
	table := `{"kind":"Table","apiVersion":"meta.k8s.io/v1","columnDefinitions":[{"name":"Name","format":"name"},{"name":"Desired"},{"name":"Age"}],
		"rows":[{"cells":["a","1234","5m"],"object":{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{"name":"a"}}}]}`
	for _, verb := range []string{"list", "watch"} {
		for group, hidden := range map[string]bool{"bank.example.com": true, "apps": false, "networking.k8s.io": false, "": false} {
			body := table
			if verb == "watch" {
				body = `{"type":"ADDED","object":` + table + `}`
			}
			for _, accept := range []string{"", "application/json;as=Table"} {
				s := &sent{Request: Request{Verb: verb, Group: group, Version: "v1", Resource: "x"}, masker: maskOf{"x.spec.pin": true}, http: &http.Request{Header: http.Header{"Accept": {accept}}}}
				r, err := mask(s, answer(&http.Request{}, http.StatusOK, []byte(body))) //nolint:bodyclose // it is a string
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(r.Body)
				if err != nil || strings.Contains(string(got), "1234") == hidden || !strings.Contains(string(got), `"5m"`) || !strings.Contains(string(got), `["a"`) {
					t.Errorf("%s of %q by %q: %v %s", verb, group, accept, err, got)
				}
			}
		}
	}
}

// TestWhatCanNotBeReadDoesNotGetThrough: protobuf, CBOR, or nothing that is known.
func TestWhatCanNotBeReadDoesNotGetThrough(t *testing.T) {
	r := Request{Verb: "get", Version: "v1", Resource: "secrets"}
	for _, kind := range []string{"application/vnd.kubernetes.protobuf", "application/cbor", "text/html", "", "application/json-seq"} {
		if got, err := through(t, r, maskOf{}, kind, "hunter2"); err == nil {
			t.Errorf("%s: %s", kind, got)
		}
	}
	for _, body := range []string{"hunter2", `{"kind":"Secret"`, `["hunter2"]`, `"hunter2"`, ""} {
		if got, err := through(t, r, maskOf{}, "application/json", body); err == nil && strings.Contains(got, "hunter2") {
			t.Errorf("%q: %s", body, got)
		}
	}
}

// FuzzMask: no Secret's data gets through, whatever stands around it, and what
// comes out is JSON.
func FuzzMask(f *testing.F) {
	f.Add([]byte(`{"items":[%]}`))
	f.Add([]byte(`{"rows":[{"object":%}],"kind":"Table"}`))
	f.Add([]byte(`{"type":"ADDED","object":%}`))
	f.Fuzz(func(t *testing.T, around []byte) {
		body := bytes.ReplaceAll(around, []byte("%"), []byte(`{"kind":"Secret","apiVersion":"v1","data":{"p":"aHVudGVyMg=="}}`))
		got, err := through(t, Request{Verb: "get", Version: "v1", Resource: "secrets"}, maskOf{}, "application/json", string(body))
		if err != nil {
			return
		}
		if !json.Valid([]byte(got)) || strings.Contains(got, "aHVudGVyMg") {
			t.Errorf("%s became %s", body, got)
		}
	})
}

// FuzzDelicate: what is said to have nothing to hide is not changed by masking it.
func FuzzDelicate(f *testing.F) {
	for _, seed := range []string{
		`{"env":[{"name":"DB_PASSWORD","value":"x"}]}`, `{"env":[{"name" : "a\"token","value":"x"}]}`, `{"env":[{"n\u0061me":"token","value":"x"}]}`,
		`{"\u0065nv":[{"name":"token","value":"x"}]}`, `{"kind":"Secret","apiVersion":"v1","data":{"a":"b"}}`, `{"kind":"\u0053ecret","apiVersion":"v1","data":{"a":"b"}}`,
		`{"metadata":{"annotations":{"` + lastApplied + `":"{\"env\":[{\"name\":\"token\",\"value\":\"x\"}]}\n"}}}`, `{"env":[{"name":"MODE","value":"<none>\u003c"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before, err := decode(data)
		if err != nil || delicate(data) || !variables.Match(data) && bytes.Contains(data, []byte("name")) {
			return
		}
		after, _ := decode(data)
		maskObject("pods", unmasked{}, after)
		notes := func(o map[string]any) any {
			meta, _ := o["metadata"].(map[string]any)
			all, _ := meta["annotations"].(map[string]any)
			text, _ := all[lastApplied].(string)
			delete(all, lastApplied)
			inner, _ := decode([]byte(text))
			return inner
		}
		if a, b := notes(before), notes(after); !reflect.DeepEqual(a, b) && a != nil {
			t.Errorf("%s: %v became %v", data, a, b)
		}
		if !reflect.DeepEqual(before, after) {
			t.Errorf("%s became %v", data, after)
		}
	})
}
