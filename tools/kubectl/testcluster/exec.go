package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/utils/exec"
)

// Bounds of a command, for tests that forget theirs.
const (
	idleTimeout    = 10 * time.Minute
	streamsTimeout = 30 * time.Second
)

// environment is what "env" prints in every pod. The password is made up, and
// looks like one, for tests of what agents may see.
const environment = `PATH=/usr/local/bin:/usr/bin:/bin
LANG=C.UTF-8
DATABASE_URL=postgres://shop:hunter2@db.shop.svc:5432/shop
`

// exec runs a command in a container, over the connection of the request.
func (k kubelet) exec(w http.ResponseWriter, r *http.Request) {
	pod, err := k.client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("pod"), meta.GetOptions{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	if !courseOf(pod).ready {
		http.Error(w, fmt.Sprintf("container not found (%q)", r.PathValue("container")), http.StatusInternalServerError)
		return
	}
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	remotecommand.ServeExec(&hijackedWriter{w, cancel}, r.WithContext(ctx), commands{},
		pod.Name, "", r.PathValue("container"), r.URL.Query()["command"],
		options, idleTimeout, streamsTimeout, remotecommand.SupportedStreamingProtocols)
}

// commands are those that every container has. Nothing runs on this machine.
type commands struct{}

// ExecInContainer is remotecommand's only demand.
func (commands) ExecInContainer(ctx context.Context, pod, _, container string, words []string, in io.Reader, out, errs io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if len(words) == 0 {
		return errors.New("no command")
	}
	switch words[0] {
	case "echo":
		return write(out, strings.Join(words[1:], " ")+"\n")
	case "hostname":
		return write(out, pod+"\n")
	case "env":
		return write(out, environment+"HOSTNAME="+pod+"\n")
	case "cat":
		return copyInput(out, in)
	case "hang":
		<-ctx.Done()
		return ctx.Err()
	case "false":
		return exec.CodeExitError{Err: errors.New("exit status 1"), Code: 1}
	}
	if err := write(errs, fmt.Sprintf("%s: not found in container %s\n", words[0], container)); err != nil {
		return err
	}
	return exec.CodeExitError{Err: errors.New("exit status 127"), Code: 127}
}

// write writes text where the client wanted to see it.
func write(w io.Writer, text string) error {
	if w == nil {
		return nil
	}
	_, err := io.WriteString(w, text)
	return err
}

func copyInput(out io.Writer, in io.Reader) error {
	if in == nil || out == nil {
		return nil
	}
	_, err := io.Copy(out, in)
	return err
}
