package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// strict makes an unknown key an error; a repeated one always is.
var strict = []yaml.DecodeOption{yaml.Strict()}

var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// file is a YAML file that is being read.
type file struct{ path string }

// decode reads a document into a struct, secrets filled in.
func (f *file) decode(text []byte, into any) error {
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		return f.explain(err)
	}
	switch {
	case len(parsed.Docs) != 1:
		return fmt.Errorf("%s: the file holds %d documents; it must hold one", f.path, len(parsed.Docs))
	case parsed.Docs[0].Body == nil:
		return fmt.Errorf("%s: the file is empty", f.path)
	}
	filler := &filler{file: f}
	ast.Walk(filler, parsed.Docs[0].Body)
	if filler.err != nil {
		return filler.err
	}
	return f.explain(yaml.NodeToValue(parsed.Docs[0].Body, into, strict...))
}

// filler replaces ${env:NAME} and ${file:PATH} in every value.
type filler struct {
	file *file
	err  error
}

var secret = regexp.MustCompile(`\$\{(env|file):([^}]*)\}`)

// Visit implements ast.Visitor.
func (v *filler) Visit(n ast.Node) ast.Visitor {
	if s, ok := n.(*ast.StringNode); ok && v.err == nil {
		s.Value = secret.ReplaceAllStringFunc(s.Value, func(match string) string {
			parts := secret.FindStringSubmatch(match)
			value, err := v.look(parts[1], parts[2])
			if err != nil {
				v.err = fmt.Errorf("%s:%d: %w", v.file.path, n.GetToken().Position.Line, err)
			}
			return value
		})
	}
	return v
}

// look finds a secret. A file's last line break is not part of it.
func (v *filler) look(kind, where string) (string, error) {
	if kind == "env" {
		value, ok := os.LookupEnv(where)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", where)
		}
		return value, nil
	}
	if !filepath.IsAbs(where) {
		where = filepath.Join(filepath.Dir(v.file.path), where)
	}
	text, err := os.ReadFile(where)
	if err != nil {
		return "", fmt.Errorf("the secret can't be read: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// UnmarshalYAML reads a connection, whose family decides what its section is
// called.
func (c *Connection) UnmarshalYAML(n ast.Node) error {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		if one, is := n.(*ast.MappingValueNode); is {
			m, ok = &ast.MappingNode{Values: []*ast.MappingValueNode{one}}, true
		}
	}
	if !ok {
		return errors.New("a connection must be a mapping with name, family and the family's own section")
	}
	sections := map[string]*ast.MappingValueNode{}
	for _, v := range m.Values {
		var err error
		switch key := v.Key.GetToken().Value; key {
		case "name":
			err = yaml.NodeToValue(v.Value, &c.Name)
		case "family":
			err = yaml.NodeToValue(v.Value, &c.Family)
		case "labels":
			err = yaml.NodeToValue(v.Value, &c.Labels)
		default:
			sections[key] = v
		}
		if err != nil {
			return err
		}
	}
	for key, v := range sections {
		if c.Family == "" {
			return &yaml.UnknownFieldError{Message: fmt.Sprintf("the connection does not say its family; write family: %s if %s is its section", key, key), Token: v.Key.GetToken()}
		}
		if key != c.Family {
			return &yaml.UnknownFieldError{Message: fmt.Sprintf("unknown field %q in a connection of family %q", key, c.Family), Token: v.Key.GetToken()}
		}
		c.section = v.Value
	}
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	return nil
}
