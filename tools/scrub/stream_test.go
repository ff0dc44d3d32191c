package scrub_test

import (
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools/scrub"
)

// pieces passes text through a stream, line by line.
func pieces(text string) []string {
	var s scrub.Stream
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, s.Next(line))
	}
	return append(out, s.Rest())
}

// Nothing of a secret is shown before all of it was seen.
func TestStreamKeepsBack(t *testing.T) {
	for name, text := range map[string]string{
		"a key":                   "one\n" + secrets["PEM"] + "\ntwo\n",
		"a key that does not end": "one\n" + secrets["PEM cut off"],
		"a password":              "one\npassword='hunter2\nhunter3' two\n",
		"many":                    "one\n" + secrets["OpenPGP"] + "\n" + secrets["PEM"] + "\n" + secrets["GitHub"] + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			out := pieces(text)
			if got, want := strings.Join(out, ""), scrub.Text(text); got != want {
				t.Errorf("in pieces it is %q, as a whole %q", got, want)
			}
			if out[0] != "one\n" {
				t.Errorf("the first line is not shown at once: %q", out)
			}
		})
	}
}

// FuzzStream: what comes in pieces is what comes as a whole.
func FuzzStream(f *testing.F) {
	for _, secret := range secrets {
		f.Add("a\n" + secret + "\nb")
	}
	f.Add("password=\"a\npassword='b\n\"c'\n")
	f.Add("-----BEGIN x\n-----END y\n-----BEGIN PRIVATE KEY-----\nab\n")
	f.Add("-----BEGIN PRIVATE KEY-----\n-----END x\nMIIE\n-----END PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			t.Skip("a line at a time this takes long, and shows nothing more")
		}
		if got, want := strings.Join(pieces(text), ""), scrub.Text(text); got != want {
			t.Errorf("%q in pieces is %q, as a whole %q", text, got, want)
		}
	})
}
