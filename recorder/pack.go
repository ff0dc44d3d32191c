package recorder

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/klauspost/compress/zstd"
)

// packFrom is the size in bytes from which packing an event pays.
const packFrom = 1 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errPacked = errors.New("packed data are damaged")

// packer compresses what is stored. A zstd frame has bits that mean nothing,
// so a checksum over the frame follows it: no bit of a stored value may change
// without notice. What the value says is protected by the Merkle tree.
type packer struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newPacker() (*packer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(256<<10))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxContent))
	if err != nil {
		return nil, err
	}
	return &packer{enc: enc, dec: dec}, nil
}

func (p *packer) pack(data []byte) []byte {
	packed := p.enc.EncodeAll(data, make([]byte, 0, len(data)/2+64))
	return binary.BigEndian.AppendUint32(packed, crc32.Checksum(packed, castagnoli))
}

func (p *packer) unpack(packed []byte) ([]byte, error) {
	frame := len(packed) - crc32.Size
	if frame < 0 || crc32.Checksum(packed[:frame], castagnoli) != binary.BigEndian.Uint32(packed[frame:]) {
		return nil, errPacked
	}
	data, err := p.dec.DecodeAll(packed[:frame], nil)
	if err != nil {
		return nil, errPacked
	}
	return data, nil
}

// packLeaf packs a long leaf. A leaf is a JSON object, so that its first byte
// tells whether it was packed.
func (p *packer) packLeaf(leaf []byte) []byte {
	if len(leaf) < packFrom {
		return leaf
	}
	return p.pack(leaf)
}

func (p *packer) unpackLeaf(stored []byte) ([]byte, error) {
	if len(stored) > 0 && stored[0] == '{' {
		return stored, nil
	}
	return p.unpack(stored)
}
