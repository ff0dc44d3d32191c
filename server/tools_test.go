package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/gateway"
	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

var update = flag.Bool("update", false, "write the golden files anew")

// listed is a tool as a client sees it.
type listed struct {
	Name         string
	Title        string
	Description  string
	InputSchema  json.RawMessage
	OutputSchema json.RawMessage
	Annotations  struct {
		Title                                                        string
		ReadOnlyHint, DestructiveHint, IdempotentHint, OpenWorldHint *bool
	}
}

// TestToolsList holds what agents are told against testdata/tools.json. Run it
// with -update when that was meant to change.
func TestToolsList(t *testing.T) {
	s := newTestSite(t)
	g, err := gateway.New(gateway.Config{Families: []tools.Family{sql.Family{}}, Record: s.record, Policy: func() gateway.Decider { return rules{} }})
	if err != nil {
		t.Fatal(err)
	}
	s.edge = New(Options{Gateway: g, Version: "test"})
	p := s.pipe()
	p.initialize(legacyVersion)
	r := p.request(1, "tools/list", nil)
	pretty := jsontext.Value(bytes.Clone(r.Result))
	if err := pretty.Indent(); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "tools.json")
	if *update {
		if err := os.WriteFile(golden, append(pretty, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(pretty) + "\n"; got != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("tools/list is not what %s says; run go test ./server -run ToolsList -update and look at the difference", golden)
	}
	checkTools(t, r.Result)
	if again := p.request(2, "tools/list", nil); string(again.Result) != string(r.Result) {
		t.Error("the list differs from one time to the next")
	}
}

func checkTools(t *testing.T, result json.RawMessage) {
	t.Helper()
	var list struct {
		Tools      []listed
		NextCursor string
	}
	if err := json.Unmarshal(result, &list); err != nil || len(list.Tools) == 0 || len(list.Tools) > 20 || list.NextCursor != "" {
		t.Fatalf("%d tools, %v", len(list.Tools), err)
	}
	name := regexp.MustCompile(`^[a-z0-9_]{1,32}$`)
	for _, tool := range list.Tools {
		a := tool.Annotations
		switch {
		case !name.MatchString(tool.Name):
			t.Errorf("the name %q", tool.Name)
		case tool.Title == "" || tool.Description == "":
			t.Errorf("%s has no title or description", tool.Name)
		case a.ReadOnlyHint == nil || a.DestructiveHint == nil || a.IdempotentHint == nil || a.OpenWorldHint == nil:
			t.Errorf("%s lacks an annotation", tool.Name)
		case *a.ReadOnlyHint && (*a.DestructiveHint || strings.HasSuffix(tool.Name, "_write")):
			t.Errorf("%s says that it only reads", tool.Name)
		}
		compile(t, tool.Name+" input", tool.InputSchema)
		compile(t, tool.Name+" output", tool.OutputSchema)
	}
}

// compile checks a schema against JSON Schema 2020-12 and makes it ready.
func compile(t *testing.T, name string, schema json.RawMessage) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if object, ok := doc.(map[string]any); !ok || object["type"] != "object" {
		t.Errorf("%s: the schema is not of an object", name)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return compiled
}

// TestEveryReplyMatchesItsSchema makes calls end in every way that there is.
func TestEveryReplyMatchesItsSchema(t *testing.T) {
	s := newTestSite(t)
	s.fake.on("fail", func(context.Context) (tools.Result, error) {
		return nil, &tools.Failure{Code: "42", Message: "no <such> & thing", Plain: "no such thing", Hint: "look", Position: 3}
	})
	s.fake.on("unsure", func(context.Context) (tools.Result, error) {
		return nil, &tools.Failure{Message: "the target was lost", Plain: "the target was lost", Unsure: true}
	})
	s.fake.on("fault", func(context.Context) (tools.Result, error) { return nil, errors.New("inner text: " + secretOfPanic) })
	s.fake.on("panic", func(context.Context) (tools.Result, error) { panic(secretOfPanic) })
	s.fake.on("moved", func(context.Context) (tools.Result, error) { return nil, tools.ErrMoved })
	p := s.pipe()
	p.initialize(legacyVersion)
	schemas := s.outputSchemas(p)
	id := 10
	ends := map[string]int{}
	check := func(tool string, args map[string]any) {
		t.Helper()
		id++
		r := p.request(id, "tools/call", map[string]any{"name": tool, "arguments": args})
		ends[checkReply(t, schemas[tool], r)]++
		if strings.Contains(r.body, "hunter2") {
			t.Errorf("an inner text shows: %s", r.body)
		}
	}
	for _, tool := range []string{"fake_read", "fake_write"} {
		for _, do := range []string{"plain", "<b>&amp; \u2028 \"quoted\" \\ \x01 é 😀", "fail", "unsure", "fault", "panic", "moved", "refuse", "denied"} {
			check(tool, map[string]any{"do": do})
		}
		check(tool, map[string]any{"do": "x", "connection": "other"})
		check(tool, map[string]any{"wrong": true})
	}
	check("fake_write", map[string]any{"do": "x", "dry_run": true})
	check("access", map[string]any{})
	check("access", map[string]any{"x": 1})
	if err := s.record.Close(); err != nil && !errors.Is(err, recorder.ErrClosed) {
		t.Fatal(err)
	}
	check("fake_write", map[string]any{"do": "never"})
	for _, status := range []gateway.Status{gateway.OK, gateway.Described, gateway.Refused, gateway.Failed, gateway.Ambiguous} {
		if ends[string(status)] == 0 {
			t.Errorf("no call ended as %s", status)
		}
	}
}

func (s *testSite) outputSchemas(p *pipeClient) map[string]*jsonschema.Schema {
	s.t.Helper()
	var list struct{ Tools []listed }
	if err := json.Unmarshal(p.request(1, "tools/list", nil).Result, &list); err != nil {
		s.t.Fatal(err)
	}
	schemas := map[string]*jsonschema.Schema{}
	for _, tool := range list.Tools {
		schemas[tool.Name] = compile(s.t.(*testing.T), tool.Name, tool.OutputSchema)
	}
	return schemas
}

// checkReply holds one reply against the schema, and its text against its
// structured content: they are the same bytes but for <, > and &, which the
// transport escapes where it is not inside a text.
func checkReply(t *testing.T, schema *jsonschema.Schema, r rpcReply) (status string) {
	t.Helper()
	var result struct {
		Content           []struct{ Type, Text string }
		StructuredContent jsontext.Value
		IsError           bool
	}
	if err := json.Unmarshal(r.Result, &result); err != nil || len(result.Content) != 1 || result.Content[0].Type != "text" {
		t.Fatalf("the reply %s: %v", r.body, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(result.StructuredContent))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("the reply %s\ndoes not match its schema: %v", result.StructuredContent, err)
	}
	if plain, written := plainJSON(t, []byte(result.Content[0].Text)), plainJSON(t, result.StructuredContent); plain != written {
		t.Errorf("the text is\n%s\nand the structured content\n%s", plain, written)
	}
	status, _ = value.(map[string]any)["status"].(string)
	if result.IsError != (status != "ok" && status != "described") {
		t.Errorf("isError is %v of %s", result.IsError, status)
	}
	return status
}

// plainJSON takes out of JSON the escapes that need not be.
func plainJSON(t *testing.T, data []byte) string {
	t.Helper()
	v := jsontext.Value(bytes.Clone(data))
	if err := v.Format(jsontext.PreserveRawStrings(false)); err != nil {
		t.Fatal(err)
	}
	return string(v)
}
