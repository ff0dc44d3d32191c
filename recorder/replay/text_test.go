package replay

import (
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

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

// TestImpact: what could not be found out is not told as nothing.
func TestImpact(t *testing.T) {
	read := &tools.Preview{Impact: tools.Impact{Measured: true}}
	shell := &tools.Preview{Warnings: []string{"what the command does in the container can't be known before it runs"}}
	for want, p := range map[string]*tools.Preview{
		"it would change nothing that is counted (measured)":  read,
		"it would change nothing that is counted (estimated)": {},
		"what it would change is not known":                   shell,
	} {
		if got := Impact(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := Impact(nil); got != "what it would change is not known" {
		t.Errorf("%q", got)
	}
}
