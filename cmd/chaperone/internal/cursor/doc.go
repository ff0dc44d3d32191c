// Package cursor writes what Cursor needs to know of Chaperone: an entry in
// mcp.json, and a hook that keeps the agent's shell from going around it.
package cursor
