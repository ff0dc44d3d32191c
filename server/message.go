package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/mark3labs/mcp-go/mcp"
)

const (
	// maxMessage bounds one message of a client, over any transport.
	maxMessage = 1 << 20
	// maxID bounds the id of a request, in bytes of JSON.
	maxID = 256
	// maxWholeID is the largest number that every JSON library keeps exact:
	// the id that goes back is the one that came.
	maxWholeID = 1<<53 - 1
)

// header is what the edge itself needs of a message.
type header struct {
	method string
	// id is that of a request; a notification, and a response to a request of
	// ours, have none. It is one that mcp-go sends back as it came.
	id     requestID
	params json.RawMessage
	// answers is the id of the request of ours that the message answers, with
	// result, which is nil if that is an error.
	answers requestID
	result  json.RawMessage
}

// requestID is a request's id in a form in which equal ids are equal: 1 is not
// "1", and "a" is "\u0061". "" is none.
type requestID string

// readHeader reads the members of a message that come before its meaning. Each
// may stand there once, and by its exact name, so that nothing that reads the
// message after us can see another one in it.
func readHeader(message []byte) (h header, fault *mcp.JSONRPCError) {
	members, fault := membersOf(message)
	if fault != nil {
		return h, fault
	}
	if raw, ok := members["method"]; ok {
		if json.Unmarshal(raw, &h.method) != nil || h.method == "" {
			return h, invalid("the member \"method\" must be a string")
		}
	}
	if raw, ok := members["id"]; ok {
		var err error
		if h.id, err = readID(raw); err != nil {
			return h, invalid(err.Error())
		}
	}
	h.params = json.RawMessage(members["params"])
	if h.method == "" {
		if h.id == "" || members["result"] == nil && members["error"] == nil {
			return h, invalid("the member \"method\" is missing")
		}
		h.answers, h.id, h.result = h.id, "", json.RawMessage(members["result"])
	}
	return h, nil
}

var memberNames = map[string]bool{"jsonrpc": true, "id": true, "method": true, "params": true, "result": true, "error": true}

// membersOf takes a message apart. What is inside of the members is not looked
// at here, beyond that it is JSON.
func membersOf(message []byte) (map[string]jsontext.Value, *mcp.JSONRPCError) {
	lenient := []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
	if !jsontext.Value(message).IsValid(lenient...) {
		return nil, unreadable("the message is not JSON")
	}
	if bytes.HasPrefix(bytes.TrimLeft(message, " \t\r\n"), []byte("[")) {
		return nil, invalid("batches are not taken; send one message at a time")
	}
	d := jsontext.NewDecoder(bytes.NewReader(message), lenient...)
	if token, err := d.ReadToken(); err != nil || token.Kind() != '{' {
		return nil, invalid("the message is not a JSON object")
	}
	members := map[string]jsontext.Value{}
	for d.PeekKind() == '"' {
		name, _ := d.ReadToken()
		key := name.String()
		if _, twice := members[key]; twice || !memberNames[key] {
			return nil, invalid("a member of the message is not known or is given twice")
		}
		value, err := d.ReadValue()
		if err != nil {
			return nil, unreadable("the message is not JSON")
		}
		members[key] = bytes.Clone(value)
	}
	return members, nil
}

// readID accepts the ids that MCP allows, which are strings and whole numbers,
// as far as they are sure to come back as they went.
func readID(raw jsontext.Value) (requestID, error) {
	switch {
	case len(raw) > maxID:
		return "", fmt.Errorf("the id is longer than %d bytes", maxID)
	case raw.Kind() == '"':
		var s string
		if !raw.IsValid() || json.Unmarshal(raw, &s) != nil {
			return "", errors.New("the id is not text")
		}
		return requestID("s" + s), nil
	case raw.Kind() == '0':
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil || n > maxWholeID || n < -maxWholeID {
			return "", fmt.Errorf("the id must be a string or a whole number of at most %d", maxWholeID)
		}
		return requestID("n" + strconv.FormatInt(n, 10)), nil
	}
	return "", errors.New("the id must be a string or a whole number")
}

// cancels is the id of the request that a cancellation names, "" if none.
func (h header) cancels() requestID {
	var p struct {
		RequestID jsontext.Value `json:"requestId"`
	}
	if json.Unmarshal(h.params, &p) != nil || len(p.RequestID) == 0 {
		return ""
	}
	id, _ := readID(p.RequestID)
	return id
}

// isCancellation reports whether the message is the notification that cancels
// a request. mcp-go never sees one: it would end whichever request has the id.
func (h header) isCancellation() bool {
	return h.method == string(mcp.MethodNotificationCancelled) && h.id == ""
}

// json is the id as it goes into an answer.
func (id requestID) json() json.RawMessage {
	switch {
	case id == "":
		return json.RawMessage("null")
	case strings.HasPrefix(string(id), "n"):
		return json.RawMessage(id[1:])
	}
	quoted, _ := json.Marshal(string(id[1:])) // a string always marshals
	return quoted
}

// invalid is the answer to a message that is not a JSON-RPC message.
func invalid(why string) *mcp.JSONRPCError { return faultFor("", mcp.INVALID_REQUEST, why) }

// unreadable is the answer to what is not even JSON.
func unreadable(why string) *mcp.JSONRPCError { return faultFor("", mcp.PARSE_ERROR, why) }

func faultFor(id requestID, code int, why string) *mcp.JSONRPCError {
	e := mcp.NewJSONRPCError(mcp.NewRequestId(id.json()), code, why, nil)
	return &e
}
