package replay

import "testing"

// TestPrintable: what a terminal would show as nothing stands by its code, also
// where it is a letter or a mark by its class.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"é 字\tx\n":           "é 字 x ",
		"a\u202E\x1b":        `a\u202e\x1b`,
		"a\x9b31m\xc2":       "a\uFFFD31m\uFFFD",
		"user\u3164s\uFE0F.": `user\u3164s\ufe0f.`,
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q is printed as %q", text, got)
		}
	}
}
