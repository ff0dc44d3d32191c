package kubectl

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/openapi"
	"k8s.io/kubectl/pkg/cmd/explain"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
)

// newExplain is explain, of descriptions that come to an end: kubectl writes out what a
// schema refers to, in memory, and nothing ends that.
func newExplain(f cmdutil.Factory, s genericiooptions.IOStreams) *cobra.Command {
	return explain.NewCmdExplain("kubectl", finite{f}, s)
}

// finite is a factory whose descriptions come to an end.
type finite struct{ cmdutil.Factory }

// OpenAPIV3Client implements cmdutil.Factory.
func (f finite) OpenAPIV3Client() (openapi.Client, error) {
	client, err := f.Factory.OpenAPIV3Client()
	return finiteClient{client}, err
}

type finiteClient struct{ openapi.Client }

// Paths implements openapi.Client.
func (c finiteClient) Paths() (map[string]openapi.GroupVersion, error) {
	paths, err := c.Client.Paths()
	out := make(map[string]openapi.GroupVersion, len(paths))
	for name, version := range paths {
		out[name] = finiteVersion{version}
	}
	return out, err
}

type finiteVersion struct{ openapi.GroupVersion }

// Schema implements openapi.GroupVersion.
func (v finiteVersion) Schema(contentType string) ([]byte, error) {
	data, err := v.GroupVersion.Schema(contentType)
	if err != nil {
		return nil, err
	}
	return data, checkExtent(data)
}

// Bounds on what explaining one schema may take. The largest that there are take some
// thousand steps, and are some twenty deep.
const (
	maxSteps = 200_000
	maxDepth = 500
)

var errExtent = errors.New("what the API server says of its kinds can't be explained: it goes on for too long")

// checkExtent refuses a description of which a schema would be written out for too
// long.
func checkExtent(description []byte) error {
	var d struct {
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(description, &d); err != nil {
		return err
	}
	for _, schema := range d.Components.Schemas {
		e := extent{schemas: d.Components.Schemas, seen: map[string]bool{}}
		e.fields(schema, 0)
		e.text(schema, 0)
		if e.steps > maxSteps {
			return errExtent
		}
	}
	return nil
}

// extent counts the steps that kubectl's own templates take.
type extent struct {
	schemas map[string]map[string]any
	// seen are references on the way to where it is.
	seen  map[string]bool
	steps int
}

// step is one, of a depth. It reports whether there may be more.
func (e *extent) step(depth int) bool {
	if e.steps++; depth > maxDepth {
		e.steps = maxSteps + 1
	}
	return e.steps <= maxSteps
}

const schemaPrefix = "#/components/schemas/"

// resolve is what a schema stands for, and the reference by which it does. Into the
// midst of another no description of Kubernetes refers.
func (e *extent) resolve(schema map[string]any) (map[string]any, string) {
	ref, _ := schema["$ref"].(string)
	name, ok := strings.CutPrefix(ref, schemaPrefix)
	if ref != "" && (!ok || strings.ContainsAny(name, "/%~")) {
		e.steps = maxSteps + 1
	}
	if to, ok := e.schemas[name]; ok {
		return to, ref
	}
	return schema, ref
}

// fields counts a list of fields, with those within. It ends at references that it is
// within, as kubectl does.
func (e *extent) fields(at any, depth int) {
	schema, _ := at.(map[string]any)
	resolved, ref := e.resolve(schema)
	if !e.step(depth) || ref != "" && e.seen[ref] {
		return
	}
	if ref != "" {
		e.seen[ref] = true
		defer delete(e.seen, ref)
	}
	properties, _ := resolved["properties"].(map[string]any)
	for _, property := range properties {
		e.fields(property, depth+1)
	}
	for _, inner := range alike(resolved) {
		e.fields(inner, depth+1)
	}
}

// text counts what a schema is said to be. That ends at nothing.
func (e *extent) text(at any, depth int) {
	schema, _ := at.(map[string]any)
	resolved, _ := e.resolve(schema)
	if !e.step(depth) {
		return
	}
	for _, inner := range alike(resolved) {
		e.text(inner, depth+1)
	}
}

// alike are the schemas that stand for a schema itself, or for its elements.
func alike(schema map[string]any) []any {
	all, _ := schema["allOf"].([]any)
	out := slices.Clone(all)
	for _, name := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[name].(map[string]any); ok {
			out = append(out, inner)
		}
	}
	return out
}
