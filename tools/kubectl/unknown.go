package kubectl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// inPlace is what to do instead of what kubectl can and a caller can't.
var inPlace = map[string]string{
	"edit":    "change the object with patch, or with apply -f -",
	"config":  "leave that: the connection fixes the server, the user and the context",
	"proxy":   "look at what is behind it with get, describe and logs",
	"cp":      "exec runs one command in a container, and takes its input from stdin",
	"attach":  "read what it writes with logs, or run one command in it with exec",
	"debug":   "run one command in a container with exec",
	"options": "leave that: the connection fixes the server, the user and the context", "port-forward": "look at what is behind it with get, describe and logs",
	"kustomize": "pass the manifests that it makes as stdin, with apply -f -",
}

// unknownCommand says what there is in place of a command, or beside it.
func unknownCommand(args []string) error {
	word := firstWord(args)
	name, hint := word, "reads are "+names(reads)+"; changes are "+names(writes)
	var below []string
	for _, of := range []map[string][]string{reads, writes} {
		for full := range of {
			if rest, ok := strings.CutPrefix(full, word+" "); ok && word != "" {
				below = append(below, rest)
			}
		}
	}
	switch {
	case word == "":
		name = "nothing"
	case len(below) > 0:
		slices.Sort(below)
		name, hint = strings.Join(args[:min(len(args), 2)], " "), "there are, behind "+word+": "+strings.Join(below, ", ")
	case inPlace[word] != "":
		hint = inPlace[word]
	}
	return refused("command", fmt.Sprintf("kubectl %s is not among the commands that can be run here", name), hint)
}

// fixedFlags say where to and as whom; flagsInPlace what to do instead of a flag.
var (
	fixedFlags   = strings.Fields("as as-group as-uid as-user-extra context cluster server s token kubeconfig user username password")
	flagsInPlace = map[string]string{
		"dry-run":       "leave it out, and set dry_run of the call",
		"from-file":     "use --from-literal, or pass the object as stdin, with create -f -",
		"from-env-file": "use --from-literal, or pass the object as stdin, with create -f -",
		"tty":           "leave it out: there is no terminal", "t": "leave it out: there is no terminal",
	}
)

// otherFlags says what to do without a flag.
func (v verb) otherFlags(name string) string {
	switch {
	case flagsInPlace[name] != "":
		return flagsInPlace[name]
	case slices.Contains(fixedFlags, name):
		return "leave it out: the connection fixes the server, the user and the context"
	}
	return "leave it out; it may have " + flagNames(v)
}

// unknownFlag is the refusal of flags that kubectl itself can't read.
func unknownFlag(command string, v verb, err error) error {
	reason, hint := fmt.Sprintf("kubectl %s: %v", command, err), "correct the value of that flag"
	var unknown *pflag.NotExistError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		reason, hint = "kubectl "+command+" prints no help here", "it may have "+flagNames(v)
	case errors.As(err, &unknown):
		hint = v.otherFlags(unknown.GetSpecifiedName())
	}
	return refused("flag", reason, hint)
}
