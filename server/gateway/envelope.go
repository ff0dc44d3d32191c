package gateway

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chaperone-dev/chaperone/tools"
)

// envelope are the arguments that every tool shares; Rest are the tool's own.
type envelope struct {
	Connection string         `json:"connection"`
	Reason     string         `json:"reason"`
	DryRun     bool           `json:"dry_run"`
	Cursor     string         `json:"cursor"`
	Rest       jsontext.Value `json:",embed"`
}

// maxReason bounds what a caller may say.
const maxReason = 2000

// open reads the envelope and finds what it names.
func (g *Gateway) open(c *call) error {
	tool, ok := g.tool(c.in.Tool)
	if !ok {
		return &tools.Refusal{Rule: "unknown-tool", Reason: fmt.Sprintf("there is no tool named %q", clip(c.in.Tool, 64))}
	}
	c.tool = tool
	args := c.in.Args
	if len(args) == 0 {
		args = json.RawMessage("{}")
	}
	var e envelope
	if err := tools.DecodeArgs(args, &e); err != nil {
		return badArguments(err.Error())
	}
	if e.DryRun && tool.Ceiling == tools.Read {
		return badArguments("the argument \"dry_run\" is for tools that change something")
	}
	if len(e.Reason) > maxReason {
		return badArguments(fmt.Sprintf("the argument \"reason\" is longer than %d bytes", maxReason))
	}
	c.reason = scrubbed(e.Reason)
	c.decider = g.config.Policy()
	c.request = tools.Request{
		Tool: tool.Name, Args: json.RawMessage(e.Rest), DryRun: e.DryRun, Key: g.stateKey,
		Caller: tools.Caller{Subject: c.session.Principal.Subject, Groups: c.session.Principal.Groups},
		Gate:   judge{gateway: g, call: c, before: true},
		// A dry run shows them all; otherwise only what a rule looks at is worth its time.
		Wanted: func(fact string) bool { return e.DryRun || c.decider.Reads(tool.Family, fact) },
	}
	if len(e.Rest) == 0 {
		c.request.Args = json.RawMessage("{}")
	}
	if err := g.connect(c, e.Connection); err != nil {
		return err
	}
	return g.resume(c, e)
}

// connect finds the connection by name. A family with a single connection
// needs no name.
func (g *Gateway) connect(c *call, name string) error {
	if c.tool.Family == "" {
		c.connection = own
		return nil
	}
	if name == "" {
		for _, conn := range g.connections {
			if conn.Family == c.tool.Family {
				if c.connection.Target != nil {
					return badArguments("the argument \"connection\" is missing: there is more than one")
				}
				c.connection = conn
			}
		}
	} else {
		c.connection = g.connections[name]
	}
	if c.connection.Target == nil || c.connection.Family != c.tool.Family {
		c.connection = Connection{}
		return &tools.Refusal{
			Rule: "unknown-connection", Reason: fmt.Sprintf("%s has no connection named %q", c.tool.Name, clip(name, 64)),
			Hint: "the tool access lists the connections that you can reach",
		}
	}
	return nil
}

// resume checks a cursor: it is good for the caller it was given to, and for
// the same call.
func (g *Gateway) resume(c *call, e envelope) error {
	ordered := jsontext.Value(append([]byte(nil), c.request.Args...))
	if err := ordered.Format(jsontext.ReorderRawObjects(true), jsontext.CanonicalizeRawInts(false), jsontext.CanonicalizeRawFloats(false)); err != nil {
		return badArguments("the arguments are not a JSON object")
	}
	p := c.session.Principal
	c.bound = join(p.Issuer, p.Subject, c.connection.Name, c.tool.Name, string(ordered))
	if e.Cursor == "" {
		return nil
	}
	state, ok := g.cursors.open(e.Cursor, c.bound)
	if !ok || !c.tool.Pages {
		return &tools.Refusal{
			Rule: "cursor", Reason: "the cursor does not belong to this call",
			Hint: "repeat the call with the same arguments and next_cursor as cursor, or without a cursor to start again",
		}
	}
	c.request.Resume = state
	return nil
}

func badArguments(what string) error {
	return &tools.Refusal{Rule: "arguments", Reason: what, Hint: "see the tool's input schema"}
}

// clip is text of at most n bytes and a mark that some were left out.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}
