package kubectl

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// listener is who is to hear of the signals that end the process.
type listener struct {
	mu sync.Mutex
	to chan os.Signal
	of []os.Signal
}

// ending is the process's own, as its signals are.
var ending listener

// NotifyContext is signal.NotifyContext for a program that runs commands of
// kubectl's. Of these some listen for signals, too, and end the process at once
// when one comes; with this they don't.
func NotifyContext(parent context.Context, of ...os.Signal) (ctx context.Context, stop context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	to := make(chan os.Signal, 1)
	ending.set(to, of)
	go func() {
		select {
		case <-to:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		ending.set(nil, nil)
		signal.Stop(to)
	}
}

func (l *listener) set(to chan os.Signal, of []os.Signal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to, l.of = to, of
	if to != nil {
		signal.Notify(to, of...)
	}
}

// reclaim takes the signals away from all others who listen for them: who they are
// can't be known. Between its two steps, for some microseconds, a signal does what
// it does to any program, and the record holds as it does after a crash.
func (l *listener) reclaim() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.to == nil {
		return
	}
	signal.Reset(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT)
	signal.Notify(l.to, l.of...)
}

// interrupting are commands that listen for signals before they send what they
// then wait for. The watches of get and events would listen after it; they are our
// own.
var interrupting = map[string]bool{"wait": true, "rollout status": true, "logs": true, "delete": true, "apply": true}
