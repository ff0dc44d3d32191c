package cursor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Guard answers Cursor's question whether the agent may run a shell command.
type Guard struct {
	// Families are those whose programs are sent back; none stands for all.
	Families []string
	// Tools are the tools that the gateway has, so that an answer names no other.
	Tools []string
}

// program is a program that reaches what a family's tools reach.
type program struct {
	family, tool string
	// only are the first words behind its name that do; none stands for all.
	only []string
}

// reaching are the programs by name.
var reaching = map[string]program{
	"psql": {"sql", "sql_read or sql_write", nil}, "pgcli": {"sql", "sql_read or sql_write", nil},
	"usql": {"sql", "sql_read or sql_write", nil}, "pgbench": {"sql", "sql_read", nil},
	"pg_dump": {"sql", "sql_read", nil}, "pg_dumpall": {"sql", "sql_read", nil}, "pg_basebackup": {"sql", "sql_read", nil},
	"pg_restore": {"sql", "sql_write", nil}, "createdb": {"sql", "sql_write", nil}, "dropdb": {"sql", "sql_write", nil},
	"createuser": {"sql", "sql_write", nil}, "dropuser": {"sql", "sql_write", nil}, "vacuumdb": {"sql", "sql_write", nil},
	"reindexdb":       {"sql", "sql_write", nil},
	"cloud-sql-proxy": {"sql", "sql_read or sql_write", nil}, "cloud_sql_proxy": {"sql", "sql_read or sql_write", nil},

	"kubectl": {"kubectl", "kubectl_read or kubectl_write", nil}, "helm": {"kubectl", "kubectl_read or kubectl_write", nil},
	"k9s": {"kubectl", "kubectl_read", nil}, "oc": {"kubectl", "kubectl_read or kubectl_write", nil},

	"gsutil": {"gsutil", "gsutil_read or gsutil_write", nil}, "gcsfuse": {"gsutil", "gsutil_read", nil},

	"gcloud": {"gsutil", "the tool for it", []string{"storage", "sql", "container", "compute"}},
	"git":    {"git", "git_write", []string{"push", "send-pack"}},
}

// GuardedFamilies lists the families that have programs to send back, sorted.
func GuardedFamilies() []string {
	seen := map[string]bool{}
	for _, p := range reaching {
		seen[p.family] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Programs lists what is sent back, sorted.
func Programs() []string {
	var names []string
	for name, p := range reaching {
		if len(p.only) == 0 {
			names = append(names, name)
		}
		for _, word := range p.only {
			names = append(names, name+" "+word)
		}
	}
	slices.Sort(names)
	return names
}

// verdict is what Cursor reads. It has gone by both spellings.
type verdict struct {
	Permission    string `json:"permission"`
	UserMessage   string `json:"user_message,omitempty"`
	AgentMessage  string `json:"agent_message,omitempty"`
	UserMessage2  string `json:"userMessage,omitempty"`
	AgentMessage2 string `json:"agentMessage,omitempty"`
}

// maxQuestion bounds what Cursor may ask about.
const maxQuestion = 1 << 20

// Answer reads the question and writes the verdict: commands that reach
// governed systems are sent back to the tools. This keeps an agent on the path;
// it does not stop one that hides what it does, which only keeping credentials
// off the machine does. An error means that the command must not run.
func (g Guard) Answer(in io.Reader, out io.Writer) error {
	var question struct {
		Command *string `json:"command"`
	}
	data, err := io.ReadAll(io.LimitReader(in, maxQuestion))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &question); err != nil || question.Command == nil {
		return errors.New("standard input must hold the question of Cursor's beforeShellExecution hook")
	}
	v := verdict{Permission: "allow"}
	if name := g.reaches(*question.Command); name != "" {
		v.Permission = "deny"
		v.UserMessage = fmt.Sprintf("%s goes around Chaperone, so it was not run.", name)
		v.AgentMessage = fmt.Sprintf("%s is not run here. %s", name, g.instead(name))
		v.UserMessage2, v.AgentMessage2 = v.UserMessage, v.AgentMessage
	}
	return json.NewEncoder(out).Encode(v)
}

// instead says what to do instead of running a program.
func (g Guard) instead(name string) string {
	first, _, _ := strings.Cut(name, " ")
	p := reaching[first]
	for _, tool := range g.Tools {
		if strings.HasPrefix(tool, p.family+"_") {
			return fmt.Sprintf("Use Chaperone's tool %s instead; call access to see what you can reach.", p.tool)
		}
	}
	return "Chaperone has no tool for it here; ask the person you work for to do it."
}

// guards reports whether a family is guarded.
func (g Guard) guards(family string) bool {
	return len(g.Families) == 0 || slices.Contains(g.Families, family)
}

// reaches is the first governed program that a command line runs, as far as its
// words tell, with the word behind it that makes it so.
func (g Guard) reaches(command string) string {
	for _, words := range simpleCommands(command) {
		for i, word := range words {
			name := baseName(word)
			p, known := reaching[name]
			switch {
			case !known || !g.guards(p.family):
			case len(p.only) == 0:
				return name
			default:
				for _, next := range words[i+1:] {
					if slices.Contains(p.only, next) {
						return name + " " + next
					}
				}
			}
		}
	}
	return ""
}
