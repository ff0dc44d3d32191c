package scrub_test

import (
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools/scrub"
)

// secrets are put together here so that nobody's scanner takes them for real.
var secrets = map[string]string{
	"PEM":             "-----BEGIN RSA PRIVATE KEY-----\nMIIEow" + strings.Repeat("AB12", 20) + "\n-----END RSA PRIVATE KEY-----",
	"PEM cut off":     "-----BEGIN PRIVATE KEY-----\nMIIEow" + strings.Repeat("AB12", 20),
	"OpenPGP":         "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ" + strings.Repeat("xY", 30) + "\n-----END PGP PRIVATE KEY BLOCK-----",
	"age":             "AGE-SECRET-KEY-1" + strings.Repeat("Q", 58),
	"AWS":             "AKIA" + strings.Repeat("A1", 8),
	"AWS for a while": "ASIA" + strings.Repeat("Z9", 8),
	"Google API":      "AIza" + strings.Repeat("a", 35),
	"Google OAuth":    "ya29." + strings.Repeat("b", 40),
	"Google client":   "GOCSPX-" + strings.Repeat("c", 28),
	"GitHub":          "ghp_" + strings.Repeat("d", 36),
	"GitHub fine":     "github_pat_" + strings.Repeat("e", 40),
	"GitLab":          "glpat-" + strings.Repeat("f", 20),
	"Slack":           "xoxb-" + strings.Repeat("1", 12) + "-abcdef",
	"Slack hook":      "hooks.slack.com/services/T000/B000/" + strings.Repeat("g", 24),
	"Stripe":          "sk_live_" + strings.Repeat("h", 24),
	"API":             "sk-" + strings.Repeat("i", 48),
	"npm":             "npm_" + strings.Repeat("j", 36),
	"JWT":             "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0." + strings.Repeat("k", 43),
	"SCRAM":           "SCRAM-SHA-256$4096:c2FsdHNhbHQ=$c3RvcmVka2V5:c2VydmVya2V5",
}

func TestTextRemovesSecrets(t *testing.T) {
	for name, secret := range secrets {
		for _, around := range [][2]string{{"", ""}, {"see ", " there"}, {`{"k":"`, `"}`}, {"a=", "\n"}} {
			got := scrub.Text(around[0] + secret + around[1])
			if strings.Contains(got, secret[len(secret)-12:]) || !strings.Contains(got, "removed]") {
				t.Errorf("%s in %q stays: %q", name, around, got)
			}
			if !strings.HasPrefix(got, around[0]) {
				t.Errorf("%s: what stands before it is gone: %q", name, got)
			}
		}
	}
}

func TestTextRemovesPasswords(t *testing.T) {
	for in, want := range map[string]string{
		"postgres://app:hunter2@db:5432/shop":      "postgres://app:[password removed]@db:5432/shop",
		"https://oauth2:tok%40en@git.example/x":    "https://oauth2:[password removed]@git.example/x",
		"redis://:hunter2@cache":                   "redis://:[password removed]@cache",
		"host=db user=app password=hunter2 ssl=on": "host=db user=app password=[removed] ssl=on",
		"password='two words' host=db":             "password=[removed] host=db",
		"jdbc:x;Password=hunter2;y=1":              "jdbc:x;Password=[removed];y=1",
		"PASSWORD=hunter2&x":                       "PASSWORD=[removed]&x",
	} {
		if got := scrub.Text(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
}

func TestTextLeavesTheRest(t *testing.T) {
	for _, in := range []string{
		"", "nothing here", "AKIA is a prefix", "a task-" + strings.Repeat("x", 40), "https://example.org:8080/a@b",
		"2026-11-22T10:00:00Z", "eyJ is how a token begins", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
		"the password is forgotten", "SELECT password FROM users", strings.Repeat("z", 1000),
	} {
		if got := scrub.Text(in); got != in {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// FuzzText holds that no secret survives in any text, and that what was
// scrubbed once stays as it is.
func FuzzText(f *testing.F) {
	f.Add("", "")
	f.Add("postgres://a:", "@b")
	f.Add("-----BEGIN PRIVATE KEY-----", "password=")
	f.Add("password='", "'")
	f.Fuzz(func(t *testing.T, before, after string) {
		token := secrets["GitHub"]
		got := scrub.Text(before + token + after)
		if strings.Contains(got, token) {
			t.Errorf("the token stays: %q", got)
		}
		if again := scrub.Text(got); strings.Contains(again, token) {
			t.Errorf("the token is back: %q", again)
		}
	})
}

func BenchmarkText(b *testing.B) {
	text := strings.Repeat("an order of 3 pieces, to be sent on 2026-11-22\n", 200)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		scrub.Text(text)
	}
}
