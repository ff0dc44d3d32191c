package cursor_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tailscale/hujson"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/cursor"
)

var remote = cursor.Remote("http://127.0.0.1:7777/mcp", "CHAPERONE_TOKEN")

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mcp.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestInstallIntoEmptyFile(t *testing.T) {
	for _, before := range []string{"", " \n", "{}"} {
		path := file(t, before)
		if changed, err := cursor.Install(path, "chaperone", remote); !changed || err != nil {
			t.Errorf("%q: %v, %v", before, changed, err)
		}
		if got := read(t, path); !json.Valid([]byte(got)) || !strings.Contains(got, "7777") {
			t.Errorf("%q became %s", before, got)
		}
		if changed, err := cursor.Install(path, "chaperone", remote); changed || err != nil {
			t.Errorf("%q a second time: %v, %v", before, changed, err)
		}
	}
}

// TestInstallChangesWhatCounts has a name twice: Cursor takes the last.
func TestInstallChangesWhatCounts(t *testing.T) {
	path := file(t, `{"mcpServers": {"chaperone": {"url": "old"}, "chaperone": {"url": "older"}}}`)
	if _, err := cursor.Install(path, "chaperone", remote); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Servers map[string]cursor.Server `json:"mcpServers"`
	}
	if err := json.Unmarshal([]byte(read(t, path)), &doc); err != nil || doc.Servers["chaperone"].URL != remote.URL {
		t.Errorf("%v, %s", err, read(t, path))
	}
}

