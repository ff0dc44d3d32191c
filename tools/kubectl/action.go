package kubectl

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// action describes a command by the requests that it makes.
func (c command) action(requests []Request, objects []Object) tools.Action {
	a := tools.Action{
		Verb: strings.ReplaceAll(c.name, " ", "_"), Effect: tools.Read, Targets: []tools.Target{},
		Display: line(c.words), Blank: c.blank(), Facts: c.facts(requests, objects),
	}
	if c.name == "exec" && c.stdin != "" {
		// It may be what is run, as of a shell.
		a.Display += " <<< " + quoted(c.stdin)
		a.Blank += " <<< ..."
	}
	for _, r := range requests {
		if e := r.effect(); e < a.Effect {
			a.Effect, a.Why = e, "it would "+r.String()
		}
		if t := r.target(); !slices.Contains(a.Targets, t) {
			a.Targets = append(a.Targets, t)
		}
		// What a Secret is made of may stand in the command itself.
		a.Secret = a.Secret || (r.effect() != tools.Read && slices.Contains(r.Classes, "secret"))
	}
	a.Secret = a.Secret || c.tellsSecrets()
	return a
}

func (c command) facts(requests []Request, objects []Object) *Facts {
	f := &Facts{
		Command: c.name, Operands: append([]string{}, c.operands...), Argv: append([]string{}, c.argv...), Flags: []Flag{},
		Namespace: c.namespace, AllNamespaces: c.everywhere,
		Requests: append([]Request{}, requests...), Objects: append([]Object{}, objects...),
	}
	if c.name == "exec" {
		f.Stdin = stdinFacts(c.stdin)
	}
	for _, flag := range c.flags {
		if valued[flag.Name] {
			flag.Value = ""
		}
		f.Flags = append(f.Flags, flag)
	}
	if c.name == "set env" {
		for i, word := range f.Operands {
			name, _, _ := strings.Cut(word, "=")
			f.Operands[i] = name
		}
	}
	slices.SortFunc(f.Flags, func(a, b Flag) int { return cmp.Compare(a.Name, b.Name) })
	return f
}

// valued are flags whose values may be secrets. What they do shows in the
// objects.
var valued = map[string]bool{"from-literal": true, "env": true, "patch": true, "overrides": true}

// tellsSecrets reports whether the command line itself may hold secrets.
func (c command) tellsSecrets() bool {
	for _, f := range c.flags {
		if valued[f.Name] && f.Name != "patch" || f.Name == "patch" && secretName.MatchString(f.Value) {
			return true
		}
	}
	return c.name == "set env"
}

// blank is the command line without what may be values.
func (c command) blank() string {
	words := []string{"kubectl", c.name}
	for _, f := range c.flags {
		words = append(words, "--"+f.Name)
	}
	for _, word := range c.operands {
		if strings.Contains(word, "=") {
			word = "..."
		}
		words = append(words, word)
	}
	if len(c.argv) > 0 {
		words = append(words, "--", "...")
	}
	return strings.Join(words, " ")
}

// maxWanted bounds how much is kept of a command line that is refused.
const maxWanted = 2000

// wanted is a command line that is refused, without what may be values, so far as that
// can be told of one that was not understood: what stands behind a flag, or a sign of
// equality, or what would run in a container.
func wanted(words []string) string {
	out, value := "kubectl", false
	for _, word := range words {
		name, _, given := strings.Cut(word, "=")
		switch {
		case len(out) > maxWanted:
			return out + " ..."
		case word == "--":
			return out + " -- ..."
		case strings.HasPrefix(word, "--"):
			out, value = out+" "+clipped(name), !given
		case strings.HasPrefix(word, "-") && len(word) > 1:
			out, value = out+" "+strings.ToValidUTF8(word[:2], ""), len(word) == 2
		case value || given:
			out, value = out+" ...", false
		default:
			out += " " + clipped(word)
		}
	}
	return out
}

// clipped is a word that is not longer than words are.
func clipped(word string) string {
	const most = 253
	if len(word) > most {
		return strings.ToValidUTF8(word[:most], "") + "..."
	}
	return word
}

// line is a command line as a person would type it.
func line(words []string) string {
	out := "kubectl"
	for _, word := range words {
		out += " " + quoted(word)
	}
	return out
}

// quoted is a word as a shell takes it.
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@%+", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
