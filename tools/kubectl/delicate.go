package kubectl

import (
	"bytes"
	"regexp"
)

// Pieces of text without which an answer has nothing to hide, as long as policy
// masks nothing: what is a Secret, and a variable whose name tells a secret. Text
// within text has its quotes escaped, and what it is called is not looked at.
var (
	aSecret    = regexp.MustCompile(`Secret\\*"`)
	variables  = regexp.MustCompile(`env\\*"`)
	withinText = regexp.MustCompile(`env\\+"`)
)

func needsMask(s *sent, data []byte) bool {
	return reaches(s.masker, s.Resource) || s.Resource == "secrets" || delicate(data)
}

func delicate(data []byte) bool {
	return aSecret.Match(data) || oddEscapes(data) ||
		variables.Match(data) && (withinText.Match(data) || namesSecret(data))
}

// namesSecret reports whether anything has a name that tells a secret, or may.
func namesSecret(data []byte) bool {
	const space = " \t\r\n"
	for {
		_, after, ok := bytes.Cut(data, []byte(`"name"`))
		if !ok {
			return false
		}
		data = after
		after = bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimLeft(after, space), []byte{':'}), space)
		if text, ok := bytes.CutPrefix(after, []byte{'"'}); ok {
			name, _, _ := bytes.Cut(text, []byte{'"'})
			if secretName.Match(name) || bytes.IndexByte(name, '\\') >= 0 {
				return true
			}
		}
	}
}

// escapes are what a server writes in place of letters that mean nothing here: it
// has no need to write others so.
var escapes = regexp.MustCompile(`^(00[01]|003c|003e|0026|2028|2029|fffd)`)

// oddEscapes reports whether letters are written such that a name or a word can't
// be looked for.
func oddEscapes(data []byte) bool {
	for {
		at := bytes.Index(data, []byte(`\u`))
		if at < 0 {
			return false
		}
		data = data[at+2:]
		if !escapes.Match(data) {
			return true
		}
	}
}
