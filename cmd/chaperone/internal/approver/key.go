// Package approver holds an approver's own key, encrypted by a passphrase, and
// the terminal at which it is asked for.
package approver

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/chaperone-dev/chaperone/server/approval"
)

// Key is an approver's key. The zero value is none.
type Key struct{ private ed25519.PrivateKey }

// New makes a key.
func New() (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return Key{private}, err
}

// Public is the key as it stands in the configuration.
func (k Key) Public() string {
	if len(k.private) != ed25519.PrivateKeySize {
		return ""
	}
	public, _ := k.private.Public().(ed25519.PublicKey) // documented to be one
	return approval.FormatKey(public)
}

// Sign signs a message. The zero key signs nothing.
func (k Key) Sign(message []byte) []byte {
	if len(k.private) != ed25519.PrivateKeySize {
		return nil
	}
	return ed25519.Sign(k.private, message)
}

// Work is how hard guessing the passphrase is, as the logarithm of scrypt's N:
// about a second for each guess.
const Work = 18

// maxFile is larger than any key file.
const maxFile = 64 << 10

// ErrPassphrase is the error of a passphrase that does not open the key.
var ErrPassphrase = errors.New("the passphrase does not open the key")

// Save writes the key, encrypted by the passphrase, to a file that must not
// exist.
func (k Key) Save(path, passphrase string, work int) error {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return err
	}
	recipient.SetWorkFactor(work)
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, recipient)
	if err == nil {
		_, err = w.Write(k.private.Seed())
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(sealed.Bytes())
	return errors.Join(err, f.Sync(), f.Close())
}

// Locked is a key as it is kept.
type Locked struct {
	path   string
	sealed []byte
}

// Read reads the key that a file holds, which only its passphrase opens.
func Read(path string) (Locked, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Locked{}, fmt.Errorf("there is no approver key at %s; make one by `chaperone approvals enroll`, or name another by --key", path)
	}
	if err != nil {
		return Locked{}, err
	}
	defer func() { _ = f.Close() }()
	sealed, err := io.ReadAll(io.LimitReader(f, maxFile))
	return Locked{path, sealed}, err
}

// Open opens the key.
func (l Locked) Open(passphrase string) (Key, error) {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return Key{}, ErrPassphrase
	}
	opened, err := age.Decrypt(bytes.NewReader(l.sealed), identity)
	if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
		return Key{}, ErrPassphrase
	}
	var seed []byte
	if err == nil {
		seed, err = io.ReadAll(opened)
	}
	if err != nil || len(seed) != ed25519.SeedSize {
		return Key{}, fmt.Errorf("%s holds no approver key", l.path)
	}
	return Key{ed25519.NewKeyFromSeed(seed)}, nil
}

// Free checks that nothing is where a new key is to be.
func Free(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is a file at %s already, which is not replaced; name another by --key", path)
	}
	return nil
}

// DefaultPath is where the key of this user is kept.
func DefaultPath() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "approver.age"
	}
	return filepath.Join(dir, "chaperone", "approver.age")
}
