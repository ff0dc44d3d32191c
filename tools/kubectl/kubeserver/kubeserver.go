// Package kubeserver runs a Kubernetes cluster of one's own on loopback, for the
// demo and for tests: a real API server and its controllers, and one node that
// runs nothing. What pods do there is said in tools/kubectl/testcluster, the
// program that .ci/testcluster builds.
package kubeserver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Options say where and how a cluster runs.
type Options struct {
	// Program is the path of the cluster's program.
	Program string
	// Dir holds everything of the cluster; it is made if need be. A cluster that
	// was there before goes on as it was, at the same URL and with the same
	// kubeconfigs, however it ended.
	Dir string
	// Audit and Tokens are files for the API server's audit log and of users,
	// as the program describes them; "" for none.
	Audit, Tokens string
}

// Server is a running cluster. It ends with this process, however that ends.
type Server struct {
	// URL of the API server, on 127.0.0.1.
	URL string
	// Kubeconfig is the path of the administrator's kubeconfig, and Impersonator
	// that of a user "chaperone", whose one right is to impersonate users and
	// groups.
	Kubeconfig, Impersonator string

	command *exec.Cmd
	stdin   io.Closer
}

// Start starts a cluster and waits until it is ready, or ctx ends.
func Start(ctx context.Context, o Options) (*Server, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := usable(dir); err != nil {
		return nil, err
	}
	s := &Server{Impersonator: filepath.Join(dir, "impersonator.kubeconfig")}
	out, err := s.launch(o, dir)
	if err != nil {
		return nil, err
	}
	// Without its standard input it ends, and with it the wait.
	stop := context.AfterFunc(ctx, func() { _ = s.stdin.Close() })
	err = s.waitReady(out)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		s.Stop()
		return nil, fmt.Errorf("the Kubernetes cluster does not start: %w; it said: %s", err, said(dir))
	}
	return s, nil
}

// maxDir is how long the path of the folder may be: it holds unix sockets, whose
// paths are short.
const maxDir = 85

func usable(dir string) error {
	switch {
	case runtime.GOOS != "linux":
		return errors.New("the Kubernetes cluster runs on Linux only")
	case len(dir) > maxDir:
		return fmt.Errorf("the path %s is too long for a Kubernetes cluster; choose a folder with a shorter one", dir)
	}
	return os.MkdirAll(dir, 0o700)
}

func (s *Server) launch(o Options, dir string) (out io.Reader, err error) {
	log, err := os.Create(logOf(dir))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	args := []string{"-dir", dir}
	if o.Audit != "" {
		args = append(args, "-audit", o.Audit)
	}
	if o.Tokens != "" {
		args = append(args, "-tokens", o.Tokens)
	}
	// No context: how it ends is by its standard input.
	s.command = exec.Command(o.Program, args...)
	s.command.Stderr = log
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	if out, err = s.command.StdoutPipe(); err != nil {
		return nil, err
	}
	return out, s.command.Start()
}

// waitReady waits for the line that says so, or for the end of the program.
func (s *Server) waitReady(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 3 && words[0] == "READY" {
			s.URL, s.Kubeconfig = words[1], words[2]
			return nil
		}
	}
	return errors.Join(errors.New("it ended before it was ready"), lines.Err())
}

// Stop ends the cluster as the end of this process would.
func (s *Server) Stop() {
	_ = s.stdin.Close()
	_ = s.command.Wait()
}

// Kill ends the cluster at once, as kill -9 does.
func (s *Server) Kill() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
}

func logOf(dir string) string { return filepath.Join(dir, "log") }

// said is the end of what the program wrote.
func said(dir string) string {
	text, _ := os.ReadFile(logOf(dir))
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}
