package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds on what is read, far above any policy that people keep by hand.
const (
	largestFile   = 16 << 20 // bytes
	largestPolicy = 64 << 20 // bytes
	mostFiles     = 10_000
	deepest       = 32 // folders below a path
)

// source is a file of a policy as it was read.
type source struct {
	// path is how the user reaches it, for messages.
	path string
	// name is the path below the one configured, with slashes: what the digest
	// covers, so that a policy has one digest wherever it is kept.
	name string
	text []byte
}

func (s source) rego() bool { return strings.HasSuffix(s.name, ".rego") }
func (s source) test() bool { return strings.HasSuffix(s.name, "_test.rego") }
func (s source) data() bool {
	base := s.name[strings.LastIndexByte(s.name, '/')+1:]
	return base == "data.json" || base == "data.yaml"
}

// live reports whether the source takes part in decisions.
func (s source) live() bool { return !s.test() }

// readSources reads the .rego and data files of all paths, sorted by name.
// Names that begin with a dot are passed over: editors' and version control's
// own, and the folders behind a Kubernetes ConfigMap's links.
//
// The folders are the real paths of all where something was read or looked
// for, also when reading fails.
func readSources(paths []string) (sources []source, folders []string, err error) {
	r := reader{}
	for _, path := range paths {
		if err := r.add(filepath.Clean(path)); err != nil {
			return nil, r.folders, err
		}
	}
	if !slices.ContainsFunc(r.sources, func(s source) bool { return s.rego() && s.live() }) {
		return nil, r.folders, fmt.Errorf("no policy: there is no .rego file in %q; examples/policies holds a set to start from",
			strings.Join(paths, ", "))
	}
	slices.SortFunc(r.sources, func(a, b source) int {
		return strings.Compare(a.name+"\x00"+a.path, b.name+"\x00"+b.path)
	})
	return r.sources, r.folders, nil
}

type reader struct {
	sources []source
	folders []string
	bytes   int
	// open are the real paths of the folders being read, against loops.
	open []string
}

func (r *reader) add(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("policy path: %w", err)
	}
	if info.IsDir() {
		return r.folder(path, "")
	}
	s := source{path: path, name: filepath.Base(path)}
	if !s.rego() && !s.data() {
		return fmt.Errorf("policy path %s: only folders, .rego files, data.json and data.yaml are read", path)
	}
	return r.file(s, info)
}

func (r *reader) folder(path, name string) error {
	actual, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("policy folder: %w", err)
	}
	if slices.Contains(r.open, actual) || len(r.open) > deepest {
		return fmt.Errorf("policy folder %s leads back into itself or is nested too deeply; remove the link", path)
	}
	r.folders = append(r.folders, actual)
	r.open = append(r.open, actual)
	defer func() { r.open = r.open[:len(r.open)-1] }()
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("policy folder: %w", err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		if err := r.entry(source{path: filepath.Join(path, entry.Name()), name: name + entry.Name()}); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) entry(s source) error {
	info, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("policy file: %w", err)
	}
	switch {
	case info.IsDir():
		return r.folder(s.path, s.name+"/")
	case s.rego() || s.data():
		return r.file(s, info)
	}
	return nil
}

func (r *reader) file(s source, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("policy file %s is not a regular file", s.path)
	}
	if slices.ContainsFunc(r.sources, func(other source) bool { return other.path == s.path }) {
		return nil // named by two paths
	}
	if actual, err := filepath.EvalSymlinks(s.path); err == nil {
		r.folders = append(r.folders, filepath.Dir(actual))
	}
	file, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("policy file: %w", err)
	}
	defer file.Close()
	s.text, err = io.ReadAll(io.LimitReader(file, largestFile+1))
	if err != nil {
		return fmt.Errorf("policy file: %w", err)
	}
	r.bytes += len(s.text)
	if len(s.text) > largestFile || r.bytes > largestPolicy || len(r.sources) == mostFiles {
		return fmt.Errorf("policy file %s: a policy has at most %d files, %d MB in one and %d MB in all",
			s.path, mostFiles, largestFile>>20, largestPolicy>>20)
	}
	r.sources = append(r.sources, s)
	return nil
}

// digest names the policy that the sources make. Tests are not part of it.
func digest(sources []source) string {
	h := sha256.New()
	for _, s := range sources {
		if s.live() {
			for _, part := range [][]byte{[]byte(s.name), s.text} {
				h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
				h.Write(part)
			}
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
