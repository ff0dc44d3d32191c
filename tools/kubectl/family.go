package kubectl

import (
	"encoding/json"

	"github.com/chaperone-dev/chaperone/tools"
)

// The names of the family's tools.
const (
	toolRead  = "kubectl_read"
	toolWrite = "kubectl_write"
)

// Family is the Kubernetes family. The zero value is ready to use.
type Family struct{}

// Name implements tools.Family.
func (Family) Name() string { return "kubectl" }

// Open implements tools.Family.
func (Family) Open(c tools.ConnectionConfig) (tools.Connection, error) { return newConnection(c) }

// FactsSchema implements tools.Family.
func (Family) FactsSchema() json.RawMessage { return tools.SchemaOf[Facts](nil) }

// Samples implements tools.Family.
func (Family) Samples() []tools.Action {
	sample := func(name, verb string) tools.Action {
		v, _ := find(name)
		r := Request{Verb: verb, Version: "v1", Resource: "pods", Namespace: "default", Classes: []string{}}
		a := command{verb: v, name: name, words: []string{name}, namespace: "default"}.action([]Request{r}, nil)
		a.Targets = []tools.Target{}
		return a
	}
	return []tools.Action{
		sample("get", "list"), sample("logs", "get"), sample("create", "create"), sample("patch", "patch"), sample("delete", "delete"),
	}
}

// Tools implements tools.Family.
func (Family) Tools() []tools.Tool {
	return []tools.Tool{
		{
			Name: toolRead, Title: "Read from a Kubernetes cluster", Ceiling: tools.Read, Idempotent: true,
			Input: tools.SchemaOf[args](nil), Output: tools.SchemaOf[resultFields](nil), Description: readDescription,
		},
		{
			Name: toolWrite, Title: "Change a Kubernetes cluster", Ceiling: tools.Destroy,
			Input: tools.SchemaOf[args](nil), Output: tools.SchemaOf[resultFields](nil), Description: writeDescription,
		},
	}
}

const readDescription = `Run one kubectl command that only reads: get, describe, logs, diff, top, events, explain, api-resources, rollout status, auth can-i, wait and the like.
args are the words after kubectl, one string each: ["get", "pods", "-n", "shop", "-o", "wide"]. There is no shell, and no file is read.
The server, the user and the context are fixed by the connection. Secrets and fields that policy masks are hidden in every output format.`

const writeDescription = `Run one kubectl command that changes the cluster: apply, create, delete, patch, scale, rollout, set, label, drain and the like.
args are the words after kubectl, one string each; manifests go into stdin, with -f - in args. Say why in reason.
The command is rehearsed by the API server first (dry run), and policy judges the requests that it would make. With dry_run nothing more happens.`
