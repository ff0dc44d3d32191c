package recorder

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
)

// contentCheck is a content that stands apart.
type contentCheck struct {
	size int64
	// named says that an event names it.
	named bool
}

// checkContents checks all contents against their hashes.
func (v *verification) checkContents(ctx context.Context, conn *sql.Conn) error {
	v.contents = map[string]*contentCheck{}
	rows, err := conn.QueryContext(ctx, `SELECT CASE WHEN length(hash) = 32 THEN hash END,
		CASE WHEN length(data) <= ? THEN data END FROM contents`, maxStored)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var hash, stored []byte
		if err := rows.Scan(&hash, &stored); err != nil {
			return err
		}
		name := hex.EncodeToString(hash)
		data, err := v.reader.packer.unpack(stored)
		if err != nil {
			v.report.problem("", -1, "content %s: %v", name, err)
		} else if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != name {
			v.report.problem("", -1, "content %s is not what was recorded", name)
		}
		v.contents[name] = &contentCheck{size: int64(len(data))}
		v.report.Contents++
	}
	return rows.Err()
}

// checkNames checks that the content that an event names is there.
func (v *verification) checkNames(l *logCheck, seq int64, c Content) {
	if c.SHA256 == "" {
		return
	}
	found := v.contents[c.SHA256]
	if found == nil {
		v.report.problem(l.name, seq, "its content %s is missing", c.SHA256)
		return
	}
	found.named = true
	if found.size != c.Size {
		v.report.problem(l.name, seq, "its content %s has %d bytes and should have %d", c.SHA256, found.size, c.Size)
	}
}

// checkNamed checks that there is no content besides.
func (v *verification) checkNamed() {
	for name, c := range v.contents {
		if !c.named {
			v.report.problem("", -1, "no event names content %s", name)
		}
	}
}
