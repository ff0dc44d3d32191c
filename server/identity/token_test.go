package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/server/identity"
)

func TestTokens(t *testing.T) {
	token, hash := identity.NewToken()
	tokens, err := identity.NewTokens([]identity.TokenConfig{
		{Hash: hash, Subject: "mira", Name: "Mira", Email: "mira@example.com", Groups: []string{"dev"}},
		{Hash: identity.Hash("another"), Subject: "bo"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if tokens.Len() != 2 {
		t.Errorf("there are %d tokens", tokens.Len())
	}
	p, err := tokens.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	if p.Subject != "mira" || p.Name != "Mira" || p.Email != "mira@example.com" || len(p.Groups) != 1 || p.Groups[0] != "dev" ||
		p.Issuer != "config" || p.Method != policy.Token || !p.Valid() {
		t.Errorf("the token stands for %+v", p)
	}
	if p, err = tokens.Verify("another"); err != nil || p.Groups == nil || p.Claims == nil {
		t.Errorf("lists that policy reads are not there: %+v, %v", p, err)
	}
}

func TestTokensRefuse(t *testing.T) {
	token, hash := identity.NewToken()
	tokens, err := identity.NewTokens([]identity.TokenConfig{{Hash: hash, Subject: "mira"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{
		"none": "", "the hash": hash, "a part": token[:len(token)-1], "more": token + "x", "another case": strings.ToUpper(token),
		"white space": token + " ",
	} {
		if p, err := tokens.Verify(in); !errors.Is(err, identity.ErrNobody) || p.Valid() {
			t.Errorf("%s is taken: %+v, %v", name, p, err)
		}
	}
	var none identity.Tokens
	if _, err := none.Verify(token); err == nil {
		t.Error("the zero value knows a token")
	}
	empty, err := identity.NewTokens([]identity.TokenConfig{{Hash: identity.Hash(""), Subject: "mira"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := empty.Verify(""); err == nil {
		t.Error("no token at all is taken, because its hash is configured")
	}
}

func TestNewTokensRefuses(t *testing.T) {
	_, hash := identity.NewToken()
	for want, configs := range map[string][]identity.TokenConfig{
		`tokens[0].hash must be "sha256:"`: {{Hash: strings.TrimPrefix(hash, "sha256:"), Subject: "mira"}},
		"tokens[0].hash must":              {{Hash: hash[:len(hash)-2], Subject: "mira"}},
		"tokens[1].subject is missing":     {{Hash: hash, Subject: "mira"}, {Hash: identity.Hash("b")}},
		"tokens[1] has the same hash":      {{Hash: hash, Subject: "mira"}, {Hash: hash, Subject: "bo"}},
	} {
		_, err := identity.NewTokens(configs)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, without %q", err, want)
		}
	}
}

func TestNewTokenIsNew(t *testing.T) {
	one, hash := identity.NewToken()
	two, _ := identity.NewToken()
	if one == two || !strings.HasPrefix(one, "chap_") || len(one) < 40 {
		t.Errorf("%q, %q", one, two)
	}
	if identity.Hash(one) != hash || strings.Contains(hash, one) {
		t.Errorf("the hash of it is %q", hash)
	}
}

func TestLocal(t *testing.T) {
	p, err := identity.Local()
	if err != nil {
		t.Fatal(err)
	}
	if !p.Valid() || p.Issuer != "local" || p.Method != policy.Local || p.Groups == nil || p.Claims == nil {
		t.Errorf("the local user is %+v", p)
	}
}
