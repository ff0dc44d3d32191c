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

func TestGuard(t *testing.T) {
	for command, denied := range map[string]bool{
		"psql -h db": true, "/usr/bin/psql": true, "FOO=1 psql": true, "sh -c 'psql'": true, "echo $(psql)": true,
		"cat x|pg_dump shop": true, `C:\pg\psql.exe -c 1`: true, "ps\\\nql": false, "cloud-sql-proxy x": true,
		"go test ./...": false, "grep psqlrc .": false, "": false, "ls psql-docs": false,
	} {
		question, _ := json.Marshal(map[string]string{"command": command})
		var out bytes.Buffer
		if err := cursor.Guard(bytes.NewReader(question), &out); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), `"permission":"deny"`); got != denied {
			t.Errorf("%q: %s", command, out.String())
		}
	}
	var out bytes.Buffer
	if err := cursor.Guard(strings.NewReader("{"), &out); err == nil || out.Len() > 0 {
		t.Errorf("a question that can't be read is answered: %v, %s", err, out.String())
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
