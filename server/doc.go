// Package server is the edge towards MCP clients, over standard input and over
// HTTP. It is the only importer of mcp-go.
//
// The edge finds out who calls and on behalf of which session, hands the call
// to the gateway, and puts the gateway's reply into MCP's words. It decides
// nothing. What mcp-go does that could hurt is held off here; each such place
// says what it is.
package server
