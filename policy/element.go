package policy

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/open-policy-agent/opa/v1/ast"
)

// appendJSON writes a value that a rule yielded. A set is written as a list.
func appendJSON(text []byte, v ast.Value) ([]byte, error) {
	switch v := v.(type) {
	case ast.String:
		return jsontext.AppendQuote(text, string(v))
	case ast.Number:
		return append(text, v...), nil
	case ast.Boolean:
		return strconv.AppendBool(text, bool(v)), nil
	case ast.Null:
		return append(text, "null"...), nil
	case *ast.Array:
		return appendList(text, v.Until)
	case ast.Set:
		return appendList(text, v.Until)
	case ast.Object:
		return appendObject(text, v)
	}
	return nil, fmt.Errorf("%s can't stand in a decision", ast.ValueName(v))
}

func appendList(text []byte, until func(func(*ast.Term) bool) bool) (_ []byte, err error) {
	text = append(text, '[')
	until(func(item *ast.Term) bool {
		if text[len(text)-1] != '[' {
			text = append(text, ',')
		}
		text, err = appendJSON(text, item.Value)
		return err != nil
	})
	return append(text, ']'), err
}

func appendObject(text []byte, object ast.Object) (_ []byte, err error) {
	text = append(text, '{')
	object.Until(func(key, value *ast.Term) bool {
		if text[len(text)-1] != '{' {
			text = append(text, ',')
		}
		if _, ok := key.Value.(ast.String); !ok {
			err = fmt.Errorf("key %s is not a string", key)
			return true
		}
		if text, err = appendJSON(text, key.Value); err == nil {
			text, err = appendJSON(append(text, ':'), value.Value)
		}
		return err != nil
	})
	return append(text, '}'), err
}
