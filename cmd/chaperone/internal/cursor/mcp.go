package cursor

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
)

// Server is an entry of mcp.json.
type Server struct {
	Type    string            `json:"type,omitempty"`
	Command string            `json:"command,omitempty"`
	Args    []string          `json:"args,omitempty"`
	URL     string            `json:"url,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// Stdio is the entry for a gateway that Cursor starts itself. Cursor does not
// start it in the project's folder, so both paths must be absolute.
func Stdio(program, config string) Server {
	return Server{Type: "stdio", Command: program, Args: []string{"stdio", "--config", config}}
}

// Remote is the entry for a gateway that is reached over HTTP. The token stays
// in the environment variable.
func Remote(url, tokenVariable string) Server {
	return Server{URL: url, Headers: map[string]string{"Authorization": "Bearer ${env:" + tokenVariable + "}"}}
}

// File is a whole mcp.json with one entry.
func File(name string, s Server) []byte {
	data, _ := json.MarshalIndent(map[string]any{"mcpServers": map[string]Server{name: s}}, "", "  ")
	return append(data, '\n')
}

// DeepLink is a link that adds the entry to Cursor when it is opened.
func DeepLink(name string, s Server) string {
	data, _ := json.Marshal(s)
	query := url.Values{"name": {name}, "config": {base64.StdEncoding.EncodeToString(data)}}
	return "cursor://anysphere.cursor-deeplink/mcp/install?" + query.Encode()
}
