// Command chaperone is the one door between an AI coding agent and production.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/chaperone-dev/chaperone/tools/kubectl"
)

func main() {
	// A large result passes through several hands at once. Below this, memory is
	// cheaper than collecting it; above, it is worth it. GOMEMLIMIT and GOGC say
	// otherwise.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(56 << 20)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	os.Exit(run())
}

// run runs the command line and returns the exit code.
func run() int {
	end := []os.Signal{os.Interrupt, syscall.SIGTERM}
	// A terminal that closes ends us in order, too, unless we were told to stay.
	if !signal.Ignored(syscall.SIGHUP) {
		end = append(end, syscall.SIGHUP)
	}
	ctx, stop := kubectl.NotifyContext(context.Background(), end...)
	defer stop()
	// Whoever asks a second time does not wait for what is under way.
	context.AfterFunc(ctx, stop)
	return execute(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
}
