package gateway

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/policy"
)

func TestCursors(t *testing.T) {
	s := newStage(t)
	s.target.next = "row 500"
	first := s.call("fake_read", `"do":"x"`, `"reason":"first"`)
	if first.NextCursor == "" {
		t.Fatalf("%+v", first)
	}
	cursor := fmt.Sprintf(`"cursor":%q`, first.NextCursor)
	// The same call goes on, whatever its reason and the order of arguments.
	if r := s.call("fake_read", cursor, `"reason":"second"`, `"do" : "\u0078"`); r.Status != OK || s.target.request.Resume != "row 500" {
		t.Errorf("%+v with %+v", r, s.target.request)
	}
	s.target.next = ""
	if r := s.call("fake_read", cursor, `"do":"x"`); r.Status != OK || r.NextCursor != "" {
		t.Errorf("the last piece: %+v", r)
	}
	mira := s.session
	for name, try := range map[string]func() Reply{
		"other arguments": func() Reply { return s.call("fake_read", cursor, `"do":"y"`) },
		"no arguments":    func() Reply { return s.call("fake_read", cursor) },
		"another tool":    func() Reply { return s.call("fake_write", cursor, `"do":"x"`) },
		"another connection": func() Reply {
			args := `{"connection":"two","do":"x",` + cursor + `}`
			return s.gateway.Call(t.Context(), mira, Incoming{Tool: "fake_read", Args: json.RawMessage(args)})
		},
		"another principal": func() Reply {
			s.session = s.gateway.OpenSession(person("bo"), policy.Client{}, "stdio")
			return s.call("fake_read", cursor, `"do":"x"`)
		},
		"another issuer": func() Reply {
			p := person("mira")
			p.Issuer = "elsewhere"
			s.session = s.gateway.OpenSession(p, policy.Client{}, "stdio")
			return s.call("fake_read", cursor, `"do":"x"`)
		},
		"a changed state": func() Reply {
			s.session = mira
			data, _ := base64.RawURLEncoding.DecodeString(first.NextCursor)
			forged := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(data), "row 500", "row 900", 1)))
			return s.call("fake_read", fmt.Sprintf(`"cursor":%q`, forged), `"do":"x"`)
		},
	} {
		s.trace.reset()
		if r := try(); r.Rule != "cursor" || r.Status != Refused || strings.Contains(s.trace.String(), "describe") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	// It is good in another session of the same principal: windows come and go.
	s.session = s.gateway.OpenSession(person("mira"), policy.Client{}, "http")
	if r := s.call("fake_read", cursor, `"do":"x"`); r.Status != OK {
		t.Errorf("in another session: %+v", r)
	}
}

// TestCursorsOfAnotherInstallation are of another key.
func TestCursorsOfAnotherInstallation(t *testing.T) {
	one, two := newStage(t), newStage(t)
	one.target.next = "row 500"
	cursor := one.call("fake_read").NextCursor
	if r := two.call("fake_read", fmt.Sprintf(`"cursor":%q`, cursor)); r.Rule != "cursor" {
		t.Errorf("%+v", r)
	}
}

// FuzzCursor: a token opens with what it was closed with, and no other opens.
func FuzzCursor(f *testing.F) {
	key := seal{1, 2, 3}
	good := key.close("row 500", "mira")
	f.Add(good, "row 500", "mira")
	f.Add("", "", "")
	f.Add(good[:len(good)-1], ".", "mir")
	f.Add(good+"A", "a.b", "5:mira")
	f.Fuzz(func(t *testing.T, token, state, bound string) {
		made := key.close(state, bound)
		if got, ok := key.open(made, bound); !ok || got != state {
			t.Fatalf("%q opens as %q, %v", state, got, ok)
		}
		if _, ok := key.open(made, bound+"x"); ok {
			t.Fatal("it opens for another bound")
		}
		if _, ok := (seal{3, 2, 1}).open(made, bound); ok {
			t.Fatal("it opens with another key")
		}
		// base64 leaves some bits of the last digit open; what opens is the same.
		if got, ok := key.open(token, bound); ok && (got != state || bound != "mira") && token != made {
			again, same := key.open(key.close(got, bound), bound)
			data, _ := base64.RawURLEncoding.DecodeString(token)
			genuine, _ := base64.RawURLEncoding.DecodeString(key.close(got, bound))
			if !same || again != got || string(data) != string(genuine) {
				t.Fatalf("the token %q opens as %q", token, got)
			}
		}
	})
}

// TestJoin: no two lists give the same text.
func TestJoin(t *testing.T) {
	seen := map[string]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"a"}, {"a", ""}, {"", "a"}, {"1:a"}, {"a1:b"}, {"a", "b"}, {"ab"}, {"1:a1:b"}} {
		key := join(parts...)
		if other, twice := seen[key]; twice {
			t.Errorf("%q and %s give the same", parts, other)
		}
		seen[key] = fmt.Sprintf("%q", parts)
	}
}
