// Package gateway carries a call from the door to the target and back. It is
// the only place that runs a plan; see [Gateway.Call] for the order of things.
//
// It knows nothing of MCP, of HTTP, or of any one kind of target. A family of
// tools is handed to it, and reached through it only.
package gateway
