// Package pgserver runs a PostgreSQL server of one's own on loopback, for the
// demo and for tests: one that is installed on the machine, or else one that is
// fetched. Started by root, the server runs as another user.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Options say where and how a server runs.
type Options struct {
	// Dir holds everything of the server: data, log, socket, and its programs
	// where they had to be fetched. It is made if need be.
	Dir string
	// Port on 127.0.0.1; 0 picks a free one.
	Port int
	// Password of the superuser postgres; "" trusts every local user, which is
	// for tests only.
	Password string
	// Settings are further lines of postgresql.conf, such as "fsync=off".
	Settings []string
	// Fetch allows programs to be fetched when none are installed.
	Fetch bool
	// Progress is told what is being done, when that takes a while; may be nil.
	Progress func(string)
}

// Server is a running server.
type Server struct {
	Port    int
	options Options
	tools   string
	owner   *owner
}

// startTimeout bounds how long a server may take to be ready.
const startTimeout = time.Minute

// Start makes the data directory if there is none, and starts the server on it.
// A server that an earlier process left running there is stopped first.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	o.Dir = dir
	s := &Server{options: o, Port: o.Port}
	if s.tools, err = find(); err != nil && o.Fetch {
		s.tools, err = fetch(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	if s.owner, err = ownerOf(); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	return s, s.start(ctx)
}

func (s *Server) data() string { return filepath.Join(s.options.Dir, "data") }

// prepare makes the directories, and the database cluster the first time.
func (s *Server) prepare(ctx context.Context) error {
	for _, dir := range []string{s.options.Dir, s.data()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := s.owner.give(dir); err != nil {
			return fmt.Errorf("%s can't be given to the user that runs PostgreSQL: %w", dir, err)
		}
	}
	if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err == nil {
		s.Stop(ctx)
		return nil
	}
	s.options.Progress("making a database cluster")
	args := []string{"-D", s.data(), "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "--auth=trust"}
	if s.options.Password != "" {
		file := filepath.Join(s.options.Dir, "password")
		if err := os.WriteFile(file, []byte(s.options.Password), 0o600); err != nil {
			return err
		}
		defer func() { _ = os.Remove(file) }()
		if err := s.owner.give(file); err != nil {
			return err
		}
		args = append(args[:len(args)-1], "--auth=scram-sha-256", "--pwfile="+file)
	}
	return s.run(ctx, "initdb", args...)
}

// start picks a port, starts the server and waits until it answers.
func (s *Server) start(ctx context.Context) error {
	if s.Port == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		s.Port = port
	}
	if err := portFree(s.Port); err != nil {
		return err
	}
	settings := append([]string{"listen_addresses=127.0.0.1", "unix_socket_directories="}, s.options.Settings...)
	words := []string{"-p", strconv.Itoa(s.Port)}
	for _, setting := range settings {
		words = append(words, "-c", "'"+setting+"'")
	}
	return s.run(ctx, "pg_ctl", "-D", s.data(), "-l", filepath.Join(s.options.Dir, "log"), "-o", strings.Join(words, " "),
		"-t", strconv.Itoa(int(startTimeout.Seconds())), "-w", "start")
}

// Dir is the folder that holds everything of the server.
func (s *Server) Dir() string { return s.options.Dir }

// Stop ends the server at once, cutting off what runs on it. Stopping a server
// that does not run does nothing.
func (s *Server) Stop(ctx context.Context) {
	_ = s.run(ctx, "pg_ctl", "-D", s.data(), "-m", "immediate", "-w", "stop")
}

// StopLeft stops a server that an earlier process left running in the folder
// dir of its Options, if there is one.
func StopLeft(ctx context.Context, dir string) error {
	s := &Server{options: Options{Dir: dir}}
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err != nil {
		return nil
	}
	var err error
	if s.tools, err = find(); err != nil {
		s.tools = filepath.Join(dir, "programs", "bin")
	}
	if s.owner, err = ownerOf(); err != nil {
		return err
	}
	s.Stop(ctx)
	return nil
}

// Restart ends the server at once and starts it again on the same port.
func (s *Server) Restart(ctx context.Context) error {
	s.Stop(ctx)
	return s.start(ctx)
}

// DSN is the connection string for a role, its password and a database.
func (s *Server) DSN(role, password, database string) string {
	user := url.User(role)
	if password != "" {
		user = url.UserPassword(role, password)
	}
	u := url.URL{Scheme: "postgres", User: user, Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)), Path: "/" + database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Superuser is the DSN of the role postgres in a database.
func (s *Server) Superuser(database string) string {
	return s.DSN("postgres", s.options.Password, database)
}

// run runs one of the server's programs as the server's user.
func (s *Server) run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.tools, name), args...)
	cmd.Dir = s.options.Dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	s.owner.become(cmd)
	// A file, not a pipe: the server inherits it, and would keep a pipe open.
	output, err := os.CreateTemp("", "pgserver")
	if err != nil {
		return err
	}
	defer func() { _ = output.Close(); _ = os.Remove(output.Name()) }()
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		if s.owner != nil && errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("the user that runs PostgreSQL can't reach %s; choose a folder that everyone may enter, such as one in /var/tmp", s.options.Dir)
		}
		said, _ := os.ReadFile(output.Name())
		return fmt.Errorf("%s failed: %w: %s", name, err, lastLine(said))
	}
	return nil
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// portFree says so if something else has the port.
func portFree(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("PostgreSQL can't have port %d (%w); choose another, or 0 for one that is free", port, err)
	}
	return l.Close()
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	tcp, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("no free port")
	}
	return tcp.Port, nil
}
