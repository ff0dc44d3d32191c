package sql

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools/sql/pgserver"
)

// TestPanicLeavesNoConnectionOnLoan: a panic in the midst of an answer closes
// the connection, so that the pool can be closed, and others work.
func TestPanicLeavesNoConnectionOnLoan(t *testing.T) {
	dir, err := os.MkdirTemp("", "chaperone-lease")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// The server's own user must be able to enter.
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	server, err := pgserver.Start(t.Context(), pgserver.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(context.Background()) })
	p, err := open(&Config{DSN: server.Superuser("postgres"), Connections: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("it did not panic")
			}
		}()
		conn, err := p.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.pipeline(t.Context(), []step{{text: "SELECT 1", row: func([][]byte) bool { panic("inside") }}})
	}()
	if err := p.Ping(t.Context()); err != nil {
		t.Error("the only connection is gone:", err)
	}
	closed := make(chan struct{})
	go func() {
		p.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Error("the pool can't be closed")
	}
}
