package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/chaperone-dev/chaperone/policy"
)

// TokenConfig is a bearer token of the configuration. The token itself is not
// there, only its hash.
type TokenConfig struct {
	// Hash is "sha256:" and the hex digits that NewToken returns.
	Hash    string   `yaml:"hash"`
	Subject string   `yaml:"subject"`
	Name    string   `yaml:"name"`
	Email   string   `yaml:"email"`
	Groups  []string `yaml:"groups"`
}

// Tokens are the bearer tokens that are good. The zero value knows none.
type Tokens struct {
	principals map[[sha256.Size]byte]policy.Principal
}

// issuer vouches for principals that the configuration names.
const issuer = "config"

// NewTokens checks the tokens of a configuration.
func NewTokens(configs []TokenConfig) (*Tokens, error) {
	t := &Tokens{principals: map[[sha256.Size]byte]policy.Principal{}}
	for i, c := range configs {
		digits, ok := strings.CutPrefix(c.Hash, hashPrefix)
		sum, err := hex.DecodeString(digits)
		if !ok || err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("identity.tokens[%d].hash must be %q and 64 hex digits, as `chaperone token` prints it", i, hashPrefix)
		}
		if c.Subject == "" {
			return nil, fmt.Errorf("identity.tokens[%d].subject is missing: it says who the token is for", i)
		}
		key := [sha256.Size]byte(sum)
		if _, twice := t.principals[key]; twice {
			return nil, fmt.Errorf("identity.tokens[%d] has the same hash as another", i)
		}
		t.principals[key] = policy.Principal{
			Subject: c.Subject, Name: c.Name, Email: c.Email, Groups: orNone(c.Groups),
			Issuer: issuer, Method: policy.Token, Claims: map[string]string{},
		}
	}
	return t, nil
}

const (
	hashPrefix  = "sha256:"
	tokenPrefix = "chap_"
)

// ErrNobody is the error for a token that is not known.
var ErrNobody = errors.New("the bearer token is not known")

// Verify returns whom a bearer token stands for. Tokens are 256 random bits, so
// that a plain hash hides them, and looking the hash up tells nothing by its
// timing.
func (t *Tokens) Verify(token string) (policy.Principal, error) {
	p, ok := t.principals[sha256.Sum256([]byte(token))]
	if !ok || token == "" {
		return policy.Principal{}, ErrNobody
	}
	return p, nil
}

// Len is how many tokens are known.
func (t *Tokens) Len() int { return len(t.principals) }

// NewToken makes a token, and the hash of it for the configuration.
func NewToken() (token, hash string) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails (crypto/rand)
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	return token, Hash(token)
}

// Hash is what stands in the configuration for a token.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hashPrefix + hex.EncodeToString(sum[:])
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
