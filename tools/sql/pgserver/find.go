package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	embedded "github.com/fergusstrange/embedded-postgres"
)

// folders are where distributions put PostgreSQL's programs, which they often
// leave out of PATH.
var folders = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/usr/local/pgsql/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
	`C:\Program Files\PostgreSQL\*\bin`,
}

// find looks for installed programs, the newest first.
func find() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if dir := filepath.Dir(path); complete(dir) {
			return dir, nil
		}
	}
	for _, pattern := range folders {
		dirs, _ := filepath.Glob(pattern)
		for _, dir := range newestFirst(dirs) {
			if complete(dir) {
				return dir, nil
			}
		}
	}
	return "", errors.New("no PostgreSQL server is installed; install the package postgresql")
}

var digits = regexp.MustCompile(`\d+`)

// newestFirst sorts folders by the version in their names, 15 before 9.6.
func newestFirst(dirs []string) []string {
	versions := func(dir string) (out []int) {
		for _, number := range digits.FindAllString(dir, -1) {
			n, _ := strconv.Atoi(number)
			out = append(out, n)
		}
		return out
	}
	slices.SortFunc(dirs, func(a, b string) int { return slices.Compare(versions(b), versions(a)) })
	return dirs
}

// complete reports whether a folder has every program that a server needs.
func complete(dir string) bool {
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// fetch gets programs for this platform into the server's own folder. The
// library starts a server with them, which as root it can't; what counts is
// that the programs are there.
func fetch(ctx context.Context, o Options) (string, error) {
	programs := filepath.Join(o.Dir, "programs")
	bin := filepath.Join(programs, "bin")
	if complete(bin) {
		return bin, nil
	}
	o.Progress("fetching PostgreSQL, some 10 MB, because none is installed")
	port, err := freePort()
	if err != nil {
		return "", err
	}
	scratch := filepath.Join(o.Dir, "scratch")
	defer func() { _ = os.RemoveAll(scratch) }()
	// The library knows no context; whoever ends the program does not wait for it.
	done := make(chan error, 1)
	go func() {
		server := embedded.NewDatabase(embedded.DefaultConfig().Port(uint32(port)).Logger(io.Discard).
			BinariesPath(programs).RuntimePath(scratch).CachePath(filepath.Join(o.Dir, "cache")))
		err := server.Start()
		if err == nil {
			err = server.Stop()
		}
		done <- err
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if complete(bin) {
		return bin, nil
	}
	return "", fmt.Errorf("no PostgreSQL server is installed and none could be fetched (%w); install the package postgresql and try again", err)
}
