package kubectl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v2"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// checkAliases refuses YAML of which aliases make more than is ever sent: kubectl
// writes each alias out, in memory, before anybody judges what comes of it. It is read
// by the parser that kubectl has.
func checkAliases(text string) error {
	if !strings.Contains(text, "&") || !strings.Contains(text, "*") || onlyJSON(text) {
		return nil
	}
	left := maxBody
	for documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text))); ; {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			left, err = written(left, document)
		}
		switch {
		case err != nil:
			return refused("stdin", "it may hold aliases, and can't be read: "+err.Error(), "mend it, or write what the aliases stand for")
		case left < 0:
			return refused("size", fmt.Sprintf("its aliases make more than %d MB of it", maxBody>>20), "write what they stand for, in parts")
		}
	}
}

// onlyJSON reports whether a text is nothing but objects of JSON, which knows no
// aliases.
func onlyJSON(text string) bool {
	for in := json.NewDecoder(strings.NewReader(text)); ; {
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
}

// written takes the length of YAML, its aliases written out, from what is left. It is
// read to its end: kubectl may take the beginning for JSON, and only the rest for YAML.
func written(left int, document []byte) (int, error) {
	for in := yaml.NewDecoder(bytes.NewReader(document)); left >= 0; {
		var value any
		err := in.Decode(&value)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return left, err
		}
		left = spend(left, value)
	}
	return left, nil
}

// spend takes the length of a value, written out, from what is left. Below zero it
// goes no further.
func spend(left int, value any) int {
	switch v := value.(type) {
	case string:
		left -= len(v)
	case []any:
		for i := 0; i < len(v) && left >= 0; i++ {
			left = spend(left, v[i])
		}
	case map[any]any:
		for name, inner := range v {
			if left = spend(spend(left, name), inner); left < 0 {
				break
			}
		}
	}
	return left - 1
}
