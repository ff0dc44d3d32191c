package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
)

// seal is a key for HMAC-SHA256.
type seal [32]byte

func (s seal) sum(parts ...string) []byte {
	mac := hmac.New(sha256.New, s[:])
	mac.Write([]byte(join(parts...)))
	return mac.Sum(nil)
}

// digest is a keyed digest in hex: without the key nobody can try out what a
// short text was.
func (s seal) digest(text string) string { return hex.EncodeToString(s.sum(text)) }

// close makes a token of state that open takes with the same bound only.
func (s seal) close(state, bound string) string {
	token := append([]byte(state), '.')
	return base64.RawURLEncoding.EncodeToString(append(token, s.sum(state, bound)...))
}

// open returns the state of a token that close made.
func (s seal) open(token, bound string) (state string, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(data) < sha256.Size+1 {
		return "", false
	}
	at := len(data) - sha256.Size
	state, ok = strings.CutSuffix(string(data[:at]), ".")
	if !ok || !hmac.Equal(data[at:], s.sum(state, bound)) {
		return "", false
	}
	return state, true
}

// join makes one text of several so that no two lists give the same.
func join(parts ...string) string {
	var out strings.Builder
	for _, p := range parts {
		out.WriteString(strconv.Itoa(len(p)))
		out.WriteByte(':')
		out.WriteString(p)
	}
	return out.String()
}
