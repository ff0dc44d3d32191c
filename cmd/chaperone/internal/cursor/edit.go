package cursor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"github.com/tailscale/hujson"
)

// Install puts an entry into the mcp.json at path, which is made if there is
// none. Everything else in it stays as it is, comments and order too. It
// reports whether the file had to change.
func Install(path, name string, s Server) (changed bool, err error) {
	return edit(path, func(doc *hujson.Value) error {
		if err := ensureObject(doc, "mcpServers"); err != nil {
			return err
		}
		return set(doc, "/mcpServers/"+escape(name), s)
	})
}

// edit changes a JSON file that may hold comments. A file that can't be read as
// such is left alone.
func edit(path string, change func(*hujson.Value) error) (changed bool, err error) {
	// A link stays a link: what it points to is changed.
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	before, mode, err := read(path)
	if err != nil {
		return false, err
	}
	doc, err := hujson.Parse(before)
	if err != nil {
		return false, fmt.Errorf("%s is not JSON, and was left alone: %w", path, err)
	}
	if _, object := doc.Value.(*hujson.Object); !object {
		return false, fmt.Errorf("%s does not hold a JSON object, and was left alone", path)
	}
	if err := change(&doc); err != nil {
		return false, fmt.Errorf("%s was left alone: %w", path, err)
	}
	after := doc.Pack()
	if string(after) == string(before) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	return true, renameio.WriteFile(path, after, mode)
}

func read(path string) (text []byte, mode fs.FileMode, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return []byte("{}\n"), 0o644, nil
	}
	if err != nil {
		return nil, 0, err
	}
	text, err = os.ReadFile(path)
	return text, info.Mode().Perm(), err
}

// ensureObject makes the member an object if it is not there.
func ensureObject(doc *hujson.Value, member string) error {
	at := doc.Find("/" + escape(member))
	if at == nil {
		return set(doc, "/"+escape(member), struct{}{})
	}
	if _, object := at.Value.(*hujson.Object); !object {
		return fmt.Errorf("its %q is not an object", member)
	}
	return nil
}

// set puts a value at a JSON pointer (RFC 6901), unless the same is there.
func set(doc *hujson.Value, pointer string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if at := doc.Find(pointer); at != nil && same(*at, data) {
		return nil
	}
	patch, err := json.Marshal([]map[string]any{{"op": "add", "path": pointer, "value": json.RawMessage(data)}})
	if err != nil {
		return err
	}
	if err := doc.Patch(patch); err != nil {
		return err
	}
	doc.Format()
	return nil
}

// same reports whether a value of the file means the same as data.
func same(v hujson.Value, data []byte) bool {
	plain := v.Clone()
	plain.Standardize()
	var a, b any
	if json.Unmarshal(plain.Pack(), &a) != nil || json.Unmarshal(data, &b) != nil {
		return false
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// escape writes a name as part of a JSON pointer.
func escape(name string) string {
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		switch name[i] {
		case '~':
			out = append(out, "~0"...)
		case '/':
			out = append(out, "~1"...)
		default:
			out = append(out, name[i])
		}
	}
	return string(out)
}
