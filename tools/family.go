package tools

import (
	"context"
	"encoding/json"
	"path/filepath"
)

// Family is a kind of target and the tools that work on it.
type Family interface {
	// Name is the word used in configuration, policy input and records.
	Name() string
	// Tools lists the family's tools, always in the same order.
	Tools() []Tool
	// FactsSchema is the JSON schema of the family's facts. Policies are
	// compiled against it, so objects in it allow no additional properties.
	FactsSchema() json.RawMessage
	// Samples are typical actions, with facts that name nothing in particular.
	// Policy is asked about them to tell a caller what it may do.
	Samples() []Action
	// Open makes a connection of its configuration, without waiting for the
	// target: a target that is down shows when it is used, or in Check.
	Open(ConnectionConfig) (Connection, error)
}

// Tool is what the agent sees of one operation.
type Tool struct {
	// Name matches [a-z0-9_]{1,32}.
	Name string
	// Title is a short name for people.
	Title string
	// Description tells a model when and how to use the tool.
	Description string
	// Ceiling is the worst effect that the tool runs; Read makes it a
	// read-only tool towards the client.
	Ceiling Effect
	// Idempotent says that a second identical call changes nothing further.
	Idempotent bool
	// Input and Output are JSON schemas of type object: the family's own
	// arguments, and what its results marshal to.
	Input, Output json.RawMessage
	// Pages says that results may be continued by a cursor.
	Pages bool
}

// ConnectionConfig is one connection of the configuration file.
type ConnectionConfig struct {
	Name   string
	Labels map[string]string
	// Dir is the folder of the configuration file, where relative paths in it start;
	// "" is the working directory.
	Dir string
	// Decode fills the family's own section into a struct, strictly: an
	// unknown or repeated key is an error that names its line.
	Decode func(into any) error
}

// Production reports whether the connection is labelled as production.
func (c ConnectionConfig) Production() bool {
	return c.Labels["env"] == "prod" || c.Labels["env"] == "production"
}

// Path makes a path of the configuration one that holds wherever it is used; ""
// stays.
func (c ConnectionConfig) Path(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.Dir, path)
}

// Connection is an open target. Its methods are safe for concurrent use.
type Connection interface {
	// Describe turns a request into a plan without changing the target. An
	// error is a *Refusal that tells the caller why, and what would pass.
	Describe(context.Context, Request) (Plan, error)
	// Check looks for what is wrong with the target or our rights on it.
	Check(context.Context) []Finding
	// Close frees the connection. Plans that are running are cut off.
	Close() error
}

// Finding is one line of a check-up.
type Finding struct {
	Level Level `json:"level"`
	// What was found, in one sentence without secrets.
	What string `json:"what"`
	// Fix says what to do about it; "" when nothing is wrong.
	Fix string `json:"fix,omitempty"`
}

// Level says how bad a finding is. The zero value is the worst.
type Level string

// The levels of a finding.
const (
	Fail Level = "fail"
	Warn Level = "warn"
	OK   Level = "ok"
)
