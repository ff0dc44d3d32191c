package policy

import (
	"github.com/open-policy-agent/opa/v1/ast"
)

// term returns the field that a term stands for, nil when it stands for none or
// that is not known, after a look at everything in it.
func (s scope) term(t *ast.Term) *field {
	switch v := t.Value.(type) {
	case ast.Var:
		return s.vars[v]
	case ast.Ref:
		return s.ref(t, v)
	case *ast.Array:
		return s.all(v.Foreach)
	case ast.Set:
		return s.all(v.Foreach)
	case ast.Object:
		v.Foreach(func(key, value *ast.Term) { s.term(key); s.term(value) })
	case *ast.ArrayComprehension:
		in := s.inner()
		in.body(v.Body)
		return listOf(in.term(v.Term))
	case *ast.SetComprehension:
		in := s.inner()
		in.body(v.Body)
		return listOf(in.term(v.Term))
	case *ast.ObjectComprehension:
		in := s.inner()
		in.body(v.Body)
		in.term(v.Key)
		return listOf(in.term(v.Value))
	}
	return nil
}

// all returns a list of what the members stand for, if that is one field.
func (s scope) all(each func(func(*ast.Term))) *field {
	var common *field
	first, differ := true, false
	each(func(t *ast.Term) {
		f := s.term(t)
		differ = differ || (!first && !alike(f, common))
		common, first = f, false
	})
	if differ {
		return nil
	}
	return listOf(common)
}

func (s scope) ref(t *ast.Term, ref ast.Ref) *field {
	f, rest := s.head(ref)
	for i, key := range rest {
		switch key.Value.(type) {
		case ast.String, ast.Number, ast.Boolean, ast.Null:
			f = f.step(key.Value)
			continue
		}
		s.term(key)
		if f.closed() && !s.iterates(key) {
			s.fault(t, "%s by a variable: fields of the input must be named, as in %s, or a misspelt one would go unseen",
				f.path, f.example())
			s.rest(rest[i+1:])
			return nil
		}
		if f != nil {
			f = f.items
		}
	}
	return f
}

// head returns the field that the start of a reference stands for, and the keys
// that follow.
func (s scope) head(ref ast.Ref) (*field, ast.Ref) {
	switch head := ref[0].Value; {
	case head.Compare(ast.InputRootDocument.Value) == 0:
		return s.input, ref[1:]
	case head.Compare(ast.DefaultRootDocument.Value) != 0:
		return s.term(ref[0]), ref[1:]
	}
	for n := len(ref); n > 1; n-- {
		if f, ok := s.values[ref[:n].String()]; ok {
			return f, ref[n:]
		}
	}
	return nil, ref[1:]
}

func (s scope) rest(keys ast.Ref) {
	for _, key := range keys {
		s.term(key)
	}
}

// iterates reports whether a key stands for each key in turn, with nothing else
// said about it.
func (s scope) iterates(key *ast.Term) bool {
	v, ok := key.Value.(ast.Var)
	return ok && (v.IsWildcard() || s.uses[v] == 1)
}

func listOf(f *field) *field {
	if f == nil {
		return nil
	}
	return &field{path: f.path, kind: "array", items: f}
}

// alike reports whether two fields are the same, or lists of the same.
func alike(a, b *field) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	return a.kind == "array" && b.kind == "array" && alike(a.items, b.items)
}

// example names a member of a closed object, or of those in a list.
func (f *field) example() string {
	if !f.closed() {
		return f.items.example()
	}
	return f.path + "." + f.names()[0]
}
