package approval

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
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
