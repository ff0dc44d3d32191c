package cursor

import (
	"encoding/json"
	"strings"

	"github.com/tailscale/hujson"
)

// InstallHook puts our hook into the hooks.json at path. Other hooks stay.
// Cursor runs the command before each shell command of the agent, and refuses
// the command when the hook itself fails.
func InstallHook(path, command string) (changed bool, err error) {
	entry := hookEntry{Command: command, FailClosed: true, Timeout: 10}
	return edit(path, func(doc *hujson.Object, l layout) error {
		if find(doc, "version") == nil {
			if err := l.put(doc, "version", 1, 1); err != nil {
				return err
			}
		}
		hooks, err := l.object(doc, "hooks", 1)
		if err != nil {
			return err
		}
		list, err := l.array(hooks, "beforeShellExecution", 2)
		if err != nil {
			return err
		}
		for i := range list.Elements {
			if isOurs(list.Elements[i]) {
				return l.renew(&list.Elements[i], entry)
			}
		}
		return l.add(list, entry, 3)
	})
}

// renew replaces an entry of ours that says something else.
func (l layout) renew(at *hujson.Value, entry hookEntry) error {
	if same(*at, entry) {
		return nil
	}
	value, err := l.made(entry, 3)
	at.Value = value.Value
	return err
}

// hookEntry is one hook of hooks.json.
type hookEntry struct {
	Command    string `json:"command"`
	FailClosed bool   `json:"failClosed"`
	Timeout    int    `json:"timeout"`
}

// hookWords are how our own command ends, wherever the program is.
const hookWords = " cursor guard"

func isOurs(v hujson.Value) bool {
	plain := v.Clone()
	plain.Standardize()
	var e hookEntry
	return json.Unmarshal(plain.Pack(), &e) == nil && strings.Contains(e.Command, hookWords)
}
