package policy

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/open-policy-agent/opa/v1/ast"
)

// Bounds on the facts that are kept as terms: the same statement comes again
// and again, and most of an input's cost is its facts.
const (
	mostFacts    = 128
	longestFacts = 8 << 10 // bytes of JSON
)

// converter turns inputs into the terms that rules are evaluated over. An input
// must be what the schema says, to the last field: a family whose facts differ
// from its schema would make rules silently undefined.
type converter struct {
	root  *field
	facts *lru.Cache[string, *ast.Term]
}

func newConverter(root *field) (*converter, error) {
	facts, err := lru.New[string, *ast.Term](mostFacts)
	return &converter{root, facts}, err
}

func (c *converter) term(in *Input) (*ast.Term, error) {
	text, err := in.withoutFacts()
	if err != nil {
		return nil, fmt.Errorf("writing the policy input: %w", err)
	}
	term, err := c.root.parse(text)
	if err != nil || in.Action.Facts == nil {
		return term, err
	}
	// What is not required is there for the facts of one family each.
	name := in.Action.Facts.Family()
	m := c.root.members[name]
	if m == nil || m.required {
		return nil, fmt.Errorf("the policy input has no place for facts of the family %q", name)
	}
	facts, err := c.factsTerm(m.field, in)
	if err != nil {
		return nil, err
	}
	object, ok := term.Value.(ast.Object)
	if !ok {
		return nil, errors.New("the policy input is no object")
	}
	object.Insert(m.key, facts)
	return term, nil
}

func (c *converter) factsTerm(f *field, in *Input) (*ast.Term, error) {
	text, err := in.facts()
	if err != nil {
		return nil, fmt.Errorf("writing the facts: %w", err)
	}
	key := f.path + string(text)
	if term, ok := c.facts.Get(key); ok {
		return term, nil
	}
	term, err := f.parse(text)
	if err == nil && len(text) <= longestFacts {
		c.facts.Add(key, term)
	}
	return term, err
}

// parse reads JSON. Names that occur twice were refused when it was written.
func (f *field) parse(text []byte) (*ast.Term, error) {
	return f.read(jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true)))
}

func (f *field) read(d *jsontext.Decoder) (*ast.Term, error) {
	token, err := d.ReadToken()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.path, err)
	}
	switch kind := token.Kind(); {
	case kind == '"' && f.kind == "string":
		return f.text(token.String())
	case kind == '0' && (f.kind == "number" || f.kind == "integer"):
		return ast.NewTerm(ast.Number(token.String())), nil
	case (kind == 't' || kind == 'f') && f.kind == "boolean":
		return ast.InternedTerm(token.Bool()), nil
	case kind == '[' && f.kind == "array":
		return f.list(d)
	case kind == '{' && f.kind == "object":
		return f.object(d)
	}
	return nil, fmt.Errorf("%s is %s; its schema says %s", f.path, token.Kind(), f.kind)
}

func (f *field) text(s string) (*ast.Term, error) {
	if f.words == nil {
		return ast.StringTerm(s), nil
	}
	if term := f.words[s]; term != nil {
		return term, nil
	}
	return nil, fmt.Errorf("%s is %q, which is not among the words of its schema", f.path, s)
}

func (f *field) list(d *jsontext.Decoder) (*ast.Term, error) {
	var items []*ast.Term
	for d.PeekKind() != ']' {
		item, err := f.items.read(d)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := d.ReadToken()
	return ast.ArrayTerm(items...), err
}

func (f *field) object(d *jsontext.Decoder) (*ast.Term, error) {
	pairs := make([][2]*ast.Term, 0, len(f.members))
	required := 0
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", f.path, err)
		}
		m := f.member(token.String())
		if m == nil {
			return nil, fmt.Errorf("%s has a field %q that its schema does not know", f.path, token.String())
		}
		if m.required {
			required++
		}
		value, err := m.read(d)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, [2]*ast.Term{m.key, value})
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.path, err)
	}
	if required != f.required {
		return nil, errors.New(f.path + " lacks a field that its schema requires")
	}
	return ast.ObjectTerm(pairs...), nil
}

// member returns where the value of a key belongs, nil when it does not.
func (f *field) member(name string) *member {
	if f.closed() {
		return f.members[name]
	}
	return &member{field: f.items, key: ast.StringTerm(name)}
}
