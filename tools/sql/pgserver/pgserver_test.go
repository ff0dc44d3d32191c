package pgserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// folder is one that the server's own user can enter.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgserver")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the server's user must be able to enter
		t.Fatal(err)
	}
	return dir
}

// ask connects, asks one thing, and closes.
func ask(t *testing.T, dsn, sql string) (answer string, err error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(context.Background()) }()
	err = conn.QueryRow(t.Context(), sql).Scan(&answer)
	return answer, err
}

// A server keeps its data and its port when it is restarted, and when a later
// process takes its folder over; and lets nobody in without the password.
func TestServer(t *testing.T) {
	var said []string
	o := Options{
		Dir: filepath.Join(folder(t), "down"), Password: "it's a \"secret\"", Settings: []string{"fsync=off", "work_mem=7MB"},
		Progress: func(what string) { said = append(said, what) },
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	if !slices.Contains(said, "making a database cluster") {
		t.Errorf("it said %q", said)
	}
	must := func(sql, want string) {
		t.Helper()
		if got, err := ask(t, s.Superuser("postgres"), sql); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", sql, got, err, want)
		}
	}
	must("SHOW work_mem", "7MB")
	must("SHOW listen_addresses", "127.0.0.1")
	must("SHOW unix_socket_directories", "")
	must("SHOW server_encoding", "UTF8")
	for _, password := range []string{"", "wrong"} {
		var refused *pgconn.PgError
		if _, err := ask(t, s.DSN("postgres", password, "postgres"), "SELECT ''"); !errors.As(err, &refused) && (password != "" || err == nil) {
			t.Errorf("the password %q: %v, want to be refused", password, err)
		}
	}
	if files, err := filepath.Glob(filepath.Join(o.Dir, "password")); err != nil || len(files) != 0 {
		t.Errorf("the password lies in %q, %v", files, err)
	}
	port := s.Port
	if _, err := ask(t, s.Superuser("postgres"), "CREATE TABLE kept ()"); !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil || s.Port != port {
		t.Fatalf("%v, port %d, want %d", err, s.Port, port)
	}
	must("SELECT count(*)::text FROM kept", "0")

	said = nil
	later, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { later.Stop(context.Background()) })
	s = later
	must("SELECT count(*)::text FROM kept", "0")
	if len(said) != 0 {
		t.Errorf("it said %q of a cluster that was there", said)
	}
	s.Stop(t.Context())
	s.Stop(t.Context())
	if _, err := ask(t, s.Superuser("postgres"), "SELECT ''"); err == nil {
		t.Error("a server that was stopped answers")
	}
}

// What can't be done is told in one line, without the password.
func TestServerFails(t *testing.T) {
	file := filepath.Join(folder(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"a file for a folder":    {Dir: file, Password: "hunter2"},
		"a setting that is none": {Dir: folder(t), Password: "hunter2", Settings: []string{"no_such_setting=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Start(t.Context(), o)
			if err == nil {
				s.Stop(t.Context())
				t.Fatal("it started")
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error is %q", err)
			}
		})
	}
}

func TestDSN(t *testing.T) {
	s := &Server{Port: 5433, options: Options{Password: "p:w@d/%"}}
	for _, c := range []struct{ got, want string }{
		{s.DSN("me", "", "shop"), "postgres://me@127.0.0.1:5433/shop?sslmode=disable"},
		{s.Superuser("a b"), "postgres://postgres:p%3Aw%40d%2F%25@127.0.0.1:5433/a%20b?sslmode=disable"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
		if _, err := pgx.ParseConfig(c.got); err != nil {
			t.Error(err)
		}
	}
}

func TestNewestFirst(t *testing.T) {
	got := newestFirst([]string{"/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9.6/bin", "/usr/lib/postgresql/9.10/bin", "/usr/lib/postgresql/17/bin"})
	want := []string{"/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/9.10/bin", "/usr/lib/postgresql/9.6/bin"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A folder without all programs is passed over.
func TestFind(t *testing.T) {
	if complete(t.TempDir()) {
		t.Error("an empty folder is complete")
	}
	t.Setenv("PATH", t.TempDir())
	if dir, err := find(); err == nil && !complete(dir) {
		t.Errorf("%s is not complete", dir)
	}
}
