package kubectl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
)

// check refuses a command line that kubectl can read and that is not for here.
func (c command) check(cmd *cobra.Command) error {
	var first error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if first == nil {
			first = c.checkFlag(f)
		}
	})
	if first != nil {
		return first
	}
	if len(validation.IsDNS1123Label(c.namespace)) > 0 {
		return refused("name", fmt.Sprintf("%q is no name of a namespace", c.namespace), "name the namespace as kubectl get namespaces lists it")
	}
	for _, word := range c.operands {
		if err := checkOperand(word); err != nil {
			return err
		}
	}
	return c.checkStdin()
}

func (c command) checkFlag(f *pflag.Flag) error {
	if !c.allows(f.Name) {
		return refused("flag", fmt.Sprintf("kubectl %s may not have --%s here", c.name, f.Name), c.otherFlags(f.Name))
	}
	value := f.Value.String()
	switch f.Name {
	case "filename":
		if value != "[-]" {
			return refused("file", "files and addresses are not read here", "pass the manifest as stdin, with -f -")
		}
	case "output":
		return c.checkFormat(value)
	case "template":
		if format, _ := c.flag("output"); strings.HasPrefix(format, "jsonpath") {
			return checkPath(value)
		}
		return c.checkTemplate(value)
	case "sort-by", "for":
		return checkPath(value)
	case "patch", "overrides":
		return checkAliases(value)
	case "server-side":
		if value != "true" {
			return refused("flag", "kubectl "+c.name+" is always server-side here", "leave --server-side out")
		}
	}
	return nil
}

// formats are those that need no file. What follows a sign of equality is the
// caller's.
var formats = []string{"", "json", "yaml", "kyaml", "wide", "name", "plaintext", "plaintext-openapiv2"}
var pathPrefixes = []string{"jsonpath=", "jsonpath-as-json="}
var templatePrefixes = []string{"go-template=", "template="}

func (c command) checkFormat(value string) error {
	if slices.Contains(formats, value) || slices.Contains([]string{"jsonpath", "go-template", "template"}, value) {
		return nil
	}
	for _, p := range pathPrefixes {
		if text, ok := strings.CutPrefix(value, p); ok {
			return checkPath(text)
		}
	}
	if text, ok := strings.CutPrefix(value, "custom-columns="); ok {
		return checkColumns(text)
	}
	for _, p := range templatePrefixes {
		if text, ok := strings.CutPrefix(value, p); ok {
			return c.checkTemplate(text)
		}
	}
	return refused("output", fmt.Sprintf("the output format %q can't be used here", value),
		"use jsonpath=..., go-template=..., custom-columns=..., json, yaml, wide or name")
}

// checkTemplate refuses templates that can't be ended. What a watch prints goes
// through a buffer, so that no round of a loop notices the end.
func (c command) checkTemplate(text string) error {
	again, err := interruptible(text)
	if err != nil {
		return err
	}
	if (c.has("watch") || c.has("watch-only")) && strings.Contains(again, "{{range ") {
		return refused("output", "a template may not have a range while it watches", "print all as json, or leave --watch out")
	}
	return nil
}

// checkOperand refuses names that could become another path than they look like.
// Words such as KEY=VALUE are values, and no part of a path.
func checkOperand(word string) error {
	if strings.Contains(word, "=") {
		return nil
	}
	for part := range strings.SplitSeq(word, "/") {
		if len(content.IsPathSegmentName(part)) > 0 {
			return refused("name", fmt.Sprintf("%q can't be part of a name", word), "name objects as TYPE/NAME or TYPE NAME")
		}
	}
	return nil
}

func (c command) checkStdin() error {
	switch {
	case c.has("filename") && strings.TrimSpace(c.stdin) == "":
		return refused("stdin", "-f - reads the manifest from stdin, and there is none", "pass it as stdin")
	case !c.has("filename") && c.stdin != "" && !slices.Contains(c.operands, "-") && !c.has("stdin"):
		return refused("stdin", "nothing reads stdin", "add -f -")
	case c.has("filename"):
		return checkAliases(c.stdin)
	}
	return nil
}

// names lists commands; what can be created or set is told behind these.
func names(of map[string][]string) string {
	var out []string
	for name := range of {
		if word, _, _ := strings.Cut(name, " "); word == "create" || word == "set" {
			name = word
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), ", ")
}

func flagNames(v verb) string {
	if len(v.flags) == 0 {
		return "--namespace"
	}
	return "--namespace, --" + strings.Join(slices.Sorted(slices.Values(v.flags)), ", --")
}
