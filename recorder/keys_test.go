package recorder

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestKeyIsHKDF(t *testing.T) {
	k := fixedKey(t)
	for _, purpose := range []string{"", "mask", "cursor of pages"} {
		want, err := hkdf.Key(sha256.New, k.secret, nil, "chaperone "+purpose, 32)
		if got := k.derive(purpose); err != nil || !bytes.Equal(got[:], want) {
			t.Errorf("%q: got %x, want %x", purpose, got, want)
		}
	}
}

func TestKeysStay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "state")
	first := open(t, dir)
	public, key := first.VerifierKey(), first.Key("mask")
	closeIt(t, first)
	second := open(t, dir)
	if second.VerifierKey() != public || second.Key("mask") != key || second.Key("mask") == second.Key("other") {
		t.Error("the keys changed, or do not depend on the purpose")
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, mode := range map[string]fs.FileMode{
		"": 0o700, signingKeyFile: 0o600, secretFile: 0o600, databaseFile: 0o600, databaseFile + "-wal": 0o600,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%q has mode %v, want %v: %v", name, info.Mode().Perm(), mode, err)
		}
	}
}

func TestManyStartAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	var keys sync.Map
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r, err := Open(t.Context(), Options{Dir: dir, Version: fmt.Sprint(i)})
			if err != nil {
				t.Error(err)
				return
			}
			keys.Store(r.VerifierKey()+string(r.keys.secret), true)
			if err := r.Append(t.Context(), on("s", "c", Started{}, Finished{})...); err != nil {
				t.Error(err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	keys.Range(func(any, any) bool { n++; return true })
	if report := mustVerify(t, dir); n != 1 || report.Logs != 8 {
		t.Errorf("%d different keys and %d logs", n, report.Logs)
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(dir string) error
		want string
	}{
		"signing key open to others": {func(d string) error { return os.Chmod(filepath.Join(d, signingKeyFile), 0o644) }, "chmod 600"},
		"secret open to the group":   {func(d string) error { return os.Chmod(filepath.Join(d, secretFile), 0o640) }, "chmod 600"},
		"signing key lost":           {func(d string) error { return os.Remove(filepath.Join(d, signingKeyFile)) }, "missing"},
		"secret lost":                {func(d string) error { return os.Remove(filepath.Join(d, secretFile)) }, "missing"},
		"secret cut":                 {func(d string) error { return os.Truncate(filepath.Join(d, secretFile), 31) }, "32 bytes"},
		"signing key damaged":        {func(d string) error { return os.Truncate(filepath.Join(d, signingKeyFile), 60) }, "not a signing key"},
		"another public key": {func(d string) error {
			return os.WriteFile(filepath.Join(d, verifierKeyFile), []byte("chaperone/x+00000000+AA\n"), 0o644)
		}, "does not belong"},
		"another signing key": {func(d string) error {
			other, err := newSigningKey()
			if err != nil {
				return err
			}
			_ = os.Remove(filepath.Join(d, verifierKeyFile))
			return os.WriteFile(filepath.Join(d, signingKeyFile), other, 0o600)
		}, "not signed with the folder's signing.key"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			closeIt(t, open(t, dir))
			key, err := os.ReadFile(filepath.Join(dir, signingKeyFile))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.harm(dir); err != nil {
				t.Fatal(err)
			}
			_, err = Open(t.Context(), Options{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), string(key[len(key)-30:len(key)-10])) {
				t.Errorf("the error holds the key: %v", err)
			}
		})
	}
}

func TestLostPublicKeyIsWrittenAgain(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	closeIt(t, r)
	if err := os.Remove(filepath.Join(dir, verifierKeyFile)); err != nil {
		t.Fatal(err)
	}
	closeIt(t, open(t, dir))
	if again, err := read(t, dir).VerifierKey(); err != nil || again != r.VerifierKey() {
		t.Errorf("%q %v", again, err)
	}
}

func TestCheckpointIsASignedNote(t *testing.T) {
	k := fixedKey(t)
	key, err := parseVerifierKey(k.public)
	if err != nil {
		t.Fatal(err)
	}
	head := Head{Log: "01M82JHVPJST3MHG6SZ64YP6PJ", Size: 12, Root: [32]byte{1, 2, 3}}
	signed, err := head.sign(k.signer)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(key))
	if err != nil || opened.Text != key.Name()+"/01M82JHVPJST3MHG6SZ64YP6PJ\n12\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" {
		t.Errorf("as a plain signed note: %+v %v", opened, err)
	}
	if back, err := openCheckpoint(signed, key); err != nil || back != head {
		t.Errorf("read back: %v %v", back, err)
	}
	for _, other := range []string{signed + "\n", signed + signed[strings.Index(signed, "—"):], "\n" + signed, strings.Replace(signed, "\n12\n", "\n012\n", 1)} {
		if _, err := openCheckpoint(other, key); err == nil {
			t.Errorf("took %q", other)
		}
	}
}

// TestHeadsFileKeepsEveryBit also covers the spare bits of base64.
func TestHeadsFileKeepsEveryBit(t *testing.T) {
	k := fixedKey(t)
	key, err := parseVerifierKey(k.public)
	if err != nil {
		t.Fatal(err)
	}
	one, _ := Head{Log: "A", Size: 1}.sign(k.signer)
	two, _ := Head{Log: "B", Size: 20}.sign(k.signer)
	text := []byte(one + "\n" + two)
	heads, err := parseHeads(string(text), key)
	if err != nil || len(heads) != 2 || heads[0].note != one || heads[1].Head != (Head{Log: "B", Size: 20, Root: heads[1].Root}) {
		t.Fatalf("%v %v", heads, err)
	}
	for bit := range len(text) * 8 {
		text[bit/8] ^= 1 << (bit % 8)
		if heads, err := parseHeads(string(text), key); err == nil {
			t.Errorf("bit %d: read %v", bit, heads)
		}
		text[bit/8] ^= 1 << (bit % 8)
	}
	for cut := range len(text) {
		heads, err := parseHeads(string(text[:cut]), key)
		if err == nil && !(cut == 0 && len(heads) == 0) && !(cut == len(one) && len(heads) == 1) {
			t.Errorf("cut to %d bytes: read %v", cut, heads)
		}
	}
}