func TestInstallKeepsModeAndLink(t *testing.T) {
	path := file(t, "{}")
	link := filepath.Join(t.TempDir(), "link.json")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if _, err := cursor.Install(link, "chaperone", remote); err != nil {
		t.Fatal(err)
	}
	to, err := os.Readlink(link)
	if err != nil || to != path {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

func TestInstallHookRenewsOurOwn(t *testing.T) {
	path := file(t, `{"version": 1, "hooks": {"beforeShellExecution": [{"command": "mine"}, {"command": "\"/old/chaperone\" cursor guard", "timeout": 3}]}}`)
	if changed, err := cursor.InstallHook(path, `"/new/chaperone" cursor guard`); !changed || err != nil {
		t.Fatal(changed, err)
	}
	got := read(t, path)
	if strings.Contains(got, "/old/") || !strings.Contains(got, "/new/") || !strings.Contains(got, `"failClosed": true`) || !strings.Contains(got, `"mine"`) {
		t.Errorf("%s", got)
	}
}

func TestDeepLink(t *testing.T) {
	u, err := url.Parse(cursor.DeepLink("my db", remote))
	if err != nil || u.Query().Get("name") != "my db" {
		t.Fatal(u, err)
	}
	data, err := base64.StdEncoding.DecodeString(u.Query().Get("config"))
	var s cursor.Server
	if err != nil || json.Unmarshal(data, &s) != nil || !reflect.DeepEqual(s, remote) {
		t.Errorf("%s, %v", data, err)
	}
}

func ask(t *testing.T, g cursor.Guard, command string) string {
	t.Helper()
	question, err := json.Marshal(map[string]string{"command": command})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := g.Answer(bytes.NewReader(question), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGuard(t *testing.T) {
	for command, denied := range map[string]bool{
		"psql -h db": true, "/usr/bin/psql": true, "FOO=1 psql": true, "sh -c 'psql'": true, "echo $(psql)": true,
		"cat x|pg_dump shop": true, `C:\pg\psql.exe -c 1`: true, "ps\\\nql": true, "cloud-sql-proxy x": true,
		"docker exec db psql -U x": true, `bash -c "cd /tmp && PGPASSWORD='a b' psql -h db"`: true, `"psql" -h x`: true,
		"p's'ql": true, "sudo -u postgres psql": true, `sh -c 'sudo -u postgres psql'`: true, "make x; psql": true,
		"bash <<E\npsql\nE": true, `ssh host "psql -c 'select 1'"`: true, "if true; then psql; fi": true,
		"kubectl get pods": true, "helm upgrade x": true, "gsutil ls": true, "gcloud storage cp a b": true,
		"gcloud --project x storage ls": true, "git push": true, "git -C sub push --force": true, "git -c a=b push origin": true,
		"git commit -m x && git push": true, "cmd=psql; $cmd": true, "'psql": true,
		"go test ./...": false, "grep psqlrc .": false, "": false, "ls psql-docs": false, "git status": false,
		"git commit -m 'let psql rest, and git push too'": false, "gcloud auth list": false, "git log --grep 'x push'": false,
		`echo "how to use psql"`: false, "git stash": false,
	} {
		if got := strings.Contains(ask(t, cursor.Guard{}, command), `"permission":"deny"`); got != denied {
			t.Errorf("%q: denied is %v", command, got)
		}
	}
	for _, nonsense := range []string{"{", "{}", "", `{"command": 7}`} {
		var out bytes.Buffer
		if err := (cursor.Guard{}).Answer(strings.NewReader(nonsense), &out); err == nil || out.Len() > 0 {
			t.Errorf("%q, a question that can't be read, is answered: %v, %s", nonsense, err, out.String())
		}
	}
}

// TestGuardNamesToolsThatExist sends nobody to a tool that is not there.
func TestGuardNamesToolsThatExist(t *testing.T) {
	g := cursor.Guard{Tools: []string{"access", "sql_read", "sql_write"}}
	if got := ask(t, g, "psql"); !strings.Contains(got, "sql_read or sql_write instead") {
		t.Errorf("psql: %s", got)
	}
	if got := ask(t, g, "git push"); !strings.Contains(got, "has no tool for it") || strings.Contains(got, "git_write") {
		t.Errorf("git push: %s", got)
	}
	if got := ask(t, cursor.Guard{Families: []string{"sql"}}, "git push"); !strings.Contains(got, "allow") {
		t.Errorf("git push where only sql is guarded: %s", got)
	}
}

// TestInstallKeepsTheLayout adds to files that are written in different ways.
func TestInstallKeepsTheLayout(t *testing.T) {
	for before, want := range map[string]string{
		"{\n\t\"mcpServers\": {\n\t\t\"a\": {} // about a\n\t}\n}\n":                          "{\n\t\"mcpServers\": {\n\t\t\"a\": {}, // about a\n\t\t\"x\": {\n\t\t\t\"url\": \"u\"\n\t\t}\n\t}\n}\n",
		"{\n    \"mcpServers\": {\n        /* one */\n        \"a\": {},\n    }, // end\n}\n": "{\n    \"mcpServers\": {\n        /* one */\n        \"a\": {},\n        \"x\": {\n            \"url\": \"u\"\n        },\n    }, // end\n}\n",
		"{\r\n  \"other\": 1\r\n}\r\n":                                                        "{\r\n  \"other\": 1,\r\n  \"mcpServers\": {\r\n    \"x\": {\r\n      \"url\": \"u\"\r\n    }\r\n  }\r\n}\r\n",
		"{\n  \"mcpServers\": { /* none yet */ }\n}\n":                                        "{\n  \"mcpServers\": { /* none yet */\n    \"x\": {\n      \"url\": \"u\"\n    }\n  }\n}\n",
	} {
		path := file(t, before)
		if _, err := cursor.Install(path, "x", cursor.Server{URL: "u"}); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != want {
			t.Errorf("%s became\n%q, want\n%q", before, got, want)
		}
	}
}

// TestInstallThroughALinkToNothing makes what the link leads to.
func TestInstallThroughALinkToNothing(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "mcp.json")
	if err := os.Symlink("dotfiles-mcp.json", link); err != nil {
		t.Skip(err)
	}
	if _, err := cursor.Install(link, "chaperone", remote); err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(dir, "dotfiles-mcp.json")); !strings.Contains(got, "7777") {
		t.Errorf("%s", got)
	}
	if to, err := os.Readlink(link); err != nil || to != "dotfiles-mcp.json" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
}

// TestInstallLeavesNothingBehind can't write, and tidies up.
func TestInstallLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mcp.json")
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := cursor.Install(path, "chaperone", remote); err == nil {
		t.Error("a folder was replaced")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// FuzzInstall holds that a file of any content stays as it is, or gets the
// entry and loses nothing.
func FuzzInstall(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", `{"mcpServers":{}}`, "{\"mcpServers\":{\"a\":{},}, // x\n}", `{"mcpServers":{"chaperone":1}}`,
		"{ /* a */ \"mcpServers\" /* b */ : { /* c */ } /* d */ , }", "\ufeff{}", `{"mcpServers":{"a":{}},"mcpServers":{}}`,
		"{\"mcpServers\":{\n//x\n\"a\":{} //y\n}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, before string) {
		path := file(t, before)
		changed, err := cursor.Install(path, "chaperone", remote)
		after := read(t, path)
		if err != nil || !changed {
			if after != before {
				t.Fatalf("%q became %q, though %v", before, after, err)
			}
			return
		}
		want, got := plain(before), plain(after)
		if got == nil {
			t.Fatalf("%q became %q", before, after)
		}
		servers, ok := want["mcpServers"].(map[string]any)
		if !ok {
			servers = map[string]any{}
			want["mcpServers"] = servers
		}
		servers["chaperone"] = got["mcpServers"].(map[string]any)["chaperone"]
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("%q became %q", before, after)
		}
		if changed, err := cursor.Install(path, "chaperone", remote); changed || err != nil {
			t.Fatalf("a second time: %v, %v", changed, err)
		}
	})
}

// plain is a file without its comments.
func plain(text string) map[string]any {
	doc := map[string]any{}
	standard, err := hujson.Standardize([]byte(text))
	if strings.TrimSpace(text) != "" && (err != nil || json.Unmarshal(standard, &doc) != nil) {
		return nil
	}
	return doc
}
