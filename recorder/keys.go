package recorder

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/renameio/v2/maybe"
	"golang.org/x/mod/sumdb/note"
)

// The files of an installation's keys, in the data folder.
const (
	signingKeyFile  = "signing.key"
	verifierKeyFile = "signing.pub"
	secretFile      = "secret"
	secretSize      = 32
)

// keys are what an installation signs with and derives secrets from.
type keys struct {
	signer note.Signer
	// public is the verifier key, for whoever wants to check the record.
	public string
	secret []byte
}

// loadKeys reads the keys of a data folder, or makes them when the folder is
// new. The caller holds the folder's lock.
func loadKeys(dir string, fresh bool) (keys, error) {
	signingPath, secretPath := filepath.Join(dir, signingKeyFile), filepath.Join(dir, secretFile)
	private, err := loadKey(signingPath, fresh, newSigningKey)
	if err != nil {
		return keys{}, err
	}
	signer, public, err := parseSigningKey(string(private))
	if err != nil {
		return keys{}, fmt.Errorf("recorder: %s is not a signing key: restore it from a backup", signingPath)
	}
	stored, err := loadPublic(filepath.Join(dir, verifierKeyFile), public)
	if err != nil {
		return keys{}, err
	}
	if stored != public {
		return keys{}, fmt.Errorf("recorder: %s does not belong to %s: restore both from one backup", verifierKeyFile, signingPath)
	}
	secret, err := loadKey(secretPath, fresh, newSecret)
	if err != nil {
		return keys{}, err
	}
	if len(secret) != secretSize {
		return keys{}, fmt.Errorf("recorder: %s is not %d bytes long: restore it from a backup", secretPath, secretSize)
	}
	if fresh {
		syncFolder(dir)
	}
	return keys{signer: signer, public: public, secret: secret}, nil
}

// syncFolder makes the names of new files durable, before a record relies on
// the keys. Not every system can; where it cannot, the names are safe as they are.
func syncFolder(dir string) {
	if folder, err := os.Open(dir); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
}

// derive returns the key for one purpose: HKDF-SHA256 (RFC 5869) without salt,
// which for a key of one block is two steps that cannot fail.
func (k keys) derive(purpose string) [32]byte {
	extract := hmac.New(sha256.New, make([]byte, sha256.Size))
	extract.Write(k.secret)
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write([]byte("chaperone " + purpose + "\x01"))
	return [32]byte(expand.Sum(nil))
}

// loadKey reads a key that only its owner may read. A missing key is made anew
// only in a fresh folder: elsewhere it would hide that the old one was lost.
func loadKey(path string, fresh bool, create func() ([]byte, error)) ([]byte, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && fresh {
		return createKey(path, create)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("recorder: %s is missing beside an existing record: "+
			"restore it from a backup, or move the folder away to start a new record", path)
	}
	if err != nil {
		return nil, fmt.Errorf("recorder: read a key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("recorder: %s can be read by others: run `chmod 600 %s`", path, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("recorder: read a key: %w", err)
	}
	return data, nil
}

func createKey(path string, create func() ([]byte, error)) ([]byte, error) {
	data, err := create()
	if err != nil {
		return nil, err
	}
	if err := maybe.WriteFile(path, data, 0o600); err != nil {
		return nil, fmt.Errorf("recorder: write a key: %w", err)
	}
	return data, nil
}

// loadPublic reads the verifier key, or writes the one that is due.
func loadPublic(path, due string) (string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return due, maybe.WriteFile(path, []byte(due+"\n"), 0o644)
	}
	return strings.TrimSpace(string(data)), err
}

func newSecret() ([]byte, error) {
	secret := make([]byte, secretSize)
	_, err := rand.Read(secret)
	return secret, err
}

func newSigningKey() ([]byte, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return formatSigningKey(private)
}

// formatSigningKey writes a key as package note does, under the name of the
// installation, which derives from the public key.
func formatSigningKey(private ed25519.PrivateKey) ([]byte, error) {
	public := publicOf(private)
	sum := sha256.Sum256(public)
	name := "chaperone/" + hex.EncodeToString(sum[:8])
	vkey, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return nil, err
	}
	hash := strings.Split(vkey, "+")[1]
	seed := append([]byte{ed25519Algorithm}, private.Seed()...)
	return fmt.Appendf(nil, "PRIVATE+KEY+%s+%s+%s\n", name, hash, base64.StdEncoding.EncodeToString(seed)), nil
}

// ed25519Algorithm is the signature type of C2SP signed-note.
const ed25519Algorithm = 1

// parseSigningKey returns the signer and the verifier key of a signing key.
func parseSigningKey(text string) (note.Signer, string, error) {
	text = strings.TrimSpace(text)
	signer, err := note.NewSigner(text)
	if err != nil {
		return nil, "", err
	}
	parts := strings.SplitN(text, "+", 5) // the last part is base64 and may have a + of its own
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil {
		return nil, "", err
	}
	public, err := note.NewEd25519VerifierKey(signer.Name(), publicOf(ed25519.NewKeyFromSeed(seed[1:])))
	return signer, public, err
}

func publicOf(private ed25519.PrivateKey) ed25519.PublicKey {
	public, _ := private.Public().(ed25519.PublicKey) // documented to be one
	return public
}

// parseVerifierKey reads the text of a verifier key.
func parseVerifierKey(text string) (note.Verifier, error) {
	key, err := note.NewVerifier(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("recorder: the verifier key is not one: give the line of " + verifierKeyFile)
	}
	return key, nil
}
