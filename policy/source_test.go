package policy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const allowAll = "package chaperone\nallow contains \"all\" if true\n"

func TestSourcesAreFoundAndSorted(t *testing.T) {
	dir := write(t, map[string]string{
		"b.rego": allowAll, "a/z.rego": allowAll, "a/data.json": "{}", "data.yaml": "x: 1", "a/z_test.rego": "package t",
		"README.md": "#", "other.json": "{}", ".hidden/x.rego": "no", ".x.rego": "no", "..data/y.rego": "no",
	})
	sources, _, err := readSources([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range sources {
		names = append(names, s.name)
	}
	if got := strings.Join(names, " "); got != "a/data.json a/z.rego a/z_test.rego b.rego data.yaml" {
		t.Errorf("got %s", got)
	}
}

func TestDigest(t *testing.T) {
	of := func(files map[string]string) string {
		t.Helper()
		p, err := Load(t.Context(), options(write(t, files)))
		if err != nil {
			t.Fatal(err)
		}
		return p.Digest()
	}
	one := of(map[string]string{"a.rego": allowAll})
	if !strings.HasPrefix(one, "sha256:") || len(one) != 7+64 {
		t.Errorf("got %s", one)
	}
	if one != of(map[string]string{"a.rego": allowAll, "a_test.rego": "package t", "README.md": "#"}) {
		t.Error("what takes no part in decisions changes the digest, or the folder's own name does")
	}
	for name, files := range map[string]map[string]string{
		"content": {"a.rego": allowAll + "#"},
		"name":    {"b.rego": allowAll},
		"data":    {"a.rego": allowAll, "data.json": "{}"},
	} {
		if one == of(files) {
			t.Errorf("another %s has the same digest", name)
		}
	}
}

func TestPathsThatCanNotBeRead(t *testing.T) {
	dir := write(t, map[string]string{"a.rego": allowAll, "x/notes.txt": "", "big/data.json": ""})
	if err := os.Truncate(filepath.Join(dir, "big/data.json"), largestFile+1); err != nil {
		t.Fatal(err)
	}
	link(t, filepath.Join(dir, "x"), filepath.Join(dir, "x", "back"))
	link(t, filepath.Join(dir, "nowhere"), filepath.Join(dir, "gone.rego"))
	for path, want := range map[string]string{
		"missing":     "no such file",
		"x":           "leads back into itself",
		"x/notes.txt": "only folders, .rego files, data.json and data.yaml are read",
		"big":         "at most",
		"gone.rego":   "no such file",
		".":           "", // the first of several
	} {
		_, err := Load(t.Context(), options(filepath.Join(dir, path)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	if _, err := Load(t.Context(), options()); err == nil || !strings.Contains(err.Error(), "no .rego file") {
		t.Errorf("no paths: got %v", err)
	}
	if _, err := Load(t.Context(), options(write(t, map[string]string{"a_test.rego": "package t"}))); err == nil {
		t.Error("tests alone are no policy")
	}
}

func TestLinksAreFollowed(t *testing.T) {
	elsewhere := write(t, map[string]string{"real.rego": allowAll, "lib/l.rego": "package lib\nx := 1\n"})
	dir := t.TempDir()
	link(t, filepath.Join(elsewhere, "real.rego"), filepath.Join(dir, "a.rego"))
	link(t, filepath.Join(elsewhere, "lib"), filepath.Join(dir, "lib"))
	p, err := Load(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Decide(t.Context(), aRead()); d.Outcome != Allow {
		t.Errorf("got %v", d)
	}
}

func TestAFileNamedTwiceIsReadOnce(t *testing.T) {
	dir := write(t, map[string]string{"a.rego": allowAll, "data.json": `{"x":1}`})
	once, err := Load(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	twice, err := Load(t.Context(), options(dir, filepath.Join(dir, "a.rego"), filepath.Join(dir, "data.json")))
	if err != nil || twice.Digest() != once.Digest() {
		t.Errorf("got %v", err)
	}
}

func link(t *testing.T, to, from string) {
	t.Helper()
	if err := os.Symlink(to, from); err != nil {
		t.Fatal(err)
	}
}
