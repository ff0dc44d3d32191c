package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// badMessages are refused before mcp-go sees them.
var badMessages = map[string]string{
	"nothing":                   ``,
	"not JSON":                  `{"jsonrpc":"2.0",`,
	"a comment":                 `{"jsonrpc":"2.0","id":1,"method":"ping"/**/}`,
	"two messages":              `{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}`,
	"a batch":                   `[{"jsonrpc":"2.0","id":1,"method":"ping"}]`,
	"an empty batch":            `[]`,
	"a text":                    `"ping"`,
	"null":                      `null`,
	"a number":                  `1`,
	"no method":                 `{"jsonrpc":"2.0","id":1}`,
	"an empty object":           `{}`,
	"a method of another type":  `{"jsonrpc":"2.0","id":1,"method":["ping"]}`,
	"a null method":             `{"jsonrpc":"2.0","id":1,"method":null}`,
	"an empty method":           `{"jsonrpc":"2.0","id":1,"method":""}`,
	"a null id":                 `{"jsonrpc":"2.0","id":null,"method":"ping"}`,
	"a fractional id":           `{"jsonrpc":"2.0","id":1.5,"method":"ping"}`,
	"an id with an exponent":    `{"jsonrpc":"2.0","id":1e3,"method":"ping"}`,
	"an id that floats lose":    `{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}`,
	"a huge id":                 `{"jsonrpc":"2.0","id":` + strings.Repeat("9", 300) + `,"method":"ping"}`,
	"a long id":                 `{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 300) + `","method":"ping"}`,
	"an id that is not text":    "{\"jsonrpc\":\"2.0\",\"id\":\"\xff\",\"method\":\"ping\"}",
	"an id of half a character": `{"jsonrpc":"2.0","id":"\ud800","method":"ping"}`,
	"an object as id":           `{"jsonrpc":"2.0","id":{},"method":"ping"}`,
	"a list as id":              `{"jsonrpc":"2.0","id":[1],"method":"ping"}`,
	"true as id":                `{"jsonrpc":"2.0","id":true,"method":"ping"}`,
	"two methods":               `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}`,
	"two ids":                   `{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`,
	"two params":                `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{},"params":{"name":"fake_write"}}`,
	"a method in capitals":      `{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/list"}`,
	"only a method in capitals": `{"jsonrpc":"2.0","id":1,"Method":"ping"}`,
	"a method by another s":     `{"j\u017fonrpc":"2.0","id":1,"method":"ping"}`,
	"an unknown member":         `{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}`,
	"a member escaped twice":    `{"jsonrpc":"2.0","id":1,"method":"ping","\u006dethod":"tools/list"}`,
	"too deep":                  `{"jsonrpc":"2.0","id":1,"method":"ping","params":` + strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat(`}`, 20000) + `}`,
	"lists too deep":            strings.Repeat(`[`, 100000),
	"a mark at the start":       "\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
	"a null byte":               "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\x00",
	"another version":           `{"jsonrpc":"1.0","id":1,"method":"ping"}`,
	"no version":                `{"id":1,"method":"ping"}`,
	"an unknown method":         `{"jsonrpc":"2.0","id":1,"method":"tools/destroy"}`,
	"params that are a list":    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["fake_write"]}`,
}

// goodMessages are answered with the id they came with.
var goodMessages = map[string]string{
	`{"jsonrpc":"2.0","id":0,"method":"ping"}`:                                       `0`,
	`{"jsonrpc":"2.0","id":-5,"method":"ping"}`:                                      `-5`,
	`{"jsonrpc":"2.0","id":9007199254740991,"method":"ping"}`:                        `9007199254740991`,
	`{"jsonrpc":"2.0","id":"","method":"ping"}`:                                      `""`,
	`{"jsonrpc":"2.0","id":"1","method":"ping"}`:                                     `"1"`,
	`{"jsonrpc":"2.0","id":"\u0061b","method":"ping"}`:                               `"ab"`,
	` {"params":{"x":[[[[[]]]]]},"method":"ping","id":3 , "jsonrpc":"2.0"}`:          `3`,
	`{"jsonrpc":"2.0","id":4,"method":"ping","params":{"a":1,"a":2}}`:                `4`,
	"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"ping\",\"params\":{\"a\":\"\xff\"}}": `5`,
}

func TestMessagesOverHTTP(t *testing.T) {
	s := newTestSite(t)
	c := s.serveHTTP().connect(t, "alice")
	for name, m := range badMessages {
		r := c.send(http.MethodPost, []byte(m))
		if r.Error == nil || r.Result != nil || r.status != 200 && r.status != 400 {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	for m, id := range goodMessages {
		if r := c.send(http.MethodPost, []byte(m)); string(r.ID) != id || string(r.Result) != "{}" {
			t.Errorf("%s: %d %s", m, r.status, r.body)
		}
	}
	if len(s.fake.ran) != 0 {
		t.Errorf("calls ran: %v", s.fake.ran)
	}
}

func TestMessagesOverStdio(t *testing.T) {
	s := newTestSite(t)
	p := s.pipe()
	p.initialize(legacyVersion)
	for name, m := range badMessages {
		if strings.TrimSpace(m) == "" {
			continue
		}
		p.write([]byte(m))
		if r := within(t, p.nobody, name); r.Error == nil || r.Result != nil {
			t.Errorf("%s: %s", name, r.body)
		}
	}
	for m, id := range goodMessages {
		done := p.await(id)
		p.write([]byte(m))
		if r := within(t, done, m); string(r.Result) != "{}" {
			t.Errorf("%s: %s", m, r.body)
		}
	}
	// A line that is too long is one message lost, and not the client.
	p.write(bytes.Repeat([]byte("x"), maxMessage+1))
	if r := within(t, p.nobody, "the answer to a long line"); r.Error == nil || !strings.Contains(r.Error.Message, "longer") {
		t.Errorf("a long line: %s", r.body)
	}
	p.write([]byte(""), []byte("  \r"), append([]byte(ping), bytes.Repeat([]byte(" "), maxMessage-len(ping))...))
	if r := within(t, p.nobody, "the answer to a line that just fits"); string(r.Result) != "{}" {
		t.Errorf("a line that just fits: %s", r.body)
	}
	if err := p.in.Close(); err != nil || p.finish() != nil {
		t.Error("the end of the input is an error")
	}
}

// TestResponsesOfClients: nobody asked, so that they do nothing.
func TestResponsesOfClients(t *testing.T) {
	s := newTestSite(t)
	c := s.serveHTTP().connect(t, "alice")
	for m, want := range map[string]int{
		`{"jsonrpc":"2.0","id":1,"result":{}}`:                              http.StatusAccepted,
		`{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}`:             http.StatusBadRequest,
		`{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"declined"}}`: http.StatusBadRequest,
		`{"jsonrpc":"2.0","result":{}}`:                                     http.StatusBadRequest,
	} {
		if r := c.send(http.MethodPost, []byte(m)); r.status != want {
			t.Errorf("%s: %d %s", m, r.status, r.body)
		}
	}
	c.session = "unknown"
	if r := c.send(http.MethodPost, []byte(`{"jsonrpc":"2.0","id":1,"result":{}}`)); r.status != http.StatusNotFound {
		t.Errorf("a response without a session: %d", r.status)
	}
}

func TestContentType(t *testing.T) {
	c := newTestSite(t).serveHTTP().connect(t, "alice")
	for kind, want := range map[string]int{
		"application/json": 200, "application/json; charset=utf-8": 200, "APPLICATION/JSON": 200,
		"text/plain": 400, "application/x-www-form-urlencoded": 400, "multipart/form-data": 400, "": 400,
	} {
		if r := c.send(http.MethodPost, []byte(ping), "Content-Type", kind); r.status != want {
			t.Errorf("%q: %d %s", kind, r.status, r.body)
		}
	}
}

// FuzzReadHeader: what passes is one message, the same to every reader.
func FuzzReadHeader(f *testing.F) {
	for _, m := range badMessages {
		f.Add([]byte(m))
	}
	for m := range goodMessages {
		f.Add([]byte(m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, fault := readHeader(data)
		if fault != nil {
			return
		}
		var as struct {
			Method string `json:"method"`
			ID     any    `json:"id"`
		}
		if err := json.Unmarshal(data, &as); err != nil {
			t.Fatalf("another reader can't read it: %v", err)
		}
		if as.Method != h.method {
			t.Fatalf("another reader sees the method %q, and we %q", as.Method, h.method)
		}
		if h.id == "" {
			return
		}
		back, err := json.Marshal(as.ID)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := readID(back); err != nil || again != h.id {
			t.Fatalf("the id %s goes back as %s", h.id, fmt.Sprint(string(back)))
		}
	})
}
