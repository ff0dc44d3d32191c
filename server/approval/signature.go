package approval

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
)

// KeyClaim is the claim of a principal that holds the public key by which they
// answered; see [FormatKey].
const KeyClaim = "approver_key"

// ErrSignature is the error of an answer by key that the key did not give.
var ErrSignature = errors.New("an answer to the request is not signed by the key of an approver that the configuration names")

// ErrSignedWhen is the error of an answer that was signed at another time than
// it is given.
var ErrSignedWhen = errors.New("the answer was not signed just now; answer again")

// signedWithin is how far the time of a signature may be off.
const signedWithin = time.Minute

// keyPrefix says what kind of key a text is.
const keyPrefix = "ed25519:"

// FormatKey is a public key as text, as it stands in the configuration.
func FormatKey(key ed25519.PublicKey) string {
	return keyPrefix + base64.RawURLEncoding.EncodeToString(key)
}

// ParseKey reads a public key, and reports whether the text is one.
func ParseKey(text string) (ed25519.PublicKey, bool) {
	data, ok := strings.CutPrefix(text, keyPrefix)
	key, err := base64.RawURLEncoding.DecodeString(data)
	return key, ok && err == nil && len(key) == ed25519.PublicKeySize
}

// Digest is that of all that is asked: whatever answers do not change.
func (r Request) Digest() (string, error) {
	r.Phase, r.Why, r.Expires, r.Answers, r.SpentBy, r.SpentIn = "", "", time.Time{}, nil, "", ""
	data, err := json.Marshal(r)
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]), err
}

// same checks that two requests ask the same.
func same(a, b Request) error {
	x, err := a.Digest()
	y, err2 := b.Digest()
	if err == nil && err2 == nil && x != y {
		err = ErrOutdated
	}
	return errors.Join(err, err2)
}

// Statement is what the key of an approver signs (Ed25519) to give an answer to
// this request and to no other: what it is, the request, its digest, the verdict
// and the time, each on a line, and the comment, which may have several.
func (r Request) Statement(a Answer) ([]byte, error) {
	digest, err := r.Digest()
	lines := []string{
		"chaperone approval answer v1", r.ID, digest, string(a.Verdict), a.At.UTC().Format(time.RFC3339Nano), strings.TrimSpace(a.Comment),
	}
	return []byte(strings.Join(lines, "\n")), err
}

// signed checks that an answer by key was given by that key, and that the key is
// the one of whom it names. Other answers are vouched for by who took them.
func (d *Desk) signed(r Request, a Answer) error {
	if a.By.Method != policy.Key {
		return nil
	}
	text := a.By.Claims[KeyClaim]
	key, ok := ParseKey(text)
	who, known := d.options.Approvers[text]
	if !ok || !known || !reflect.DeepEqual(who, a.By) {
		return ErrSignature
	}
	statement, err := r.Statement(a)
	if err == nil && !ed25519.Verify(key, statement, a.Signature) {
		err = ErrSignature
	}
	return err
}

// genuine checks the signatures of all who approved, by the keys that this very
// process was told of: who can write to the record can't answer for a key. The
// time that was signed bounds how long they hold.
func (d *Desk) genuine(r Request) error {
	var latest time.Time
	for _, a := range r.Answers {
		if err := d.signed(r, a); err != nil {
			return err
		}
		latest = a.At
	}
	if !d.now().Before(latest.Add(r.Window)) {
		return ErrEnded
	}
	return nil
}
