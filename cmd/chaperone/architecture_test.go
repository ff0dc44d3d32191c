package main

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/tools"
)

const module = "github.com/chaperone-dev/chaperone/"

// root is the folder of the module.
const root = "../.."

// mayImport is the import table of the design: what each package may import of
// ours. A package below one of these may import what that one may, and its kin.
var mayImport = map[string][]string{
	"tools":                     {},
	"tools/kubectl":             {"tools"},
	"tools/kubectl/kubeserver":  {},
	"tools/kubectl/kubectltest": {"tools/kubectl/kubeserver"},
	"tools/scrub":               {},
	"tools/sql":                 {"tools"},
	"tools/toolstest":           {"tools"},
	"policy":                    {"tools", "policy/obligation"},
	"policy/obligation":         {"tools"},
	"recorder":                  {"tools", "policy", "policy/obligation"},
	"recorder/replay":           {"recorder", "policy", "policy/obligation", "tools"},
	"server/identity":           {"policy"},
	"server/approval":           {"tools", "policy", "policy/obligation", "recorder"},
	"server/freeze":             {"policy", "recorder"},
	"server/notify":             {"tools", "policy", "policy/obligation", "recorder", "server/approval"},
	"server/gateway":            {"tools", "tools/scrub", "policy", "policy/obligation", "recorder", "server/approval", "server/freeze"},
	"server/console":            {"tools", "policy", "policy/obligation", "recorder", "server/approval", "server/freeze", "server/gateway"},
	"server":                    {"tools", "policy", "policy/obligation", "recorder", "server/gateway", "server/identity"},
	"examples":                  {},
	"cmd":                       {"*"},
}

// onlyImporter names the one package that may import a library.
var onlyImporter = map[string]string{
	"github.com/open-policy-agent/opa":           "policy",
	"github.com/mark3labs/mcp-go":                "server",
	"modernc.org/sqlite":                         "recorder",
	"github.com/sqlc-dev/oliphant":               "tools/sql/statement",
	"github.com/jackc/pgx":                       "tools/sql",
	"github.com/fergusstrange/embedded-postgres": "tools/sql/pgserver",
	"github.com/tailscale/hujson":                "cmd/chaperone/internal/cursor",
	"github.com/spf13/cobra":                     "cmd/chaperone",
	"k8s.io":                                     "tools/kubectl",
}

// exceptions are importers for a reason of their own.
var exceptions = map[string]string{
	// The demo makes a database as any administrator would.
	"cmd/chaperone/internal/demo": "github.com/jackc/pgx",
	// kubectl's commands are commands of cobra.
	"tools/kubectl": "github.com/spf13/cobra",
}

// goPackage is what go list says of a package.
type goPackage struct {
	ImportPath string
	Dir        string
	Doc        string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Doc,GoFiles,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p goPackage
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("found %d packages", len(all))
	}
	return all
}

// rule is the line of the table that a package stands under.
func rule(t *testing.T, name string) (under string, may []string) {
	t.Helper()
	for p := name; p != "."; p = filepath.Dir(p) {
		if may, ok := mayImport[p]; ok {
			return p, may
		}
	}
	t.Fatalf("the package %s is not in the import table", name)
	return "", nil
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		under, may := rule(t, name)
		for _, imported := range p.Imports {
			ours, is := strings.CutPrefix(imported, module)
			if !is || slices.Contains(may, "*") || slices.Contains(may, ours) {
				continue
			}
			kin, _ := rule(t, ours)
			if kin != under || ours == name {
				t.Errorf("%s imports %s, which the import table does not allow", name, ours)
			}
		}
	}
}

func TestOneImporterPerLibrary(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			for library, only := range onlyImporter {
				if imported != library && !strings.HasPrefix(imported, library+"/") {
					continue
				}
				if name != only && !strings.HasPrefix(name, only+"/") && exceptions[name] != library {
					t.Errorf("%s imports %s; only %s may", name, imported, only)
				}
			}
		}
	}
}

// suite is the suite for families, which only tests call: it stands where the
// gateway does.
const suite = "tools/toolstest/"

func TestSuiteIsForTests(t *testing.T) {
	for _, p := range packages(t) {
		for _, only := range []string{"tools/toolstest", "tools/kubectl/kubectltest"} {
			if slices.Contains(p.Imports, module+only) {
				t.Errorf("%s imports %s, and is no test", p.ImportPath, only)
			}
		}
	}
}

// TestPlansRunInOnePlace looks for calls of tools.Plan's Run.
func TestPlansRunInOnePlace(t *testing.T) {
	var places []string
	eachFile(t, func(path string, f *ast.File, _ *token.FileSet) {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 3 {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Run" && !strings.HasPrefix(path, suite) {
				places = append(places, path)
			}
			return true
		})
	})
	if want := []string{"server/gateway/path.go"}; !slices.Equal(places, want) {
		t.Errorf("calls of Run with three arguments, which is what a plan's takes: %v, want %v", places, want)
	}
}

// TestFamiliesAreReachedThroughTheGateway lets nobody else describe a call.
func TestFamiliesAreReachedThroughTheGateway(t *testing.T) {
	eachFile(t, func(path string, f *ast.File, _ *token.FileSet) {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Describe" && path != "server/gateway/path.go" && !strings.HasPrefix(path, suite) {
				t.Errorf("%s calls Describe", path)
			}
			return true
		})
	})
}

func TestFilesAreSmallAndPlain(t *testing.T) {
	eachFile(t, func(path string, f *ast.File, set *token.FileSet) {
		if lines := set.File(f.Pos()).LineCount(); lines > 400 {
			t.Errorf("%s has %d lines", path, lines)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s has an init function", path)
			}
			if lines := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line; lines > 60 {
				t.Errorf("%s: %s has %d lines", path, fn.Name.Name, lines)
			}
		}
	})
}

func TestPackagesAreDocumented(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

func TestTools(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9_]{1,32}$`)
	seen := map[string]bool{"access": true}
	for _, family := range app.Families() {
		for _, tool := range family.Tools() {
			switch {
			case !name.MatchString(tool.Name) || seen[tool.Name]:
				t.Errorf("the tool name %q does not match or is taken", tool.Name)
			case tool.Title == "" || tool.Description == "" || !json.Valid(tool.Input) || !json.Valid(tool.Output):
				t.Errorf("%s lacks a title, a description or a schema", tool.Name)
			case tool.Ceiling == tools.Unknown:
				t.Errorf("%s has no ceiling", tool.Name)
			}
			seen[tool.Name] = true
		}
	}
	if len(seen) > 20 {
		t.Errorf("there are %d tools; an agent is given at most 20", len(seen))
	}
}

func TestTopLevelIsFixed(t *testing.T) {
	allowed := []string{"cmd", "server", "tools", "policy", "recorder", "examples", "go.mod", "go.sum", "LICENSE", "README.md", "Makefile", "bin"}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}

// eachFile parses every Go file that is not a test.
func eachFile(t *testing.T, visit func(path string, f *ast.File, set *token.FileSet)) {
	t.Helper()
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		visit(filepath.ToSlash(relative), f, set)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
