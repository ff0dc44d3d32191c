package kubectl

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

// shaped is an answer as a command of kubectl gets it, and whether it was cut.
func shaped(t testing.TB, line, accept, body string, bytes int) (string, bool) {
	t.Helper()
	c, err := parse(splitLine(line), "", "default")
	if err != nil {
		t.Fatal(err)
	}
	s := &sent{Request: Request{Verb: "list", Version: "v1", Resource: "pods"}, masker: maskOf{}, shape: c.shape(bytes), http: &http.Request{Header: http.Header{"Accept": {accept}}}}
	data, err := screened(s, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return string(data), s.shape.wasCut()
}

const podList = `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"c","remainingItemCount":9},"items":[` +
	`{"metadata":{"name":"a","labels":{"l":"1"},"annotations":{"n":"1"},"managedFields":[{"manager":"m"}]},"spec":{"nodeName":"n"}},` +
	`{"metadata":{"name":"b","managedFields":[]},"spec":{}}]}`

const podTable = `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"continue":"c"},"columnDefinitions":[{"name":"Name","priority":0},{"name":"IP","priority":1}],"rows":[` +
	`{"cells":["a","10.0.0.1"],"object":{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a","namespace":"x","uid":"u","labels":{"l":"1"},"managedFields":[{"manager":"m"}]}}}]}`

// TestOnlyWhatIsPrintedIsKept of what the server tells.
func TestOnlyWhatIsPrintedIsKept(t *testing.T) {
	const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
	for _, c := range []struct{ line, accept, body, has, hasNot string }{
		{"get pods -o json", "", podList, `"annotations" "nodeName" "continue"`, "managedFields"},
		{"get pods -o yaml --show-managed-fields", "", podList, `"annotations" "managedFields" "manager"`, ""},
		{"get pods -o yaml --show-managed-fields=false", "", podList, `"annotations"`, "managedFields"},
		{"get pods -o name", "", podList, `"name":"a" "name":"b" "continue"`, "managedFields annotations nodeName"},
		{"get pods -o jsonpath={.items[*].metadata.name}", "", podList, `"name" "labels" "continue"`, "managedFields spec"},
		{"get pods -o 'jsonpath={range .items[*]}{.metadata.name}{\"\\t\"}{.spec.nodeName}{end}'", "", podList, `"name" "nodeName"`, "managedFields"},
		{"get pods -o custom-columns=N:.metadata.name,L:.metadata.labels.a\\.b/c", "", podList, `"name" "labels"`, "managedFields spec"},
		{"get pods -o custom-columns=N:.metadata.name,O:.spec", "", podList, `"name" "nodeName"`, "managedFields"},
		{"get pods -o jsonpath={.items[*].metadata.name} --allow-missing-template-keys=false", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={.items[0].metadata.name}", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={.items[*].metadata}", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={.items[*].metadata.*}", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={.items[*]['metadata']}", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={.items[*].metadata.managedFields[*].manager}", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={..manager}", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={range.items[*]}{@}{end}", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={.items[*]}", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={.items[*].metadata.name}{.items[*]}", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={$}", "", podList, `"managedFields"`, ""},
		{"get pods -o custom-columns=N:.metadata", "", podList, `"managedFields"`, ""},
		{"get pods -o custom-columns=N:.", "", podList, `"managedFields"`, ""},
		{"get pods -o jsonpath={.items}", "", podList, `"managedFields"`, ""},
		{"get pods -o custom-columns=A:.metadata.managedFields", "", podList, `"managedFields"`, ""},
		{"get pods -o go-template --template={{.}}", "", podList, `"managedFields"`, ""},
		{"get pods", asTable, podTable, `"cells" "labels" "namespace" "continue" "columnDefinitions"`, "managedFields uid"},
		{"get pods --sort-by=.metadata.uid", asTable, podTable, `"managedFields" "uid"`, ""},
		{"get pods", asTable, podList, `"annotations" "nodeName"`, "managedFields"},
		{"get pods", "application/json", podTable, `"managedFields" "uid"`, ""},
		{"describe pods", "", podList, `"managedFields"`, ""},
	} {
		got, cut := shaped(t, c.line, c.accept, c.body, 1<<20)
		for want := range strings.FieldsSeq(c.has) {
			if !strings.Contains(got, want) {
				t.Errorf("kubectl %s lacks %s: %s", c.line, want, got)
			}
		}
		for not := range strings.FieldsSeq(c.hasNot) {
			if strings.Contains(got, not) {
				t.Errorf("kubectl %s gets %s: %s", c.line, not, got)
			}
		}
		if cut {
			t.Errorf("kubectl %s is cut", c.line)
		}
	}
}

// TestListsEndWhereTheOutputDoes: what comes after it is not asked for.
func TestListsEndWhereTheOutputDoes(t *testing.T) {
	got, cut := shaped(t, "get pods -o json", "", podList, 20)
	if !cut || strings.Contains(got, `"b"`) || !strings.Contains(got, `"a"`) || strings.Contains(got, "continue") || !strings.Contains(got, `"resourceVersion":"7"`) {
		t.Errorf("%v %s", cut, got)
	}
	// Lists of objects that the server does not know have their kind at the end.
	late := `{"apiVersion":"v1","items":[` + strings.Repeat(`{"kind":"X","apiVersion":"v1"},`, 9) + `{}],"kind":"XList","metadata":{"continue":"c"}}`
	if got, cut = shaped(t, "get pods -o json", "", late, 20); !cut || !strings.Contains(got, `"kind":"XList"`) || strings.Contains(got, "continue") {
		t.Errorf("%v %s", cut, got)
	}
}

// counter counts the requests that leave.
type counter struct {
	next http.RoundTripper
	n    *atomic.Int64
}

func (c counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return c.next.RoundTrip(r)
}

// oddMaps are objects that are printed in much fewer letters than the server needs
// to tell them, and in much more.
func oddMaps(count int) string {
	var out strings.Builder
	for i := range count {
		fmt.Fprintf(&out, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m-%03d, labels: {a: \"\"}}\ndata: %s\n", i, []string{
			`{a: "` + strings.Repeat("<", 200) + `"}`, `{a: "` + strings.Repeat(`\"`, 200) + `"}`, `{a: "` + strings.Repeat(`\n`, 200) + `"}`,
			`{a: "", b: "", c: "", d: "1", e: "ü", f: "` + strings.Repeat(`\t\0`, 50) + `"}`, `{a: "` + strings.Repeat("x", 500) + `"}`, "{}",
		}[i%6])
	}
	return out.String()
}

// TestOutputIsCutWhereItEnds: what fits is what kubectl prints, to the last letter;
// of what does not, the beginning, and what is not wanted is not asked for.
func TestOutputIsCutWhereItEnds(t *testing.T) {
	s := newStage(t)
	const count, chunk = 60, 5
	s.must("apply -f -", oddMaps(count))
	var sent atomic.Int64
	s.conn.open.credential = counter{s.conn.open.credential, &sent}
	for _, format := range []string{"-o json", "-o yaml", "-o kyaml", "-o json --show-managed-fields", "-o name", "", "-o wide", "--no-headers --show-labels"} {
		line := fmt.Sprintf("get cm %s -l a --chunk-size=%d", format, chunk)
		all := s.must(line)
		within := func(bytes int) (*result, int64) {
			conn := *s.conn
			conn.limits = tools.Limits{Bytes: bytes, Timeout: conn.limits.Timeout}
			one, before := *s, sent.Load()
			one.conn = &conn
			r, err := one.call(line, "")
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return r, sent.Load() - before
		}
		r, n := within(len(all))
		for again := s.must(line); again != all; again = s.must(line) {
			all = again // it is older by now
			r, n = within(len(all))
		}
		if r.Output != all || r.Truncated || n < count/chunk {
			t.Errorf("%s: what just fits is not the same, after %d requests:\n%s", line, n, r.Output)
		}
		for _, bytes := range []int{len(all) - 1, len(all) / 2, len(all) / 10} {
			r, n := within(bytes)
			if !r.Truncated || format != "" && format[:2] == "-o" && format != "-o wide" && r.Output != all[:bytes] {
				t.Errorf("%s with %d bytes is not cut there but: %v %s", line, bytes, r.Truncated, r.Output)
			}
			if bytes == len(all)/10 && format != "-o name" && n >= count/chunk {
				t.Errorf("%s with %d bytes: %d requests", line, bytes, n)
			}
		}
	}
}

// TestWhatLooksLikeAListIsMasked: the metadata of a list hold nothing that could be.
func TestWhatLooksLikeAListIsMasked(t *testing.T) {
	const text = `{\"kind\":\"Pod\",\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"}]}`
	body := `{"kind":"Basket","apiVersion":"shop.example.com/v1","metadata":{"name":"b","annotations":{"` + lastApplied + `":"` + text + `"}},"items":[{"a":1}]}`
	for _, line := range []string{"get baskets -o yaml", "get baskets -o jsonpath={.}"} {
		if got, _ := shaped(t, line, "", body, 1<<20); strings.Contains(got, "hunter2") || !strings.Contains(got, "DB_PASSWORD") {
			t.Errorf("kubectl %s: %s", line, got)
		}
	}
}

// broken fails in the midst of an answer.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, http.ErrHandlerTimeout }

// TestAnswersThatBreakOff say why, and nothing of them gets through.
func TestAnswersThatBreakOff(t *testing.T) {
	s := &sent{Request: Request{Verb: "list", Version: "v1", Resource: "pods"}, masker: maskOf{}, http: &http.Request{}}
	for _, begin := range []string{"", `{"kind":"PodList","items":[{"a":1}`, `{"a":"`} {
		data, err := screened(s, io.MultiReader(strings.NewReader(begin), broken{}))
		if err == nil || data != nil || !strings.Contains(err.Error(), http.ErrHandlerTimeout.Error()) {
			t.Errorf("%s: %v %s", begin, err, data)
		}
	}
}

// TestTablesAreAskedForCells only, where nothing else is printed.
func TestTablesAreAskedForCells(t *testing.T) {
	for line, narrow := range map[string]bool{
		"get pods": true, "get pods web -o wide": true, "get pods,svc --show-kind --no-headers": true,
		"get pods -A": false, "get pods -L app": false, "get pods --show-labels": false, "get pods --sort-by=.metadata.name": false,
		"get pods -w": false, "get pods -o json": false, "describe pods": false,
	} {
		c, err := parse(splitLine(line), "", "default")
		if err != nil {
			t.Fatal(err)
		}
		for _, accept := range []string{"application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "application/json"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://127.0.0.1/api/v1/namespaces/x/pods?limit=500", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Accept", accept)
			s := &sent{http: r, shape: c.shape(1 << 20)}
			s.narrow()
			want := "limit=500"
			if narrow && s.asTable() {
				want = "includeObject=None&limit=500"
			}
			if got := s.http.URL.RawQuery; got != want {
				t.Errorf("kubectl %s asks %s for %s, want %s", line, accept, got, want)
			}
		}
	}
}

// TestWhatIsHeldIsBounded also where kubectl asks for it in pieces.
func TestWhatIsHeldIsBounded(t *testing.T) {
	object := `{"metadata":{"name":"a"},"data":{"a":"` + strings.Repeat("x", 1<<20) + `"}}`
	piece := `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"continue":"c"},"items":[` + strings.Repeat(object+",", 9) + object + "]}"
	for line, held := range map[string]bool{
		"get cm -o jsonpath={.items}": true, "get cm --sort-by=.metadata.name -o json": true, "get cm -o custom-columns=A:.data": true,
		"get cm -o go-template={{.}}": true, "get cm -o json": false, "get cm -o name": false,
	} {
		c, err := parse(splitLine(line), "", "default")
		if err != nil {
			t.Fatal(err)
		}
		shape := c.shape(1 << 20)
		for range 10 {
			s := &sent{Request: Request{Verb: "list", Version: "v1", Resource: "configmaps"}, masker: maskOf{}, shape: shape, http: &http.Request{}}
			if _, err = screened(s, strings.NewReader(piece)); err != nil {
				break
			}
		}
		if (err != nil) != held || err != nil && !strings.Contains(err.Error(), "kubectl would hold at once") {
			t.Errorf("kubectl %s: %v", line, err)
		}
	}
}
