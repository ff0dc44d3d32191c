package tools

import "testing"

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain, with é, 字 and \n\t": "plain, with é, 字 and \n\t",
		"a\u202Eb":                  "a[U+202E]b",
		"user\u3164s\u2800":         "user[U+3164]s[U+2800]",
		"a\u00A0b\uFE0F\r\x1b[2J":   "a[U+00A0]b[U+FE0F][U+000D][U+001B][2J",
	} {
		if got := Visible(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}
