package recorder

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var errCheckpoint = errors.New("not a checkpoint signed with the installation's key")

// Head is the state of a log: so many events, and the root of their tree.
type Head struct {
	// Log is the name of the log.
	Log  string    `json:"log"`
	Size int64     `json:"size"`
	Root tlog.Hash `json:"root"`
	// Ended says how the log had ended, when it had.
	Ended Ending `json:"ended,omitempty"`
}

// Ending says how a log ended. The zero value has not.
type Ending string

// The ways that a log ends.
const (
	// Closed is the end that the log's own process wrote.
	Closed Ending = "closed"
	// Lost is the end of a log whose process died.
	Lost Ending = "lost"
)

// text is the checkpoint of C2SP tlog-checkpoint, before it is signed.
func (h Head) text(installation string) string {
	return fmt.Sprintf("%s/%s\n%d\n%s\n", installation, h.Log, h.Size, h.Root)
}

// sign returns the head as a signed note. The name of the signing key is the
// installation's, and begins the origin line of each of its logs.
func (h Head) sign(signer note.Signer) (string, error) {
	signed, err := note.Sign(&note.Note{Text: h.text(signer.Name())}, signer)
	return string(signed), err
}

// openCheckpoint checks a signed checkpoint. It takes exactly what sign writes,
// to the bit: base64 has spare bits that another reader might let pass.
func openCheckpoint(signed string, key note.Verifier) (Head, error) {
	opened, err := note.Open([]byte(signed), note.VerifierList(key))
	if err != nil {
		return Head{}, errCheckpoint
	}
	lines := strings.Split(opened.Text, "\n")
	name, ok := strings.CutPrefix(lines[0], key.Name()+"/")
	if !ok || len(lines) != 4 {
		return Head{}, errCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Head{}, errCheckpoint
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Head{}, errCheckpoint
	}
	head := Head{Log: name, Size: size, Root: root}
	signature, err := base64.StdEncoding.Strict().DecodeString(opened.Sigs[0].Base64)
	if err != nil || head.text(key.Name())+signatureLine(key.Name(), signature) != signed {
		return Head{}, errCheckpoint
	}
	return head, nil
}

func signatureLine(name string, signature []byte) string {
	return "\n— " + name + " " + base64.StdEncoding.EncodeToString(signature) + "\n"
}
