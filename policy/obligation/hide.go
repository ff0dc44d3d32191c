package obligation

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/chaperone-dev/chaperone/tools"
)

// The words for "with".
const (
	wordPartial = "partial"
	wordHash    = "hash"
	wordRedact  = "redact"
	wordNull    = "null"
)

// strictness orders masks by how little they leave. Zero hides nothing.
type strictness uint8

const strictest = strictness(4)

// words lists the words for "with", the laxest first.
func words() []string { return []string{wordPartial, wordHash, wordRedact, wordNull} }

func strictnessOf(word string) strictness {
	if i := slices.Index(words(), word); i >= 0 {
		return strictness(i + 1)
	}
	return strictest
}

// hides returns the mask of each strictness, the first of which is nil.
func hides(key [32]byte) [strictest + 1]tools.Mask {
	return [strictest + 1]tools.Mask{nil, partial{}, hash{key}, redact{}, null{}}
}

type redact struct{}

func (redact) Name() string                { return wordRedact }
func (redact) Apply(string) (string, bool) { return "[redacted]", true }

type null struct{}

func (null) Name() string                { return wordNull }
func (null) Apply(string) (string, bool) { return "", false }

// hash replaces a value by 64 bits of a keyed digest: enough to tell values of
// a table apart, and not to be found by guessing without the key.
type hash struct{ key [32]byte }

func (hash) Name() string { return wordHash }

func (h hash) Apply(value string) (string, bool) {
	mac := hmac.New(sha256.New, h.key[:])
	mac.Write([]byte(value))
	return "hash:" + hex.EncodeToString(mac.Sum(nil)[:8]), true
}

// partial keeps the end of a value.
type partial struct{}

const (
	keptAtMost = 4 // characters
	tooShort   = 8 // values of fewer characters keep nothing
	fill       = "****"
)

func (partial) Name() string { return wordPartial }

// Apply keeps at most four characters, at most a third of the value, and
// always writes the same fill, so that the value's length does not show.
func (partial) Apply(value string) (string, bool) {
	runes := []rune(value)
	if len(runes) < tooShort {
		return fill, true
	}
	kept := min(keptAtMost, len(runes)/3)
	return fill + string(runes[len(runes)-kept:]), true
}
