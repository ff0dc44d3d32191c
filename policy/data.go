package policy

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"
	"github.com/open-policy-agent/opa/v1/util"
)

// readData merges the data files into one document. As with OPA, a file in a
// folder stands under the folder's name.
func readData(sources []source) (map[string]any, []Problem) {
	document := map[string]any{}
	var problems []Problem
	for _, s := range sources {
		if !s.data() {
			continue
		}
		content, problem := s.decode()
		if problem == nil {
			problem = s.mount(document, content)
		}
		if problem != nil {
			problems = append(problems, *problem)
		}
	}
	return document, problems
}

func (s source) problem(line int, format string, args ...any) *Problem {
	return &Problem{Error, s.path, line, fmt.Sprintf(format, args...)}
}

// decode reads a data file, refusing keys that occur twice.
func (s source) decode() (map[string]any, *Problem) {
	if strings.HasSuffix(s.name, ".json") {
		if line, err := checkJSON(s.text); err != nil {
			return nil, s.problem(line, "not valid JSON: %v", err)
		}
	}
	var content, repeats any
	// The first, which is OPA's reader, lets the last of equal keys win.
	if err := cmp.Or(util.Unmarshal(s.text, &content), yaml.Unmarshal(s.text, &repeats)); err != nil {
		line, message := yamlError(err)
		return nil, s.problem(line, "not valid YAML: %s", message)
	}
	object, ok := content.(map[string]any)
	if !ok {
		return nil, s.problem(1, "a data file holds one object, whose keys stand under data in Rego")
	}
	return object, nil
}

func checkJSON(text []byte) (line int, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	_, err = d.ReadValue()
	if err == nil {
		if d.PeekKind() == 0 {
			return 0, nil
		}
		err = errors.New("there is more after the first value")
	}
	rest := bytes.TrimLeft(text[min(d.InputOffset(), int64(len(text))):], " \t\r\n")
	offset := int64(len(text) - len(rest))
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = min(syntax.ByteOffset, int64(len(text)))
		err = fmt.Errorf("%w at %q", syntax.Err, syntax.JSONPointer)
	}
	return 1 + bytes.Count(text[:offset], []byte("\n")), err
}

// yamlError finds the line in what a YAML library says, 0 when there is none.
func yamlError(err error) (line int, message string) {
	if fault, ok := errors.AsType[yaml.Error](err); ok && fault.GetToken() != nil {
		return fault.GetToken().Position.Line, fault.GetMessage()
	}
	message = strings.ReplaceAll(err.Error(), "\n", " ")
	if found := regexp.MustCompile(`line (\d+)`).FindStringSubmatch(message); found != nil {
		line, _ = strconv.Atoi(found[1])
	}
	return line, message
}

// mount merges the content of a data file into the document.
func (s source) mount(document, content map[string]any) *Problem {
	folders := strings.Split(s.name, "/")
	for i := len(folders) - 2; i >= 0; i-- {
		content = map[string]any{folders[i]: content}
	}
	if _, taken := content[packageName]; taken {
		return s.problem(0, "data.%s belongs to the rules; use another key", packageName)
	}
	if at := merge(document, content); at != "" {
		return s.problem(0, "data%s stands in another data file too, with another value", at)
	}
	return nil
}

// merge adds the members of from; it returns the path of one that is already
// there and no object, or "".
func merge(into, from map[string]any) string {
	for key, value := range from {
		old, taken := into[key]
		if !taken {
			into[key] = value
			continue
		}
		oldObject, ok1 := old.(map[string]any)
		object, ok2 := value.(map[string]any)
		if !ok1 || !ok2 {
			return "." + key
		}
		if at := merge(oldObject, object); at != "" {
			return "." + key + at
		}
	}
	return ""
}
