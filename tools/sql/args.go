package sql

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// args are the arguments of sql_read and sql_write.
type args struct {
	SQL     string  `json:"sql"`
	Params  []param `json:"params,omitempty"`
	MaxRows int     `json:"max_rows,omitempty"`
}

// param is one parameter: its text as PostgreSQL reads it, and its type where
// the caller names one; otherwise the statement says what type it is.
type param struct {
	text   string
	null   bool
	typing string
}

// UnmarshalJSON reads null, true, false, a number, a string, an array of such,
// an object as JSON text, or {"type": "...", "value": ...}. Numbers keep every
// digit. An array is a list to PostgreSQL, unless its type is one of JSON.
func (p *param) UnmarshalJSON(data []byte) error {
	typing, value, ok := typedParam(data)
	if !ok {
		return p.set(data)
	}
	p.typing = typing
	if value[0] == '[' && (typing == "json" || typing == "jsonb") {
		p.text = string(value)
		return nil
	}
	return p.set(value)
}

// set takes a value without a type of its own.
func (p *param) set(data []byte) error {
	switch data[0] {
	case 'n':
		p.null = true
	case '"':
		return json.Unmarshal(data, &p.text)
	case '[':
		text, err := arrayText(data)
		p.text = text
		return err
	default:
		p.text = string(data)
	}
	return nil
}

// typedParam recognises {"type": "...", "value": ...}.
func typedParam(data []byte) (typing string, value json.RawMessage, ok bool) {
	var object map[string]json.RawMessage
	if data[0] != '{' || json.Unmarshal(data, &object) != nil || len(object) != 2 || object["value"] == nil {
		return "", nil, false
	}
	if json.Unmarshal(object["type"], &typing) != nil || typing == "" {
		return "", nil, false
	}
	return typing, object["value"], true
}

// arrayText writes a JSON array as an array literal (manual, 8.15.2).
func arrayText(data []byte) (string, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return "", err
	}
	parts := make([]string, len(items))
	for i, item := range items {
		var inner param
		switch {
		case item[0] == '[':
			text, err := arrayText(item)
			if err != nil {
				return "", err
			}
			parts[i] = text
			continue
		case inner.set(item) != nil:
			return "", errors.New("an array holds something that is not a value")
		}
		parts[i] = "NULL"
		if !inner.null {
			parts[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(inner.text) + `"`
		}
	}
	return "{" + strings.Join(parts, ",") + "}", nil
}

// maxParams bounds what one call may bind.
const maxParams = 1000

func (a *args) check() error {
	switch {
	case a.SQL == "":
		return errors.New("the argument \"sql\" is missing: it holds the statement")
	case a.MaxRows < 0:
		return errors.New("the argument \"max_rows\" must be positive")
	case len(a.Params) > maxParams:
		return fmt.Errorf("there are %d params; at most %d are taken", len(a.Params), maxParams)
	}
	for i, p := range a.Params {
		if strings.IndexByte(p.text, 0) >= 0 || strings.IndexByte(p.typing, 0) >= 0 {
			return fmt.Errorf("params[%d] holds a NUL character, which PostgreSQL can't store", i)
		}
	}
	return nil
}
