package app

import (
	"context"
	"runtime/debug"
	"time"
)

// startTime is how long the gateway is busy with its start and with its first
// client, who is not to wait for what giveBack does.
const startTime = time.Second

// giveBack gives the system the memory that only the start needed: garbage, and
// the pages of the program that set its thousand packages up. What is needed of
// these again is mapped again, from the system's cache.
func giveBack(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(startTime):
		debug.FreeOSMemory()
		unmapProgram()
	}
}
