package kubectl

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// FuzzText: what approvers see of an object is all of it, whatever letters it is
// made of.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		`{"kind":"ConfigMap","data":{"a":"b"}}`, `{"a":"\u009b31m","b":"\u007f\u0000\ufeff\uffff\ufffe\u0085\u2028"}`, `{"\u009b":{"\u0001":[{"\ufeff":null}]}}`,
		`{"y":"y","no":"no","null":"~","n":"1e3","t":"2001-01-01","o":"0o7","s":"1_000","b":"=","i":"0x1f"}`,
		`{"a":"\"\\u009b\\\\u009b"}`, `{"a":"line\nline  \n\n","b":" x ","c":"\t","d":"# no","e":"&a *a !b","f":"- x","g":"? :"}`, `{"n":[1,-0.5,1e3,12345678901234567890,0]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		object, err := decode(data)
		if err != nil || object == nil {
			return
		}
		var want, got any
		whole, err := json.Marshal(plainObject(object))
		if err != nil || json.Unmarshal(whole, &want) != nil || bytes.Contains(whole, []byte(`\u003c\u003c"`)) {
			return // such as a number that is none; or <<, which is shown, but not read back as a name
		}
		said := text(object)
		back, err := yaml.YAMLToJSON([]byte(said))
		if err != nil {
			t.Fatalf("%s can't be read back: %v\n%s", whole, err, said)
		}
		if err := json.Unmarshal(back, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is shown as\n%s which is %s %v", whole, said, back, err)
		}
	})
}

// TestLongDifferences: a change can't be hidden in an object that is too long to
// compare.
func TestLongDifferences(t *testing.T) {
	object := func(image, padding string) map[string]any {
		o, err := decode([]byte(`{"kind":"Deployment","metadata":{"name":"web","annotations":{"padding":""}},"spec":{"replicas":2,
			"containers":[{"name":"side","image":"side:1"},{"name":"web","image":"` + image + `"}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		meta, _ := o["metadata"].(map[string]any)
		meta["annotations"] = map[string]any{"padding": padding}
		return o
	}
	long := strings.Repeat("padding\n", 10000)
	c := change{Request: Request{Verb: "patch", Resource: "deployments", Name: "web"}, before: object("web:1", long), after: object("evil:1", long)}
	got := c.diff()
	for _, want := range []string{"-  - image: web:1\n", "+  - image: evil:1\n", "     name: web\n"} {
		if !strings.Contains(got, want) || len(got) > 300 {
			t.Errorf("%q is not in\n%.1000s", want, got)
		}
	}
	c.after = object("evil:1", long+"more\n")
	if got := c.diff(); !strings.Contains(got, "too long to compare") || !strings.Contains(got, "metadata.annotations.padding, spec.containers.image") {
		t.Errorf("%.1000s", got)
	}
}
