package cursor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tailscale/hujson"
)

// Install puts an entry into the mcp.json at path, which is made if there is
// none. Everything else in it stays as it is, comments, order and spaces too.
// It reports whether the file had to change.
func Install(path, name string, s Server) (changed bool, err error) {
	return edit(path, func(doc *hujson.Object, l layout) error {
		servers, err := l.object(doc, "mcpServers", 1)
		if err != nil {
			return err
		}
		return l.put(servers, name, s, 2)
	})
}

// edit changes a JSON file that may hold comments. A file that can't be read as
// such is left alone.
func edit(path string, change func(*hujson.Object, layout) error) (changed bool, err error) {
	path = followed(path)
	before, mode, err := read(path)
	if err != nil {
		return false, err
	}
	doc, err := hujson.Parse(before)
	if err != nil {
		return false, fmt.Errorf("%s is not JSON, and was left alone: %w", path, err)
	}
	top, ok := doc.Value.(*hujson.Object)
	if !ok {
		return false, fmt.Errorf("%s does not hold a JSON object, and was left alone", path)
	}
	if err := change(top, layoutOf(before)); err != nil {
		return false, fmt.Errorf("%s was left alone: %w", path, err)
	}
	after := doc.Pack()
	if string(after) == string(before) {
		return false, nil
	}
	err = os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = replace(path, after, mode)
	}
	if err != nil {
		return false, fmt.Errorf("%s can't be written: %w", path, err)
	}
	return true, nil
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
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		text = []byte("{}\n")
	}
	return text, info.Mode().Perm(), err
}
