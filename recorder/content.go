package recorder

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

const (
	// inlineContent is the largest content that stands in the event itself.
	inlineContent = 16 << 10
	// maxContent is the largest content of an event.
	maxContent = 128 << 20
	// maxEvent is the largest event, content in the event itself included.
	maxEvent = 8 << 20
)

// Content is bulk that an event carries. Short text stands in the event;
// anything else stands apart, and the event names it by its hash.
// The zero value is no content.
type Content struct {
	// Size in bytes.
	Size int64 `json:"size"`
	// SHA256 of the content in hexadecimal, where it stands apart.
	SHA256 string `json:"sha256,omitempty"`
	// Text is the content itself, where it stands in the event.
	Text string `json:"text,omitempty"`

	apart []byte
}

// NewContent makes content of data, which must not change afterwards. It may
// hold at most 128 MiB.
func NewContent(data []byte) Content {
	content := Content{Size: int64(len(data))}
	if len(data) <= inlineContent && utf8.Valid(data) {
		content.Text = string(data)
		return content
	}
	sum := sha256.Sum256(data)
	content.SHA256, content.apart = hex.EncodeToString(sum[:]), data
	return content
}

// canonical is the content in canonical JSON.
func (c Content) canonical() []byte {
	var out []byte
	if c.SHA256 != "" {
		out = member(out, '{', "sha256", quoted(c.SHA256))
		out = member(out, ',', "size", strconv.AppendInt(nil, c.Size, 10))
		return append(out, '}')
	}
	out = member(out, '{', "size", strconv.AppendInt(nil, c.Size, 10))
	out = member(out, ',', "text", quoted(c.Text))
	return append(out, '}')
}

// whole reports whether the content's parts agree.
func (c Content) whole() bool {
	if c.SHA256 == "" {
		return c.Size == int64(len(c.Text))
	}
	sum, err := hex.DecodeString(c.SHA256)
	return err == nil && len(sum) == sha256.Size && c.Text == "" && c.Size > 0 && c.Size <= maxContent &&
		hex.EncodeToString(sum) == c.SHA256
}
