package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/cursor"
)

// documents are the documents that lead to one another.
var documents = []string{
	"README.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md", ".github/CHANGELOG.md",
	"examples/policies/README.md", "recorder/FORMAT.md", "cmd/chaperone/BENCHMARKS.md",
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is the first code block of a language.
func block(t *testing.T, text, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, "```"+language+"\n")
	code, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("there is no block of %s", language)
	}
	return code
}

// TestReadme tries what the README tells people to write.
func TestReadme(t *testing.T) {
	readme := document(t, "README.md")

	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"policy/p.rego": block(t, readme, "rego"), "chaperone.yaml": block(t, readme, "yaml")})
	if out, stderr, code := chaperone(t, "policy", "check", filepath.Join(dir, "policy")); code != exitOK {
		t.Errorf("the policy: %s%s", out, stderr)
	}

	t.Setenv("SHOP_DSN", "host=127.0.0.1")
	t.Setenv("HOOK_SECRET", "a secret of the test")
	c, err := config.Load(filepath.Join(dir, "chaperone.yaml"))
	if err != nil || c.Connections[0].Name != "shop" || c.Identity.Tokens[0].Subject != "ann" {
		t.Errorf("the configuration: %+v, %v", c, err)
	}

	var shown, made any
	if err := json.Unmarshal([]byte(block(t, readme, "json")), &shown); err != nil {
		t.Fatal(err)
	}
	file := cursor.File("chaperone", cursor.Remote("http://127.0.0.1:7777/mcp", "CHAPERONE_TOKEN"))
	if err := json.Unmarshal(file, &made); err != nil {
		t.Fatal(err)
	}
	if a, b := mustJSON(t, shown), mustJSON(t, made); a != b {
		t.Errorf("the README shows %s, and cursor config prints %s", a, b)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestReadmeKnowsEveryCommand looks each of its commands up in the program, and
// the other way round.
func TestReadmeKnowsEveryCommand(t *testing.T) {
	readme := document(t, "README.md")
	out, _, _ := chaperone(t, "--help")
	known := map[string]bool{"help": true, "completion": true, "version": true}
	for _, m := range regexp.MustCompile("(?m)^\\| `chaperone ([a-z]+)").FindAllStringSubmatch(readme, -1) {
		known[m[1]] = true
		if !strings.Contains(out, "\n  "+m[1]+" ") {
			t.Errorf("there is no command %s", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+)  +[A-Z]`).FindAllStringSubmatch(out, -1) {
		if !known[m[1]] {
			t.Errorf("the README does not tell of the command %s", m[1])
		}
	}
}

// TestDocumentsLeadSomewhere follows their links, and looks for the files that
// they name.
func TestDocumentsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)\)`)
	named := regexp.MustCompile("`((?:server|tools|policy|recorder|cmd|examples)(?:/[A-Za-z0-9_.-]+)+/?)`")
	for _, name := range documents {
		text := document(t, name)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", name, m[1])
			}
		}
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "NAME") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
	}
}
