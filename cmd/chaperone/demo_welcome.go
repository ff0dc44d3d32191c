package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/cursor"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
	"github.com/chaperone-dev/chaperone/recorder/replay"
)

// welcome says how to connect and what to try.
func (o *options) welcome(on *stand, url string) {
	s := replay.StyleFor(o.out)
	entry := cursor.Server{URL: url, Headers: map[string]string{"Authorization": "Bearer " + on.Token}}
	self := programName()
	with := self + " --config " + on.Config()
	askCluster, tryCluster, rules := "", "", filepath.Join(on.Path, "policy", "shop.rego")
	if on.cluster != nil {
		askCluster, tryCluster = askTheCluster, fmt.Sprintf(tryTheCluster, with, with, with)
		rules += " and cluster.rego"
	}
	_, _ = fmt.Fprintf(o.out, `
%s  MCP at %s; everything is in %s

%s
  open the folder %s in it, or
  copy %s into a project, or
  open this link:
  %s

%s
  "Which customers of the shop spent most?"      e-mails come masked
  "Delete the old order items."                  refused: no WHERE
  "Mark order 40 as shipped, ticket 1187."       allowed, and on record
  "Refund payment 7: set its amount to 0."       waits until you approve it
%s
%s
  open %s and sign in with the token
  %s
  The request shows there by itself; once you approve it, the agent gets its answer.

%s
  %s call access
  %s call sql_read "select name, email from customers limit 3"
  %s call sql_write "delete from order_items"
  %s call sql_write -r "ticket 9: charged twice" "update payments set amount = 0 where id = 7"
%s  %s replay

%s
  Change %s: the next call is judged by it.

Ctrl-C ends the demo. Afterwards, %s demo --reset%s removes the folder.
`, s.Bold("Chaperone's demo is up."), s.Bold(url), on.Path,
		s.Bold("Connect Cursor:"), on.Path, on.CursorFile(), cursor.DeepLink("chaperone", entry),
		s.Bold("Ask the agent:"), askCluster, s.Bold("Be the approver, in a browser:"), s.Bold(strings.TrimSuffix(url, "/mcp")+"/console"), on.Approver,
		s.Bold("Or try it from another terminal:"), with, with, with, with, tryCluster, with,
		s.Bold("Make your own rules:"), rules, self, dirFlag(on.Path))
}

const askTheCluster = `  "What does api in the cluster log?"            allowed, as all reads of the namespace shop
  "Show me the Secret payment-provider."         its values come masked
  "Scale web to 3, it is Friday."                allowed; to 12 it waits for you
  "Roll out web 2.15.0, ticket 1192."            waits, and you see the diff as an sre
  "Delete the deployment worker."                waits, and you see what goes along
  "Run env in a pod of api."                     refused: no shells
  "What runs in kube-system?"                    refused: none of its business
`

const tryTheCluster = `  %s call kubectl_read --args '{"args": ["get", "pods"]}'
  %s call kubectl_read --args '{"args": ["get", "secret", "payment-provider", "-o", "yaml"]}'
  %s call kubectl_write -r "ticket 10: a sale" --args '{"args": ["scale", "deploy/web", "--replicas=12"]}'
`

// dirFlag is the flag that leads to a folder, if it takes one.
func dirFlag(path string) string {
	if path == demo.DefaultPath() {
		return ""
	}
	return " --dir " + path
}

// programName is what to type to run this program from here.
func programName() string {
	self, err := os.Executable()
	if err != nil {
		return "chaperone"
	}
	if found, err := exec.LookPath("chaperone"); err == nil {
		a, aErr := os.Stat(found)
		b, bErr := os.Stat(self)
		if aErr == nil && bErr == nil && os.SameFile(a, b) {
			return "chaperone"
		}
	}
	return relative(self)
}
