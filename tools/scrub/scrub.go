// Package scrub finds secrets that can be known by their form: private keys,
// access tokens, passwords in connection strings. What it replaces never
// reaches the agent or the record, whatever policy says.
package scrub

import (
	"regexp"
	"strings"
)

// form is one kind of secret. A text is searched by the expression only if it
// holds one of the marks, which is far quicker.
type form struct {
	name  string
	marks []string
	find  *regexp.Regexp
	// with is what stands in its place, in the syntax of regexp.Expand; "" is
	// a note that names the kind.
	with string
}

// forms, each from its issuer's own documentation of how its secrets look.
var forms = []form{
	{"private key", []string{"PRIVATE KEY"}, regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY( BLOCK)?-----|$)`), ""},
	{"age key", []string{"AGE-SECRET-KEY-1"}, regexp.MustCompile(`AGE-SECRET-KEY-1[0-9A-Z]{58}`), ""},
	{"AWS key", []string{"AKIA", "ASIA"}, regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b`), ""},
	{"Google key", []string{"AIza", "ya29.", "GOCSPX-"}, regexp.MustCompile(`AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{28}`), ""},
	{"GitHub token", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"}, regexp.MustCompile(`(gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{22,})`), ""},
	{"GitLab token", []string{"glpat-"}, regexp.MustCompile(`glpat-[0-9A-Za-z_-]{20,}`), ""},
	{"Slack token", []string{"xox", "hooks.slack.com"}, regexp.MustCompile(`xox[abeoprs]-[0-9A-Za-z-]{10,}|hooks\.slack\.com/services/[0-9A-Za-z_/]+`), ""},
	{"Stripe key", []string{"sk_live_", "rk_live_", "whsec_"}, regexp.MustCompile(`(sk_live_|rk_live_|whsec_)[0-9A-Za-z]{16,}`), ""},
	{"API key", []string{"sk-"}, regexp.MustCompile(`\bsk-[0-9A-Za-z_-]{32,}`), ""},
	{"npm token", []string{"npm_"}, regexp.MustCompile(`npm_[0-9A-Za-z]{36}`), ""},
	{"JSON web token", []string{"eyJ"}, regexp.MustCompile(`eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]*`), ""},
	{"password hash", []string{"SCRAM-SHA-256$"}, regexp.MustCompile(`SCRAM-SHA-256\$\d+:[0-9A-Za-z+/=]+\$[0-9A-Za-z+/=]+:[0-9A-Za-z+/=]+`), ""},
	{"password", []string{"://"}, regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:/?#@'"]{0,128}:)[^\s/?#@'"]{1,256}@`), "${1}[password removed]@"},
	{"password", []string{"assword=", "ASSWORD="}, regexp.MustCompile(`(\b(?:[Pp]assword|PASSWORD)=)('[^']*'|"[^"]*"|[^\s'";&]+)`), "${1}[removed]"},
}

// Text returns text with every secret that it finds replaced by a note of what
// it was. It returns text itself when it finds none.
func Text(text string) string {
	for _, f := range forms {
		if !marked(text, f.marks) {
			continue
		}
		with := f.with
		if with == "" {
			with = "[" + f.name + " removed]"
		}
		text = f.find.ReplaceAllString(text, with)
	}
	return text
}

func marked(text string, marks []string) bool {
	for _, mark := range marks {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}
