package cursor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
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

// reaching are programs that reach the systems that Chaperone's tools reach,
// and the tool to use instead.
var reaching = map[string]string{
	"psql": "sql_read or sql_write", "pg_dump": "sql_read", "pg_dumpall": "sql_read", "pg_restore": "sql_write",
	"pgcli": "sql_read or sql_write", "createdb": "sql_write", "dropdb": "sql_write", "createuser": "sql_write",
	"dropuser": "sql_write", "vacuumdb": "sql_write", "pgbench": "sql_read", "usql": "sql_read or sql_write",
	"cloud_sql_proxy": "sql_read or sql_write", "cloud-sql-proxy": "sql_read or sql_write",
}

// answer is what Cursor reads. It has gone by both spellings.
type answer struct {
	Permission    string `json:"permission"`
	UserMessage   string `json:"user_message,omitempty"`
	AgentMessage  string `json:"agent_message,omitempty"`
	UserMessage2  string `json:"userMessage,omitempty"`
	AgentMessage2 string `json:"agentMessage,omitempty"`
}

// maxQuestion bounds what Cursor may ask about.
const maxQuestion = 1 << 20

// Guard answers Cursor's question whether the agent may run a shell command. It
// sends commands that reach governed systems back to the tools. This keeps an
// agent on the path; it does not stop one that hides what it does, which only
// keeping credentials off the machine does.
func Guard(in io.Reader, out io.Writer) error {
	var question struct {
		Command string `json:"command"`
	}
	data, err := io.ReadAll(io.LimitReader(in, maxQuestion))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &question); err != nil {
		return errors.New("standard input must hold the question of Cursor's beforeShellExecution hook")
	}
	a := answer{Permission: "allow"}
	if program := reaches(question.Command); program != "" {
		a.Permission = "deny"
		a.UserMessage = fmt.Sprintf("%s goes around Chaperone, so it was not run.", program)
		a.AgentMessage = fmt.Sprintf("%s is not run here. Use Chaperone's tool %s instead; call access to see what you can reach.", program, reaching[program])
		a.UserMessage2, a.AgentMessage2 = a.UserMessage, a.AgentMessage
	}
	return json.NewEncoder(out).Encode(a)
}

// reaches is the first governed program that a command line runs, as far as its
// words tell.
func reaches(command string) string {
	words := strings.FieldsFunc(command, func(r rune) bool {
		return strings.ContainsRune(" \t\r\n;&|()<>`\"'{}=$\\", r)
	})
	for _, word := range words {
		word = strings.TrimSuffix(path.Base(strings.ReplaceAll(word, `\`, "/")), ".exe")
		if _, ok := reaching[word]; ok {
			return word
		}
	}
	return ""
}

// Programs lists what Guard sends back, sorted.
func Programs() []string {
	names := make([]string, 0, len(reaching))
	for name := range reaching {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
