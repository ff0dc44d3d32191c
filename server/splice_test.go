package server

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/chaperone-dev/chaperone/server/gateway"
)

// spliceInto is the message that answers a request with a reply, as it goes out.
func spliceInto(t testing.TB, reply gateway.Reply) []byte {
	t.Helper()
	own := &session{principal: principal("alice"), transport: overStdio}
	ctx, end := newCalls().begin(t.Context(), own, "n1")
	defer end()
	result, err := splice(ctx, reply)
	if err != nil {
		t.Fatal(err)
	}
	message, err := json.Marshal(mcp.JSONRPCResponse{JSONRPC: "2.0", ID: mcp.NewRequestId(1), Result: *result})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := requestOf(ctx).write(&out, message); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// FuzzSplice: whatever a result says, the message is JSON of one line, and its
// text and its structured content are the result.
func FuzzSplice(f *testing.F) {
	f.Add(`quotes " and \ and ` + "\u2028\x00\x7f\xff</script>")
	f.Add(strings.Repeat(`\"`, piece))
	f.Fuzz(func(t *testing.T, text string) {
		content, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		reply := gateway.Reply{Status: gateway.OK, Call: "c1", Message: text, Result: content}
		message := spliceInto(t, reply)
		var got struct {
			Result struct {
				Content           []struct{ Type, Text string }
				StructuredContent json.RawMessage
				IsError           bool
			}
		}
		if err := json.Unmarshal(message, &got); err != nil || bytes.ContainsAny(message, "\r\n") {
			t.Fatalf("%v: %q", err, message)
		}
		want := string(reply.JSON())
		if r := got.Result; len(r.Content) != 1 || r.Content[0].Type != "text" || r.Content[0].Text != want || string(r.StructuredContent) != want {
			t.Fatalf("%q\nis not twice %q", message, want)
		}
	})
}

// TestOtherMessagesAreNotSpliced: what goes out while a call is answered and has
// no mark in it stays as it is.
func TestOtherMessagesAreNotSpliced(t *testing.T) {
	ctx, end := newCalls().begin(t.Context(), &session{}, "n1")
	defer end()
	if _, err := splice(ctx, gateway.Reply{Status: gateway.OK}); err != nil {
		t.Fatal(err)
	}
	f := requestOf(ctx)
	half := `{"params":"` + f.spliced.Load().text + `"}`
	for _, message := range []string{`{"method":"notifications/progress"}`, half, ""} {
		for _, request := range []*inflight{f, nil} {
			var out bytes.Buffer
			if err := request.write(&out, []byte(message)); err != nil || out.String() != message {
				t.Errorf("%q became %q, %v", message, out.String(), err)
			}
		}
	}
}

// TestMarksAreNew for every result, so that one that got out is worth nothing.
func TestMarksAreNew(t *testing.T) {
	var marks []string
	for range 2 {
		ctx, end := newCalls().begin(t.Context(), &session{}, "n1")
		defer end()
		if _, err := splice(ctx, gateway.Reply{}); err != nil {
			t.Fatal(err)
		}
		s := requestOf(ctx).spliced.Load()
		marks = append(marks, s.text, s.content)
	}
	slices.Sort(marks)
	if len(slices.Compact(marks)) != 4 {
		t.Error(marks)
	}
}

// TestUnknownRequestsHaveNoResult: there is no message to put it into.
func TestUnknownRequestsHaveNoResult(t *testing.T) {
	if r, err := splice(context.Background(), gateway.Reply{Status: gateway.OK}); err == nil {
		t.Error(r)
	}
}
