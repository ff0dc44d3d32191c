package approval

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strconv"
)

// sealer encrypts calls that wait (AES-256-GCM), so that a statement with a
// secret in it does not lie about in clear until somebody answers.
type sealer struct{ aead cipher.AEAD }

func newSealer(key [32]byte) (sealer, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

// seal encrypts text for the request of the id and for no other.
func (s sealer) seal(text []byte, id string) []byte { return s.aead.Seal(nil, nil, text, []byte(id)) }

var errSealed = errors.New("the call that waits can't be read: it was sealed by another installation, or changed")

func (s sealer) open(sealed []byte, id string) ([]byte, error) {
	text, err := s.aead.Open(nil, nil, sealed, []byte(id))
	if err != nil {
		return nil, errSealed
	}
	return text, nil
}

// keeper signs requests as they are kept (HMAC-SHA256), so that what was written
// into the database by hand, such as an answer, does not count.
type keeper [32]byte

func (k keeper) sum(data []byte, id string, version int64) []byte {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(id + "\x00" + strconv.FormatInt(version, 10) + "\x00"))
	mac.Write(data)
	return mac.Sum(nil)
}

// sign is the data of a request, in one version of it, and the signature.
func (k keeper) sign(data []byte, id string, version int64) []byte {
	return append(data, k.sum(data, id, version)...)
}

// verified is the data that sign was given.
func (k keeper) verified(signed []byte, id string, version int64) ([]byte, bool) {
	at := len(signed) - sha256.Size
	if at < 0 || !hmac.Equal(signed[at:], k.sum(signed[:at], id, version)) {
		return nil, false
	}
	return signed[:at], true
}
