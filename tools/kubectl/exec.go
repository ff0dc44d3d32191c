package kubectl

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	utilexec "k8s.io/client-go/util/exec"
	"k8s.io/kubectl/pkg/cmd/exec"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/chaperone-dev/chaperone/tools"
)

// podTime is how long exec waits for a pod to run.
const podTime = 10 * time.Second

// newExec is exec without a terminal: what it runs is what stands behind "--".
func newExec(f cmdutil.Factory, s genericiooptions.IOStreams, remote exec.RemoteExecutor) *cobra.Command {
	o := &exec.ExecOptions{StreamOptions: exec.StreamOptions{IOStreams: s}, Executor: remote}
	cmd := &cobra.Command{Use: "exec", Run: func(cmd *cobra.Command, args []string) {
		if cmd.ArgsLenAtDash() < 0 {
			cmdutil.CheckErr(errors.New("put -- in front of the command that is to run in the container"))
		}
		cmdutil.CheckErr(o.Complete(f, cmd, args, cmd.ArgsLenAtDash()))
		cmdutil.CheckErr(o.Validate())
		cmdutil.CheckErr(o.Run())
	}}
	cmdutil.AddPodRunningTimeoutFlag(cmd, podTime)
	cmd.Flags().StringVarP(&o.ContainerName, "container", "c", "", "")
	cmd.Flags().BoolVarP(&o.Stdin, "stdin", "i", false, "")
	cmd.Flags().BoolVarP(&o.Quiet, "quiet", "q", true, "")
	return cmd
}

// remote runs commands in containers, over the wire's connection and by its
// judge.
type remote struct{ wire *wire }

// Execute implements exec.RemoteExecutor.
func (r remote) Execute(u *url.URL, c *rest.Config, in io.Reader, out, stderr io.Writer, tty bool, q remotecommand.TerminalSizeQueue) error {
	return r.ExecuteWithContext(r.wire.ctx, u, c, in, out, stderr, tty, q)
}

// ExecuteWithContext implements exec.RemoteExecutor. It ends with the call, which
// kubectl's own context does not know of.
func (r remote) ExecuteWithContext(_ context.Context, u *url.URL, _ *rest.Config, in io.Reader, out, stderr io.Writer, tty bool, _ remotecommand.TerminalSizeQueue) error {
	w := r.wire
	s, err := w.mayExec(u, tty)
	if err != nil {
		w.note(err)
		return err
	}
	if s == nil {
		return nil
	}
	run, err := w.cluster.executor(w.caller, u)
	if err != nil {
		return err
	}
	w.leaves(s)
	err = run.StreamWithContext(w.ctx, remotecommand.StreamOptions{Stdin: in, Stdout: out, Stderr: stderr})
	if told(err) {
		w.returned(s, nil)
	}
	return err
}

// told reports whether it is known how a command in a container ended, or that it
// did not begin.
func told(err error) bool {
	return err == nil || errors.As(err, new(utilexec.ExitError)) || httpstream.IsUpgradeFailure(err) || troubleOf(err) != nil
}

// mayExec has the judge decide. In a rehearsal nothing is run, and there is no
// request.
func (w *wire) mayExec(u *url.URL, tty bool) (*sent, error) {
	if tty {
		return nil, refused("flag", "there is no terminal here", "leave -t out")
	}
	r, err := http.NewRequestWithContext(w.ctx, http.MethodPost, u.String(), nil)
	if err != nil {
		return nil, err
	}
	named, _, err := nameRequest(r)
	if err != nil {
		return nil, refused("request", err.Error(), "")
	}
	s := &sent{Request: w.cluster.complete(named), http: r}
	if err := w.cluster.within(s.Request); err != nil {
		return nil, err
	}
	answer, err := w.judge.judge(w.ctx, s) //nolint:bodyclose // what a judge answers itself has no body to close
	if err != nil || answer != nil {
		return nil, err
	}
	return s, nil
}

// executor speaks with the API server by WebSocket, and where that can't be, by
// SPDY.
func (k *cluster) executor(caller tools.Caller, u *url.URL) (remotecommand.Executor, error) {
	config := rest.CopyConfig(k.config)
	if k.impersonate {
		who, err := impersonated(caller)
		if err != nil {
			return nil, err
		}
		config.Impersonate = who
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err
	}
	// Its client follows redirects, with our credential.
	framed, err := remotecommand.NewSPDYExecutorForTransports(oneHost{base, transport}, upgrader, http.MethodPost, u)
	if err != nil {
		return nil, err
	}
	socket, err := remotecommand.NewWebSocketExecutor(config, http.MethodGet, u.String())
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(socket, framed, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}
