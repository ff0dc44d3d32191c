package recorder

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// storedHashes reads the Merkle hashes of a log. Number n of a level is complete
// with leaf (n+1)<<level - 1, and stands in that leaf's row at place level.
func storedHashes(ctx context.Context, db execer, log int64) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			pos := log<<seqBits | ((n+1)<<level - 1)
			var found []byte
			err := db.QueryRowContext(ctx, `SELECT substr(hashes, ?, ?) FROM events WHERE pos = ?`,
				level*tlog.HashSize+1, tlog.HashSize, pos).Scan(&found)
			if err != nil {
				return nil, err
			}
			if len(found) != tlog.HashSize {
				return nil, fmt.Errorf("recorder: event %d lacks Merkle hashes: verify the record", seqOf(pos))
			}
			hashes[i] = tlog.Hash(found)
		}
		return hashes, nil
	})
}
